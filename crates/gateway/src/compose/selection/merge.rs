//! Fields as they are chosen, with fragments put in; those of one name are one, as in GraphQL.

use graphql_parser::query::{Directive, Field, Selection, SelectionSet, Value};

use super::Fragments;
use super::document::place;
use crate::compose::CompositionLimits;
use crate::compose::place::{CompositionError, Part, Place};

/// A field that is chosen.
#[derive(Debug)]
pub(in crate::compose) struct Chosen {
    /// What it is called in the answer.
    pub(in crate::compose) name: String,
    /// What it is called by the service.
    pub(in crate::compose) field: String,
    /// `@flatten`: its fields stand where it would.
    pub(in crate::compose) flatten: bool,
    /// `@first(n:)`.
    pub(in crate::compose) first: Option<usize>,
    /// `@default(value:)`, as JSON.
    pub(in crate::compose) default: Option<String>,
    /// What is chosen of it, or all of it.
    pub(in crate::compose) below: Option<Vec<Chosen>>,
    /// The text that it is written in, and where.
    pub(in crate::compose) part: Part,
    pub(in crate::compose) place: Place,
}

type Set = SelectionSet<'static, String>;

/// What a selection chooses.
pub(super) fn fields(
    set: &Set,
    part: &Part,
    fragments: &Fragments,
    limits: &CompositionLimits,
) -> Result<Vec<Chosen>, CompositionError> {
    let mut chosen = Vec::new();
    let mut merging = Merging { fragments, limits, fields: 0, way: Vec::new() };
    merging.add(set, part, &mut chosen, 1)?;
    Ok(chosen)
}

struct Merging<'a> {
    fragments: &'a Fragments,
    limits: &'a CompositionLimits,
    /// Fields and fragments so far.
    fields: usize,
    /// The fragments that are being put in.
    way: Vec<String>,
}

