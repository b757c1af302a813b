//! An object that is taken apart, or a list of such.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Key, Object, Splicer, Use};
use crate::compose::Failed;

/// Takes apart what is read next.
pub(super) struct Apart<'s, 'a> {
    pub(super) splicer: &'s mut Splicer<'a>,
    pub(super) used: &'a Use,
    pub(super) object: &'a Object,
    /// Which element of its list it is.
    pub(super) element: Option<usize>,
    /// Whether it is an element: `@first` and `@default` are the list's then.
    pub(super) in_list: bool,
}

impl<'de> DeserializeSeed<'de> for Apart<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Apart<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of objects")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let Self { splicer, used, object, element, .. } = self;
        splicer.enter()?;
        if !used.flatten {
            splicer.out.push(b'{');
        }
        // A bit for each key; a selection of more is refused.
        let mut seen = 0_u128;
        while let Some(found) = map.next_key_seed(Which(&object.keys))? {
            let Some(index) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen & (1 << index) != 0 {
                // Whoever reads it may take either.
                return Err(splicer.refuse(Failed::Garbage));
            }
            seen |= 1 << index;
            splicer.read_member(&object.keys[index], &mut map)?;
        }
        let mut rest = || {
            for (_, key) in object.keys.iter().enumerate().filter(|(index, _)| seen & (1 << index) == 0) {
                key.uses.iter().try_for_each(|used| splicer.absent(used))?;
            }
            object.joins.iter().try_for_each(|join| splicer.join(join, element))
        };
        rest().map_err(|failed| splicer.refuse(failed))?;
        if !used.flatten {
            splicer.out.push(b'}');
        }
        splicer.nesting -= 1;
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        let Self { splicer, used, object, element, in_list } = self;
        if used.flatten {
            return Err(splicer.refuse(Failed::Shape));
        }
        splicer.enter()?;
        splicer.out.push(b'[');
        let most = used.first.filter(|_| !in_list).unwrap_or(usize::MAX);
        for index in 0..most {
            let mark = splicer.out.len();
            splicer.comma();
            let element = if in_list { element } else { Some(index) };
            let next = Apart { splicer: &mut *splicer, used, object, element, in_list: true };
            if seq.next_element_seed(next)?.is_none() {
                splicer.out.truncate(mark);
                break;
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        splicer.out.push(b']');
        splicer.nesting -= 1;
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        let Self { splicer, used, object, in_list, .. } = self;
        let written = if used.flatten {
            splicer.absent_all(object)
        } else {
            splicer.push(used.default.as_deref().filter(|_| !in_list).unwrap_or("null"))
        };
        written.map_err(|failed| splicer.refuse(failed))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Err(self.splicer.refuse(Failed::Shape))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Err(self.splicer.refuse(Failed::Shape))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Err(self.splicer.refuse(Failed::Shape))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Err(self.splicer.refuse(Failed::Shape))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(self.splicer.refuse(Failed::Shape))
    }
}

impl<'a> Splicer<'a> {
    fn enter<E: Error>(&mut self) -> Result<(), E> {
        self.nesting += 1;
        // Each level of a selection may be a list of objects.
        if self.nesting > 2 * self.limits.depth {
            return Err(self.refuse(Failed::Shape));
        }
        Ok(())
    }

    fn read_member<'de, M: MapAccess<'de>>(&mut self, key: &'a Key, map: &mut M) -> Result<(), M::Error> {
        match &*key.uses {
            [used] if let Some(object) = &used.below => {
                self.label(used).map_err(|failed| self.refuse(failed))?;
                map.next_value_seed(Apart { splicer: self, used, object, element: None, in_list: false })
            }
            uses => {
                let raw: &RawValue = map.next_value()?;
                for used in uses {
                    let taken = match &used.below {
                        None => self.label(used).and_then(|()| self.whole(used, raw.get())),
                        Some(_) => self.member(used, raw.get().as_bytes()),
                    };
                    taken.map_err(|failed| self.refuse(failed))?;
                }
                Ok(())
            }
        }
    }
}

/// Which of the keys a member's name is.
struct Which<'a>(&'a [Key]);

impl<'de> DeserializeSeed<'de> for Which<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Option<usize>, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Which<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|key| *key.field == *name))
    }
}
