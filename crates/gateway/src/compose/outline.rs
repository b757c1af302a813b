//! What an answer is made of, for those who describe it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::composition::{Call, Replacement};
use super::selection::{Chosen, Object, Use};
use super::splice::Splicer;
use super::template::{Otherwise, Source};
use super::{Composed, Instead};

/// What an answer is made of.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The calls that are made.
    pub calls: Vec<CallOutline>,
    /// Its members.
    pub fields: Vec<FieldOutline>,
    /// What a request may say; parameters that are fixed are not among them.
    pub parameters: Vec<ParameterOutline>,
    /// Whether it has the member `_fragments`.
    pub reports: bool,
}

/// A call that is made.
#[derive(Debug, Clone)]
pub struct CallOutline {
    /// Its name.
    pub call: String,
    /// The service that it asks.
    pub service: String,
    /// The path, with `{}` where values are put in.
    pub path: String,
    /// Whether it is made for each element of a list, of which there are at most so many.
    pub each: Option<usize>,
    /// Whether there may be nothing to ask for, since what it takes from another call may be an empty list.
    pub may_be_idle: bool,
    /// What is answered when it fails.
    pub instead: Instead,
}

/// A member of the answer, or of an object in it.
#[derive(Debug, Clone)]
pub struct FieldOutline {
    /// What it is called in the answer.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Its fields stand where it would.
    pub flatten: bool,
    /// So many elements of a list at most.
    pub first: Option<usize>,
    /// What stands in place of what is not there or `null`.
    pub default: Option<Value>,
    /// What is taken of it, or all.
    pub below: Option<Vec<FieldOutline>>,
}

/// Where a member comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// It is a member of what it is taken from.
    Member(String),
    /// It is the answer of the call of this name. When that fails and its author says what is answered then, what is
    /// selected of that: a member's value, or an object of members, if it is flattened.
    Call(String, Option<Value>),
}

/// A parameter of a request.
#[derive(Debug, Clone)]
pub struct ParameterOutline {
    /// Its name.
    pub name: String,
    /// Whether it is part of the path.
    pub in_path: bool,
    /// What it is when a request says nothing.
    pub default: Option<String>,
    /// Whether a request must say it.
    pub required: bool,
    /// What becomes of it.
    pub uses: Vec<ParameterUse>,
}

/// Where a call puts a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterUse {
    /// The call.
    pub call: String,
    /// Where in what it asks for.
    pub put: Put,
}

/// A place in a path or query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is this segment of the path, from 0.
    Segment(usize),
    /// It is the query's parameter of this name.
    Query(String),
    /// It is a part of something.
    Within,
}

impl Composed {
    /// What its answers are made of.
    #[must_use]
    pub fn outline(&self) -> Outline {
        let calls = self.made_calls().map(|(_, call)| self.outline_of(call)).collect();
        let fields = self.chosen.iter().zip(&self.selection.tops);
        let fields = fields.map(|(chosen, top)| self.call_field(chosen, &top.used, top.call)).collect();
        Outline { calls, fields, parameters: self.outlined_parameters(), reports: self.reports }
    }

    fn outline_of(&self, call: &Call) -> CallOutline {
        let takes_list = |source: &Source| matches!(source, Source::Call { path, .. } if path.lists() > 0);
        let instead = match &call.instead {
            Replacement::Error => Instead::Error,
            Replacement::Omit => Instead::Omit,
            // It was made of a value.
            Replacement::Default(json) => Instead::Default(serde_json::from_slice(json).unwrap_or_default()),
        };
        let idle_before = |index: &usize| self.outline_of(&self.calls()[*index]).may_be_idle;
        CallOutline {
            call: call.name.to_string(),
            service: call.template.service.to_string(),
            path: call.template.path_shape(),
            each: call.each.as_ref().map(|_| self.composition().limits().elements),
            may_be_idle: call.each.is_some()
                || call.template.holes().any(|hole| takes_list(&hole.source))
                || call.after.iter().any(idle_before),
            instead,
        }
    }

    fn call_field(&self, chosen: &Chosen, used: &Use, index: usize) -> FieldOutline {
        let call = &self.calls()[index];
        let instead = match &call.instead {
            Replacement::Default(json) => {
                let spliced = Splicer::new(self.calls(), &[], self.composition().limits()).spliced(used, json);
                spliced.ok().and_then(|json| serde_json::from_slice(&json).ok())
            }
            Replacement::Error | Replacement::Omit => None,
        };
        self.field(chosen, used, Origin::Call(call.name.to_string(), instead), index, &mut Vec::new())
    }

    fn field(&self, chosen: &Chosen, used: &Use, origin: Origin, call: usize, way: &mut Vec<String>) -> FieldOutline {
        let below = chosen.below.as_deref().zip(used.below.as_ref());
        FieldOutline {
            name: chosen.name.clone(),
            origin,
            flatten: chosen.flatten,
            first: chosen.first,
            default: chosen.default.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            below: below.map(|(fields, object)| self.fields(fields, object, call, way)),
        }
    }

    fn fields(&self, chosen: &[Chosen], object: &Object, call: usize, way: &mut Vec<String>) -> Vec<FieldOutline> {
        let mut fields = Vec::with_capacity(chosen.len());
        for field in chosen {
            let label = format!("\"{}\":", field.name);
            if let Some(joined) = self.joined(call, way, &field.field) {
                let join = object.joins.iter().find(|join| join.call == joined && *join.used.label == label);
                fields.extend(join.map(|join| self.call_field(field, &join.used, joined)));
                continue;
            }
            let key = object.keys.iter().find(|key| *key.field == *field.field);
            let used = key.and_then(|key| key.uses.iter().find(|used| *used.label == label));
            way.push(field.field.clone());
            let origin = Origin::Member(field.field.clone());
            fields.extend(used.map(|used| self.field(field, used, origin, call, way)));
            way.pop();
        }
        fields
    }

    fn outlined_parameters(&self) -> Vec<ParameterOutline> {
        let mut found: BTreeMap<String, ParameterOutline> = BTreeMap::new();
        let in_path: Vec<&str> = self.composition().path_parameters().collect();
        for name in &in_path {
            let parameter = ParameterOutline {
                name: (*name).to_owned(),
                in_path: true,
                default: None,
                required: true,
                uses: vec![],
            };
            found.insert((*name).to_owned(), parameter);
        }
        for (_, call) in self.made_calls() {
            for (hole, put) in call.template.holes().zip(call.template.puts()) {
                let Source::Parameter { name, otherwise } = &hole.source else { continue };
                if self.fixed(name) {
                    continue;
                }
                let parameter = found.entry(name.to_string()).or_insert_with(|| ParameterOutline {
                    name: name.to_string(),
                    in_path: false,
                    default: None,
                    required: false,
                    uses: Vec::new(),
                });
                parameter.uses.push(ParameterUse { call: call.name.to_string(), put });
                if parameter.in_path {
                    continue;
                }
                match self.default_of(name).or(otherwise.default()) {
                    Some(default) => drop(parameter.default.get_or_insert_with(|| default.to_owned())),
                    None => parameter.required |= *otherwise == Otherwise::Refused,
                }
            }
        }
        // Those of the path first, in its order.
        let mut parameters: Vec<ParameterOutline> = in_path.iter().filter_map(|name| found.remove(*name)).collect();
        parameters.extend(found.into_values());
        parameters
    }
}
