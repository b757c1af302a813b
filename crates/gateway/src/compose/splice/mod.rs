//! Splicing: what a selection takes of the answers goes from their bytes into the whole's, and no tree is built. What
//! is not selected is skipped, what is taken whole is copied as it stands, and only objects that are taken apart are
//! looked into.

mod deep;
mod object;
mod values;

use std::collections::HashMap;
use std::ops::Range;

use serde::de::DeserializeSeed;
use serde_json::value::RawValue;

use super::composition::{Call, Replacement};
use super::outcome::{Heard, Outcome};
use super::selection::{Join, Key, Object, Top, Use};
use super::{CompositionLimits, Failed, Piece};

use object::Apart;
pub(super) use values::{Elements, scalar, take};

/// The answer in the making.
pub(super) struct Splicer<'a> {
    calls: &'a [Call],
    outcomes: &'a [Outcome],
    limits: &'a CompositionLimits,
    out: Vec<u8>,
    /// Why what is being read is refused, when it isn't because it is no JSON.
    trouble: Option<Failed>,
    /// How many objects and lists the reading is in.
    nesting: usize,
    /// Whether what is read stands in for an answer of whose elements other calls were made: its own are none of those.
    stands_in: bool,
    /// Where what was made of an answer stands in `out`, by what is used of which answer of its call.
    made: HashMap<(usize, usize), Made>,
    /// Which element of a list what is being read was asked for.
    element: usize,
    /// Answers that could not be spliced.
    unusable: Vec<Unusable>,
    /// What ends the whole.
    fatal: Option<(usize, Failed)>,
}

/// What was made of an answer for one element of several that share it.
#[derive(Clone)]
struct Made {
    at: Range<usize>,
    /// Why that is not of the answer.
    unusable: Option<Failed>,
}

/// An answer that turned out to be of no use.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) call: usize,
    /// The element that it was asked for; the first, if it was asked for none.
    pub(super) element: usize,
    pub(super) failed: Failed,
}

/// What there is of an answer for which there is no room.
static NO_ROOM: Result<Piece, Failed> = Err(Failed::TooLarge);

/// What came of the splicing.
pub(super) struct Spliced {
    /// An object whose closing brace is still to come.
    pub(super) open: Vec<u8>,
    /// Answers that turned out to be of no use.
    pub(super) unusable: Vec<Unusable>,
}

impl<'a> Splicer<'a> {
    pub(super) fn new(calls: &'a [Call], outcomes: &'a [Outcome], limits: &'a CompositionLimits) -> Self {
        let out = Vec::with_capacity(2 << 10);
        let (made, unusable, fatal) = (HashMap::new(), Vec::new(), None);
        let (trouble, nesting, stands_in, element) = (None, 0, false, 0);
        Self { calls, outcomes, limits, out, trouble, nesting, stands_in, made, element, unusable, fatal }
    }

    /// Splices what a selection takes.
    ///
    /// # Errors
    /// The call whose failure ends the whole, and why.
    pub(super) fn splice(mut self, tops: &'a [Top]) -> Result<Spliced, (usize, Failed)> {
        self.out.push(b'{');
        for top in tops {
            let spliced = self.top(top);
            if let Some(fatal) = self.fatal {
                return Err(fatal);
            }
            spliced.map_err(|failed| (top.call, failed))?;
        }
        Ok(Spliced { open: self.out, unusable: self.unusable })
    }

    /// Whether what is used can be taken of a JSON text.
    ///
    /// # Errors
    /// Why it cannot.
    pub(super) fn try_value(&mut self, used: &'a Use, json: &[u8]) -> Result<(), Failed> {
        // Outside of an object or list of its own, as it would be in the whole.
        self.out.push(b'{');
        self.value(used, json, None)
    }

    /// What is used of a JSON text: its JSON, or an object of its members, if it is flattened.
    ///
    /// # Errors
    /// Why it cannot be taken.
    pub(super) fn spliced(mut self, used: &'a Use, json: &[u8]) -> Result<Vec<u8>, Failed> {
        self.try_value(used, json)?;
        match used.flatten {
            true => self.out.push(b'}'),
            false => drop(self.out.remove(0)),
        }
        Ok(self.out)
    }

