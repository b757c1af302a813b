//! Values that a later call takes of an answer.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::compose::Failed;
use crate::compose::template::Step;

/// JSON texts within another.
pub(in crate::compose) type Elements<'j> = Vec<&'j RawValue>;

/// What is at the end of a path, each time; what is not there is left out.
///
/// # Errors
/// [`Failed::TooMany`] if there are more than `most`; [`Failed::Garbage`] if it is no JSON; [`Failed::Shape`] if the
/// path goes into what is no object, or no list.
pub(in crate::compose) fn take<'j>(json: &'j [u8], steps: &[Step], most: usize) -> Result<Elements<'j>, Failed> {
    let (mut found, mut trouble) = (Vec::new(), None);
    let mut reader = serde_json::Deserializer::from_slice(json);
    let walk = Walk { steps, found: &mut found, trouble: &mut trouble, most };
    let walked = walk.deserialize(&mut reader).and_then(|()| reader.end());
    walked.map_err(|_| trouble.unwrap_or(Failed::Garbage))?;
    Ok(found)
}

/// A value as a text: a string decoded, a number or boolean as it stands; nothing, if it is null.
///
/// # Errors
/// [`Failed::Value`] if it is an object or a list.
pub(in crate::compose) fn scalar(raw: &RawValue) -> Result<Option<Cow<'_, str>>, Failed> {
    let raw = raw.get();
    match raw.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => {
            if let Some(plain) = raw.get(1..raw.len() - 1).filter(|inner| !inner.contains('\\')) {
                return Ok(Some(plain.into()));
            }
            serde_json::from_str::<String>(raw).map(|text| Some(text.into())).map_err(|_| Failed::Value)
        }
        Some(b'{' | b'[') | None => Err(Failed::Value),
        Some(_) => Ok(Some(raw.into())),
    }
}

/// The first elements of a list.
pub(super) fn first(list: &str, most: usize) -> Result<Elements<'_>, Failed> {
    let mut found = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(list);
    let read = reader.deserialize_seq(First { found: &mut found, most });
    read.map_err(|_| Failed::Garbage)?;
    Ok(found)
}

struct Walk<'w, 'de> {
    steps: &'w [Step],
    found: &'w mut Elements<'de>,
    trouble: &'w mut Option<Failed>,
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        if !self.steps.is_empty() {
            return from.deserialize_any(self);
        }
        let raw = <&RawValue as serde::Deserialize>::deserialize(from)?;
        if self.found.len() >= self.most {
            return Err(self.refuse(Failed::TooMany));
        }
        self.found.push(raw);
        Ok(())
    }
}

impl Walk<'_, '_> {
    fn refuse<E: Error>(self, failed: Failed) -> E {
        self.trouble.get_or_insert(failed);
        E::custom("")
    }
}

impl<'de> Visitor<'de> for Walk<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Some((Step::Field(field), rest)) = self.steps.split_first() else {
            return Err(self.refuse(Failed::Shape));
        };
        let (mut seen, Self { found, trouble, most, .. }) = (false, self);
        while let Some(here) = map.next_key_seed(Is(field))? {
            let next = Walk { steps: rest, found: &mut *found, trouble: &mut *trouble, most };
            if !here {
                map.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut seen, true) {
                // Whoever reads it may take either.
                return Err(next.refuse(Failed::Garbage));
            } else {
                map.next_value_seed(next)?;
            }
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        let Some((Step::Each, rest)) = self.steps.split_first() else {
            return Err(self.refuse(Failed::Shape));
        };
        let Self { found, trouble, most, .. } = self;
        loop {
            let next = Walk { steps: rest, found: &mut *found, trouble: &mut *trouble, most };
            if seq.next_element_seed(next)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Err(self.refuse(Failed::Shape))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Err(self.refuse(Failed::Shape))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Err(self.refuse(Failed::Shape))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Err(self.refuse(Failed::Shape))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(self.refuse(Failed::Shape))
    }
}

/// Whether a member's name is this.
struct Is<'w>(&'w str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

struct First<'w, 'de> {
    found: &'w mut Elements<'de>,
    most: usize,
}

impl<'de> Visitor<'de> for First<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while self.found.len() < self.most {
            match seq.next_element()? {
                Some(element) => self.found.push(element),
                None => return Ok(()),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
