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
    /// Where the path begins in what its author wrote.
    pub path_place: Place,
    /// The query's parameters.
    pub query: Vec<QueryRead>,
    /// What is read of its answer.
    pub fields: Vec<FieldRead>,
}

/// A parameter of a call's query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryRead {
    /// Its name.
    pub name: String,
    /// Where its author wrote it.
    pub place: Place,
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
            if let Some(joined) = self.joined(call, way, &field.field) {
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
    let query = call.template.query().into_iter();
    CallReads {
        call: call.name.to_string(),
        service: call.template.service.to_string(),
        path: call.template.path_shape(),
        path_place: call.template.path_place(),
        query: query.map(|(name, place, _)| QueryRead { name: name.to_owned(), place }).collect(),
        fields: Vec::new(),
    }
}
