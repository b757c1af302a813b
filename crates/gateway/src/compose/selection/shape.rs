//! A selection as the splicing follows it: by what the service calls things, with what is written for them ready.

use std::collections::BTreeSet;

use super::Chosen;
use crate::compose::composition::Call;
use crate::compose::place::CompositionError;

/// The member that tells which parts are complete, if a profile wants it.
pub(in crate::compose) const REPORT_MEMBER: &str = "_fragments";

/// Fields of one object: the splicing keeps a bit for each.
const KEYS_MOST: usize = 128;

/// What an answer is made of.
#[derive(Debug)]
pub(in crate::compose) struct Selection {
    pub(in crate::compose) tops: Vec<Top>,
    /// The calls that it takes something of.
    pub(in crate::compose) calls: BTreeSet<usize>,
}

/// A field that is a call's answer.
#[derive(Debug)]
pub(in crate::compose) struct Top {
    pub(in crate::compose) call: usize,
    pub(in crate::compose) used: Use,
}

/// What is taken of an object.
#[derive(Debug)]
pub(in crate::compose) struct Object {
    pub(in crate::compose) keys: Vec<Key>,
    /// If it is an element that calls are made for: their answers.
    pub(in crate::compose) joins: Vec<Join>,
}

/// A member of an object, under the service's name.
#[derive(Debug)]
pub(in crate::compose) struct Key {
    pub(in crate::compose) field: Box<str>,
    /// At least one; more, if aliases take it more than once.
    pub(in crate::compose) uses: Vec<Use>,
}

/// The answer of a call that is made for each element, in the element.
#[derive(Debug)]
pub(in crate::compose) struct Join {
    pub(in crate::compose) call: usize,
    pub(in crate::compose) used: Use,
}

/// What is done with a value.
#[derive(Debug)]
pub(in crate::compose) struct Use {
    /// The name with quotes and colon, as it is written.
    pub(in crate::compose) label: Box<str>,
    pub(in crate::compose) flatten: bool,
    pub(in crate::compose) first: Option<usize>,
    pub(in crate::compose) default: Option<Box<str>>,
    /// What is taken of it, or all.
    pub(in crate::compose) below: Option<Object>,
}

pub(super) fn selection(chosen: &[Chosen], calls: &[Call]) -> Result<Selection, CompositionError> {
    let mut selection = Selection { tops: Vec::new(), calls: BTreeSet::new() };
    for field in chosen {
        let Some(call) = calls.iter().position(|call| *call.name == *field.field) else {
            let names: Vec<&str> = calls.iter().map(|call| &*call.name).collect();
            let what = format!("no call is named {:?}; there are: {}", field.field, names.join(", "));
            return Err(CompositionError::new(field.part.clone(), field.place, what));
        };
        if field.flatten && calls[call].each.is_some() {
            let what =
                format!("{:?} is made for each element, so it is a list, which cannot be flattened", field.field);
            return Err(CompositionError::new(field.part.clone(), field.place, what));
        }
        selection.calls.insert(call);
        let mut shaping = Shaping { calls, call, way: Vec::new(), joined: &mut selection.calls };
        let used = shaping.shape_use(field)?;
        selection.tops.push(Top { call, used });
    }
    refuse_same_names(chosen, &mut BTreeSet::new())?;
    Ok(selection)
}

struct Shaping<'a> {
    calls: &'a [Call],
    /// The call that is being taken apart.
    call: usize,
    /// The fields to where it is.
    way: Vec<String>,
    joined: &'a mut BTreeSet<usize>,
}

impl Shaping<'_> {
    fn shape_use(&mut self, chosen: &Chosen) -> Result<Use, CompositionError> {
        let below = match &chosen.below {
            None => None,
            Some(fields) => {
                refuse_same_names(fields, &mut BTreeSet::new())?;
                Some(self.object(fields)?)
            }
        };
        Ok(Use {
            label: format!("\"{}\":", chosen.name).into(),
            flatten: chosen.flatten,
            first: chosen.first,
            default: chosen.default.as_deref().map(Into::into),
            below,
        })
    }

    fn object(&mut self, fields: &[Chosen]) -> Result<Object, CompositionError> {
        let mut object = Object { keys: Vec::new(), joins: Vec::new() };
        for field in fields {
            let refused = |what: String| Err(CompositionError::new(field.part.clone(), field.place, what));
            if let Some(call) = self.join(&field.field) {
                self.joined.insert(call);
                let mut inner = Shaping { calls: self.calls, call, way: Vec::new(), joined: self.joined };
                object.joins.push(Join { call, used: inner.shape_use(field)? });
                continue;
            }
            self.way.push(field.field.clone());
            let used = self.shape_use(field)?;
            self.way.pop();
            match object.keys.iter_mut().find(|key| *key.field == *field.field) {
                Some(key) => key.uses.push(used),
                None => object.keys.push(Key { field: field.field.as_str().into(), uses: vec![used] }),
            }
            if object.keys.len() > KEYS_MOST {
                return refused(format!("more than {KEYS_MOST} fields of one object"));
            }
        }
        Ok(object)
    }

    /// The call of this name, if it is made for each of the elements that are being taken apart.
    fn join(&self, name: &str) -> Option<usize> {
        let here = |call: &Call| {
            let each = call.each.as_ref().filter(|each| each.call == self.call);
            *call.name == *name && each.is_some_and(|each| each.path.fields() == self.way)
        };
        self.calls.iter().position(here)
    }
}

/// Two fields of one object cannot have one name, wherever `@flatten` brings them from.
fn refuse_same_names<'c>(fields: &'c [Chosen], names: &mut BTreeSet<&'c str>) -> Result<(), CompositionError> {
    for field in fields {
        match &field.below {
            Some(below) if field.flatten => refuse_same_names(below, names)?,
            _ if names.insert(&field.name) => {}
            _ => {
                let what = format!("two fields would be named {:?}: give one of them an alias", field.name);
                return Err(CompositionError::new(field.part.clone(), field.place, what));
            }
        }
    }
    Ok(())
}