impl Merging<'_> {
    fn add(&mut self, set: &Set, part: &Part, to: &mut Vec<Chosen>, depth: usize) -> Result<(), CompositionError> {
        for selection in &set.items {
            let position = match selection {
                Selection::Field(field) => field.position,
                Selection::FragmentSpread(spread) => spread.position,
                Selection::InlineFragment(inline) => inline.position,
            };
            let refused = |what: String| CompositionError::new(part.clone(), place(position), what);
            self.fields += 1;
            if self.fields > self.limits.fields {
                return Err(refused(format!("more than {} fields, with its fragments put in", self.limits.fields)));
            }
            if depth > self.limits.depth {
                return Err(refused(format!("deeper than {}", self.limits.depth)));
            }
            match selection {
                Selection::Field(field) => self.add_field(field, part, to, depth)?,
                Selection::FragmentSpread(spread) => {
                    if let Some(directive) = spread.directives.first() {
                        let what = format!("`...{}` has no directives; its fields may", spread.fragment_name);
                        return Err(CompositionError::new(part.clone(), place(directive.position), what));
                    }
                    self.spread(&spread.fragment_name, to, depth).map_err(|error| error.unwrap_or_else(refused))?;
                }
                Selection::InlineFragment(_) => {
                    return Err(refused("a fragment without a name: an answer has one type only".to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Puts a fragment's fields in. An error that is not in the fragment is one of the place that names it.
    fn spread(&mut self, name: &str, to: &mut Vec<Chosen>, depth: usize) -> Result<(), Unspread> {
        let Some(fragment) = self.fragments.0.get(name) else {
            let names: Vec<&str> = self.fragments.0.keys().map(String::as_str).collect();
            return Err(Unspread::Here(format!("no fragment is named {name:?}; there are: {}", names.join(", "))));
        };
        if self.way.iter().any(|outer| outer == name) {
            return Err(Unspread::Here(format!("fragment {name:?} contains itself")));
        }
        self.way.push(name.to_owned());
        let added = self.add(&fragment.selection_set, &Part::Fragment(name.to_owned()), to, depth);
        self.way.pop();
        added.map_err(Unspread::Inside)
    }

    fn add_field(
        &mut self,
        field: &Field<'static, String>,
        part: &Part,
        to: &mut Vec<Chosen>,
        depth: usize,
    ) -> Result<(), CompositionError> {
        let new = read(field, part)?;
        let refused = |what: String| Err(CompositionError::new(part.clone(), new.place, what));
        let same = to.iter().position(|other| {
            if new.flatten {
                other.flatten && other.field == new.field
            } else {
                !other.flatten && other.name == new.name
            }
        });
        let index = match same {
            None => {
                to.push(new);
                to.len() - 1
            }
            Some(index) => {
                let other = &to[index];
                let alike = other.field == new.field && other.first == new.first && other.default == new.default;
                if !alike || other.below.is_some() != new.below.is_some() {
                    return refused(format!("{:?} is already there, chosen in another way", new.name));
                }
                index
            }
        };
        if let Some(mut below) = to[index].below.take() {
            self.add(&field.selection_set, part, &mut below, depth + 1)?;
            to[index].below = Some(below);
        }
        Ok(())
    }
}

enum Unspread {
    Inside(CompositionError),
    Here(String),
}

impl Unspread {
    fn unwrap_or_else(self, here: impl FnOnce(String) -> CompositionError) -> CompositionError {
        match self {
            Self::Inside(error) => error,
            Self::Here(what) => here(what),
        }
    }
}

fn read(field: &Field<'static, String>, part: &Part) -> Result<Chosen, CompositionError> {
    let at = place(field.position);
    let refused = |place, what: String| Err(CompositionError::new(part.clone(), place, what));
    let name = field.alias.as_ref().unwrap_or(&field.name);
    if let Some((argument, _)) = field.arguments.first() {
        return refused(
            at,
            format!("{:?} has an argument, {argument:?}; what is asked stands in the call", field.name),
        );
    }
    if name == super::shape::REPORT_MEMBER {
        return refused(at, format!("{name:?} is the report of the parts, so no field can have this name"));
    }
    let below = (!field.selection_set.items.is_empty()).then(Vec::new);
    let mut chosen = Chosen {
        name: name.clone(),
        field: field.name.clone(),
        flatten: false,
        first: None,
        default: None,
        below,
        part: part.clone(),
        place: at,
    };
    for directive in &field.directives {
        let applied = apply(directive, &mut chosen);
        applied.map_err(|what| CompositionError::new(part.clone(), place(directive.position), what))?;
    }
    if chosen.flatten {
        let position = field.directives.first().map_or(at, |directive| place(directive.position));
        if chosen.below.is_none() {
            return refused(position, "`@flatten` needs to know the fields: choose them, `{ … }`".to_owned());
        }
        if field.alias.is_some() || chosen.first.is_some() || chosen.default.is_some() {
            let what = "what is flattened has no name, length or default of its own; its fields may";
            return refused(position, what.to_owned());
        }
    }
    Ok(chosen)
}

fn apply(directive: &Directive<'static, String>, chosen: &mut Chosen) -> Result<(), String> {
    let twice = Err(format!("`@{}` is there twice", directive.name));
    let argument = |wanted: &str| match &*directive.arguments {
        [(name, value)] if name == wanted => Ok(value),
        _ => Err(format!("`@{}` takes one argument, `{wanted}`", directive.name)),
    };
    match &*directive.name {
        "flatten" if !directive.arguments.is_empty() => Err("`@flatten` takes no argument".to_owned()),
        "flatten" if chosen.flatten => twice,
        "flatten" => {
            chosen.flatten = true;
            Ok(())
        }
        "first" if chosen.first.is_some() => twice,
        "first" => {
            let number = match argument("n")? {
                Value::Int(number) => number.as_i64().and_then(|number| usize::try_from(number).ok()),
                _ => None,
            };
            chosen.first = Some(number.ok_or("`n` is a number, 0 or more")?);
            Ok(())
        }
        "default" if chosen.default.is_some() => twice,
        "default" => {
            chosen.default = Some(json(argument("value")?)?.to_string());
            Ok(())
        }
        other => Err(format!("there is no `@{other}`; there are `@flatten`, `@first(n:)` and `@default(value:)`")),
    }
}

fn json(value: &Value<'static, String>) -> Result<serde_json::Value, String> {
    Ok(match value {
        Value::Variable(name) => return Err(format!("`${name}` is a variable, and there are none")),
        Value::Enum(name) => return Err(format!("{name:?} is no value of JSON; a text stands in quotes")),
        Value::Int(number) => number.as_i64().into(),
        Value::Float(number) => (*number).into(),
        Value::String(text) => text.clone().into(),
        Value::Boolean(is) => (*is).into(),
        Value::Null => serde_json::Value::Null,
        Value::List(values) => values.iter().map(json).collect::<Result<Vec<_>, _>>()?.into(),
        Value::Object(members) => {
            let member = |(name, value): (&String, _)| Ok::<_, String>((name.clone(), json(value)?));
            serde_json::Value::Object(members.iter().map(member).collect::<Result<_, _>>()?)
        }
    })
}