    fn top(&mut self, top: &'a Top) -> Result<(), Failed> {
        let outcomes = self.outcomes;
        match &outcomes[top.call] {
            Outcome::NotMade => self.absent(&top.used),
            // Of a list that is not known, nothing is there, and neither is what an element would have had; of one
            // without elements the answers are as many.
            Outcome::One(heard) if self.calls[top.call].each.is_some() => match heard.answer {
                Err(Failed::NoElements) => {
                    self.label(&top.used)?;
                    self.push("[]")
                }
                Err(failed) if self.calls[top.call].instead == Replacement::Error => self.end_all(top.call, failed),
                _ => self.absent(&top.used),
            },
            Outcome::One(heard) => self.heard(top.call, &top.used, &heard.answer),
            Outcome::Many { of, answers } => {
                self.label(&top.used)?;
                self.out.push(b'[');
                for (element, answer) in of.iter().take(top.used.first.unwrap_or(usize::MAX)).enumerate() {
                    let of = (top.call, element, *answer);
                    let make = |splicer: &mut Self, heard| splicer.element(top, heard);
                    self.once(of, &top.used, &answers[*answer].answer, make)?;
                }
                self.out.push(b']');
                Ok(())
            }
        }
    }

    /// An element of a list of answers: without one, it is null, so that the others stay where they are.
    fn element(&mut self, top: &'a Top, heard: &'a Result<Piece, Failed>) -> Result<(), Failed> {
        self.comma();
        let mark = self.out.len();
        let failed = match heard {
            Ok(piece) => match self.value(&top.used, &piece.body, None) {
                Ok(()) => return Ok(()),
                Err(failed) => self.take_back(top.call, mark, failed)?,
            },
            Err(failed) => *failed,
        };
        match &self.calls[top.call].instead {
            Replacement::Error => self.end_all(top.call, failed),
            Replacement::Default(json) if self.value(&top.used, json, None).is_ok() => Ok(()),
            Replacement::Default(_) | Replacement::Omit => {
                self.go_back(mark);
                self.push(top.used.default.as_deref().unwrap_or("null"))
            }
        }
    }

    /// A member that is what was heard of a question, or what is said instead.
    fn heard(&mut self, call: usize, used: &'a Use, heard: &'a Result<Piece, Failed>) -> Result<(), Failed> {
        let mark = self.out.len();
        let failed = match heard {
            Ok(piece) => match self.member(used, &piece.body) {
                Ok(()) => return Ok(()),
                Err(failed) => self.take_back(call, mark, failed)?,
            },
            // If there is a default, calls were made for the elements of that.
            Err(failed) => return self.instead(call, used, *failed),
        };
        let before = std::mem::replace(&mut self.stands_in, true);
        let stood_in = self.instead(call, used, failed);
        self.stands_in = before;
        stood_in
    }

    fn instead(&mut self, call: usize, used: &'a Use, failed: Failed) -> Result<(), Failed> {
        let mark = self.out.len();
        match &self.calls[call].instead {
            Replacement::Error if failed != Failed::NoElements => self.end_all(call, failed),
            Replacement::Default(json) if self.member(used, json).is_ok() => Ok(()),
            Replacement::Error | Replacement::Default(_) | Replacement::Omit => {
                self.go_back(mark);
                self.absent(used)
            }
        }
    }

    /// Undoes what was written of an answer that turned out to be of no use, unless that ends the whole.
    fn take_back(&mut self, call: usize, mark: usize, failed: Failed) -> Result<Failed, Failed> {
        if self.fatal.is_some() {
            return Err(failed);
        }
        self.go_back(mark);
        self.unusable.push(Unusable { call, element: self.element, failed });
        Ok(failed)
    }

    fn end_all(&mut self, call: usize, failed: Failed) -> Result<(), Failed> {
        self.fatal = Some((call, failed));
        Err(failed)
    }

