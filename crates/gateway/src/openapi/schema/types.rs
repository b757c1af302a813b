//! Sets of JSON's types.

use std::fmt;

use serde_json::{Map, Value};

/// A set of types. A number that need not be whole is another type than one that must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Types(u8);

const NAMES: [(&str, u8); 7] =
    [("null", 1), ("boolean", 2), ("integer", 4), ("number", 4 | 8), ("string", 16), ("array", 32), ("object", 64)];

impl Types {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(127);
    pub(crate) const NULL: Self = Self(1);
    pub(crate) const NUMBER: Self = Self(4 | 8);
    #[cfg(feature = "validate")]
    pub(crate) const BOOLEAN: Self = Self(2);
    pub(crate) const STRING: Self = Self(16);
    pub(crate) const ARRAY: Self = Self(32);
    pub(crate) const OBJECT: Self = Self(64);

    /// What a plain schema says of a value's type: by `type`, by the values that there are, or by words that make sense
    /// for one type only and are not written for another.
    pub(crate) fn of(schema: &Map<String, Value>) -> Self {
        let named = |name: &str| NAMES.iter().find(|(its, _)| *its == name).map_or(Self::NONE, |(_, bits)| Self(*bits));
        let by_type = match schema.get("type") {
            Some(Value::String(name)) => named(name),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(named).fold(Self::NONE, Self::or),
            _ => Self::ALL,
        };
        let values = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
        let values = values.or_else(|| schema.get("const").map(std::slice::from_ref));
        let by_values = values.map_or(Self::ALL, |values| values.iter().map(Self::of_value).fold(Self::NONE, Self::or));
        let has = |words: &[&str]| words.iter().any(|word| schema.contains_key(*word));
        let by_words = if schema.contains_key("type") || values.is_some() {
            Self::ALL
        } else if has(&["properties", "required", "additionalProperties", "patternProperties"]) {
            Self::OBJECT
        } else if has(&["items", "prefixItems"]) {
            Self::ARRAY
        } else {
            Self::ALL
        };
        by_type.and(by_values).and(by_words)
    }

    pub(crate) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self(2),
            Value::Number(number) if number.is_f64() => Self(8),
            Value::Number(_) => Self(4),
            Value::String(_) => Self(16),
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// One for each type.
    pub(crate) fn each() -> impl Iterator<Item = Self> {
        (0..7).map(|bit| Self(1 << bit))
    }

    pub(crate) fn names(self) -> Vec<&'static str> {
        let there = NAMES.iter().filter(|(_, bits)| self.0 & bits == *bits);
        // A whole number is a number.
        there.map(|(name, _)| *name).filter(|name| *name != "integer" || self.0 & 8 == 0).collect()
    }
}

/// `string or null`.
impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("nothing"),
            127 => f.write_str("anything"),
            // Numbers without the whole ones have no name of their own.
            bits if bits & 8 != 0 => f.write_str(&Self(bits | 4).names().join(" or ")),
            _ => f.write_str(&self.names().join(" or ")),
        }
    }
}
