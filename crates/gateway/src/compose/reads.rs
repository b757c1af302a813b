//! What calls and selections read: what a check against services' documents needs to know.

use super::composition::Call;
use super::place::{Part, Place};
use super::selection::Chosen;
use super::template::{Source, ValuePath};
use super::{Composed, Composition};

/// What one call asks, and what is read of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReads {
    /// The call.
    pub call: String,
    /// The service.
    pub service: String,
    /// The path, with `{}` where values are put in.
    pub path: String,
    /// The names of the query's parameters.
    pub query: Vec<String>,
    /// What is read of its answer.
    pub fields: Vec<FieldRead>,
}

/// A field that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRead {
    /// The names of the members on the way to it; lists on the way are not told.
    pub path: Vec<String>,
    /// Whether it is handed on with all that is in it.
    pub whole: bool,
    /// The text that names it.
    pub part: Part,
    /// Where that does.
    pub place: Place,
}

impl Composition {
    /// What its calls ask, and what they read of each other.
    #[must_use]
    pub fn reads(&self) -> Vec<CallReads> {
        let mut reads: Vec<CallReads> = self.calls().iter().map(asked).collect();
        for call in self.calls() {
            let name = call.name.to_string();
            let mut read = |of: usize, path: Vec<&str>, part: Part, place: Place| {
                let path = path.into_iter().map(str::to_owned).collect();
                reads[of].fields.push(FieldRead { path, whole: false, part, place });
            };
            for hole in call.template.holes() {
                let (of, path) = match (&hole.source, &call.each) {
                    (Source::Call { name, path }, _) => {
                        (self.calls().iter().position(|call| call.name == *name), path.fields())
                    }
                    (Source::Element(path), Some(each)) => (Some(each.call), below(&each.path, path)),
                    (Source::Element(_) | Source::Parameter { .. }, _) => (None, Vec::new()),
                };
                if let Some(of) = of {
                    read(of, path, Part::Get(name.clone()), hole.place);
                }
            }
        }
        reads
    }
}

impl Composed {
    /// What it reads of each call's answer.
    #[must_use]
    pub fn reads(&self) -> Vec<CallReads> {
        let mut reads: Vec<CallReads> = self.calls().iter().map(asked).collect();
        for chosen in &self.chosen {
            if let Some(call) = self.calls().iter().position(|call| *call.name == *chosen.field) {
                self.read_below(&mut reads, call, chosen, &mut Vec::new());
            }
        }
        reads.retain(|call| !call.fields.is_empty());
        reads
    }

    fn read_below(&self, reads: &mut [CallReads], call: usize, chosen: &Chosen, way: &mut Vec<String>) {
        let (part, place) = (chosen.part.clone(), chosen.place);
        reads[call].fields.push(FieldRead { path: way.clone(), whole: chosen.below.is_none(), part, place });
        for field in chosen.below.iter().flatten() {
            let joined = self.calls().iter().position(|other| {
                let each = other.each.as_ref().filter(|each| each.call == call);
                *other.name == *field.field && each.is_some_and(|each| each.path.fields() == *way)
            });
            if let Some(joined) = joined {
                self.read_below(reads, joined, field, &mut Vec::new());
                continue;
            }
            way.push(field.field.clone());
            self.read_below(reads, call, field, way);
            way.pop();
        }
    }
}

fn below<'p>(list: &'p ValuePath, value: &'p ValuePath) -> Vec<&'p str> {
    let mut fields = list.fields();
    fields.extend(value.fields());
    fields
}

fn asked(call: &Call) -> CallReads {
    let shape = call.template.shape();
    let query = shape.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    CallReads {
        call: call.name.to_string(),
        service: call.template.service.to_string(),
        path: call.template.path_shape(),
        query: names.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        fields: Vec::new(),
    }
}