    /// Makes of an answer what is used of it for an element, or copies what was made of it for another one: elements may
    /// be many, and share an answer that is large.
    fn once(
        &mut self,
        (call, element, answer): (usize, usize, usize),
        used: &'a Use,
        heard: &'a Result<Piece, Failed>,
        make: impl FnOnce(&mut Self, &'a Result<Piece, Failed>) -> Result<(), Failed>,
    ) -> Result<(), Failed> {
        let key = (std::ptr::from_ref(used).addr(), answer);
        let outer = std::mem::replace(&mut self.element, element);
        let (start, unusable) = (self.out.len(), self.unusable.len());
        let spliced = match self.made.get(&key).cloned() {
            Some(Made { at, unusable }) if start + at.len() < self.limits.answer_bytes => {
                if !at.is_empty() {
                    self.comma();
                    self.out.extend_from_within(at);
                }
                self.unusable.extend(unusable.map(|failed| Unusable { call, element, failed }));
                Ok(())
            }
            Some(_) => {
                self.unusable.push(Unusable { call, element, failed: Failed::TooLarge });
                make(self, &NO_ROOM)
            }
            None => make(self, heard).inspect(|()| {
                let at = start + usize::from(self.out.get(start) == Some(&b','))..self.out.len();
                let unusable = self.unusable[unusable..].iter().find(|its| its.call == call);
                self.made.insert(key, Made { at, unusable: unusable.map(|its| its.failed) });
            }),
        };
        self.element = outer;
        spliced
    }

    /// Goes back to where something began that is of no use.
    fn go_back(&mut self, mark: usize) {
        self.out.truncate(mark);
        self.made.retain(|_, made| made.at.end <= mark);
    }

    /// The answer that was asked for an element, in the element.
    fn join(&mut self, join: &'a Join, element: Option<usize>) -> Result<(), Failed> {
        let outcomes = self.outcomes;
        // None has been made where it is only tried what can be taken of a default.
        let outcome = outcomes.get(join.call).filter(|_| !self.stands_in);
        match (outcome, element) {
            (Some(Outcome::Many { of, answers }), Some(element)) => match of.get(element) {
                Some(answer) => {
                    let of = (join.call, element, *answer);
                    let make = |splicer: &mut Self, heard| splicer.heard(join.call, &join.used, heard);
                    self.once(of, &join.used, &answers[*answer].answer, make)
                }
                None => self.absent(&join.used),
            },
            (Some(Outcome::One(Heard { answer: Err(failed), .. })), Some(_)) => {
                self.instead(join.call, &join.used, *failed)
            }
            _ => self.absent(&join.used),
        }
    }

    /// A member with its name, from JSON.
    fn member(&mut self, used: &'a Use, json: &[u8]) -> Result<(), Failed> {
        self.label(used)?;
        self.value(used, json, None)
    }

    /// What is used of a JSON text.
    fn value(&mut self, used: &'a Use, json: &[u8], element: Option<usize>) -> Result<(), Failed> {
        let (trouble, nesting) = (self.trouble.take(), self.nesting);
        let mut reader = serde_json::Deserializer::from_slice(json);
        let read = match &used.below {
            Some(object) => Apart { splicer: self, used, object, element, in_list: false }.deserialize(&mut reader),
            None => <&RawValue as serde::Deserialize>::deserialize(&mut reader).and_then(|raw| {
                let taken = self.whole(used, raw.get());
                taken.map_err(|failed| self.refuse(failed))
            }),
        };
        self.nesting = nesting;
        let read = read.and_then(|()| reader.end());
        let outcome = read.map_err(|_| self.trouble.take().unwrap_or(Failed::Garbage));
        self.trouble = trouble;
        outcome
    }

    /// A value as it stands.
    fn whole(&mut self, used: &'a Use, raw: &str) -> Result<(), Failed> {
        let raw = match &used.default {
            Some(default) if raw == "null" => default,
            _ => raw,
        };
        if deep::deeper(raw, self.limits.depth) {
            return Err(Failed::Shape);
        }
        match used.first {
            Some(most) if raw.starts_with('[') => {
                let elements = values::first(raw, most)?;
                self.out.push(b'[');
                for element in elements {
                    self.comma();
                    self.push(element.get())?;
                }
                self.out.push(b']');
                Ok(())
            }
            _ => self.push(raw),
        }
    }

    /// A member that is not there: its default, if it has one.
    fn absent(&mut self, used: &'a Use) -> Result<(), Failed> {
        match (&used.default, &used.below) {
            (Some(default), _) => {
                self.label(used)?;
                self.push(default)
            }
            (None, Some(object)) if used.flatten => self.absent_all(object),
            _ => Ok(()),
        }
    }

    fn absent_all(&mut self, object: &'a Object) -> Result<(), Failed> {
        let keys = object.keys.iter().flat_map(|key: &Key| &key.uses);
        keys.chain(object.joins.iter().map(|join| &join.used)).try_for_each(|used| self.absent(used))
    }

    fn label(&mut self, used: &Use) -> Result<(), Failed> {
        if used.flatten {
            return Ok(());
        }
        self.comma();
        self.push(&used.label)
    }

    /// Between members and elements; after an opening bracket there is none yet.
    fn comma(&mut self) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
    }

    fn push(&mut self, text: &str) -> Result<(), Failed> {
        if self.out.len() + text.len() > self.limits.answer_bytes {
            return Err(Failed::TooLarge);
        }
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Ends the reading, and keeps why.
    fn refuse<E: serde::de::Error>(&mut self, failed: Failed) -> E {
        self.trouble.get_or_insert(failed);
        E::custom("")
    }
}
