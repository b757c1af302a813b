//! What may stand in braces.

use std::fmt;

use crate::compose::place::{Fault, Place};

/// `{…}`.
#[derive(Debug)]
pub(in crate::compose) struct Hole {
    pub(in crate::compose) place: Place,
    pub(in crate::compose) source: Source,
    pub(in crate::compose) in_query: bool,
}

/// Where a hole's value comes from.
#[derive(Debug)]
pub(in crate::compose) enum Source {
    /// `{id}`, `{limit:10}` or `{sort?}`: a parameter of the request.
    Parameter { name: Box<str>, otherwise: Otherwise },
    /// `{similar.items[].product_id}`: another call's answer.
    Call { name: Box<str>, path: ValuePath },
    /// `{each.product_id}`: the element that the call is made for.
    Element(ValuePath),
}

/// What stands in place of a parameter that the request does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::compose) enum Otherwise {
    /// Nothing: the request is refused.
    Refused,
    /// This value.
    Default(Box<str>),
    /// Nothing, and the query parameter whose value it is goes with it.
    LeftOut,
}

impl Otherwise {
    /// The default, if it is one.
    pub(in crate::compose) fn default(&self) -> Option<&str> {
        match self {
            Self::Default(value) => Some(value),
            Self::Refused | Self::LeftOut => None,
        }
    }
}

/// A way into an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::compose) struct ValuePath(pub(in crate::compose) Box<[Step]>);

/// A step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::compose) enum Step {
    /// Into a member.
    Field(Box<str>),
    /// Into each element: `[]`.
    Each,
}

/// As it stands in braces.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter { name, otherwise: Otherwise::Refused } => f.write_str(name),
            Self::Parameter { name, otherwise: Otherwise::Default(default) } => write!(f, "{name}:{default}"),
            Self::Parameter { name, otherwise: Otherwise::LeftOut } => write!(f, "{name}?"),
            Self::Call { name, path } => write!(f, "{name}{path}"),
            Self::Element(path) => write!(f, "each{path}"),
        }
    }
}

/// As it stands behind a call's name.
impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Field(name) => write!(f, ".{name}"),
            Step::Each => f.write_str("[]"),
        })
    }
}

impl ValuePath {
    /// How many times it goes into each element.
    pub(in crate::compose) fn lists(&self) -> usize {
        self.0.iter().filter(|step| **step == Step::Each).count()
    }

    /// The members that it goes through.
    pub(in crate::compose) fn fields(&self) -> Vec<&str> {
        let field = |step| match step {
            &Step::Each => None,
            Step::Field(name) => Some(&**name),
        };
        self.0.iter().filter_map(field).collect()
    }
}

impl Hole {
    /// Reads what stands between `start` and `end` of a text.
    pub(super) fn parse(text: &str, start: usize, end: usize, in_query: bool) -> Result<Self, Fault> {
        let inner = &text[start..end];
        let source = if let Some((name, default)) = inner.split_once(':') {
            Source::Parameter { name: name.into(), otherwise: Otherwise::Default(default.into()) }
        } else if let Some(name) = inner.strip_suffix('?') {
            if !is_whole_value(text, start, end, in_query) {
                return Err(Fault::at(text, start, "what may be left out is the whole value of a query parameter"));
            }
            Source::Parameter { name: name.into(), otherwise: Otherwise::LeftOut }
        } else if inner.contains(['.', '[']) {
            let (name, path) = reference(text, start, end)?;
            match name {
                "each" if path.lists() > 0 => {
                    return Err(Fault::at(text, start, "an element gives one value, so `[]` cannot stand here"));
                }
                "each" => Source::Element(path),
                name => Source::Call { name: name.into(), path },
            }
        } else {
            Source::Parameter { name: inner.into(), otherwise: Otherwise::Refused }
        };
        match &source {
            Source::Parameter { name, .. } if !is_name(name) => {
                Err(Fault::at(text, start, format!("{name:?} is no parameter's name")))
            }
            Source::Parameter { otherwise: Otherwise::Default(default), .. } if default.is_empty() && !in_query => {
                Err(Fault::at(text, start, "an empty default would leave an empty segment of the path"))
            }
            Source::Call { path, .. } if path.lists() > 0 && !in_query => {
                Err(Fault::at(text, start, "several values can only stand in the query"))
            }
            _ => Ok(Self { place: Place::of(text, start), source, in_query }),
        }
    }
}

/// Whether a hole is all that stands behind a query parameter's `=`; `start` and `end` are those of what is in it.
fn is_whole_value(text: &str, start: usize, end: usize, in_query: bool) -> bool {
    in_query && text[..start - 1].ends_with('=') && matches!(text.as_bytes().get(end + 1), None | Some(b'&'))
}

/// `similar.items[]`: a call's name and a path into its answer.
pub(in crate::compose) fn reference(text: &str, start: usize, end: usize) -> Result<(&str, ValuePath), Fault> {
    let (mut steps, mut name, mut at) = (Vec::new(), None, start);
    for part in text[start..end].split('.') {
        let field = part.trim_end_matches("[]");
        if !is_name(field) {
            return Err(Fault::at(text, at, format!("{part:?} is no name, nor one with `[]` behind it")));
        }
        match name {
            None => name = Some(field),
            Some(_) => steps.push(Step::Field(field.into())),
        }
        steps.extend(std::iter::repeat_n(Step::Each, (part.len() - field.len()) / 2));
        at += part.len() + 1;
    }
    Ok((name.unwrap_or_default(), ValuePath(steps.into())))
}

/// A letter or `_`, then also digits: a name in GraphQL.
pub(in crate::compose) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
