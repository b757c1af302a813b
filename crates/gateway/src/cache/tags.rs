//! Tags: by what stored answers are purged together.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};

/// A tag's name.
pub(crate) type Tag = Arc<str>;

/// A tag as a route writes it: `product:{id}`, where `{id}` is a parameter of its path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TagTemplate(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Piece {
    Text(Box<str>),
    Parameter(Box<str>),
}

/// Why a text is no tag template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagTemplateError {
    /// Nothing is left to tell one tag from another.
    #[error("a tag is empty")]
    Empty,
    /// `{` without `}`, or the other way round.
    #[error("a brace is not closed, or not opened, in {0:?}")]
    Brace(String),
    /// `{}`, or something between the braces that is no name.
    #[error("{0:?} is no parameter's name")]
    Parameter(String),
    /// White space and commas separate tags in headers.
    #[error("white space or a comma is in {0:?}")]
    Separator(String),
}

impl FromStr for TagTemplate {
    type Err = TagTemplateError;

    fn from_str(text: &str) -> Result<Self, TagTemplateError> {
        if text.is_empty() {
            return Err(TagTemplateError::Empty);
        }
        if text.contains(|c: char| c.is_whitespace() || c == ',') {
            return Err(TagTemplateError::Separator(text.to_owned()));
        }
        let (mut pieces, mut rest) = (Vec::new(), text);
        while !rest.is_empty() {
            let (before, behind) = rest.split_once('{').map_or((rest, None), |(before, behind)| (before, Some(behind)));
            if before.contains('}') {
                return Err(TagTemplateError::Brace(text.to_owned()));
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            let Some(behind) = behind else { break };
            let (name, after) = behind.split_once('}').ok_or_else(|| TagTemplateError::Brace(text.to_owned()))?;
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(TagTemplateError::Parameter(name.to_owned()));
            }
            pieces.push(Piece::Parameter(name.into()));
            rest = after;
        }
        Ok(Self(pieces))
    }
}

impl fmt::Display for TagTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Parameter(name) => write!(f, "{{{name}}}"),
        })
    }
}

impl TagTemplate {
    /// The parameters that it names.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(&**name),
            Piece::Text(_) => None,
        })
    }

    /// The tags, with what the parameters are: one for each value that they have, and none if one of them is missing.
    #[must_use]
    pub fn fill(&self, parameters: &[(String, String)]) -> Vec<String> {
        self.0.iter().fold(vec![String::new()], |mut tags, piece| match piece {
            Piece::Text(text) => {
                tags.iter_mut().for_each(|tag| tag.push_str(text));
                tags
            }
            Piece::Parameter(wanted) => {
                let values = parameters.iter().filter(|(name, _)| **name == **wanted).map(|(_, value)| value);
                values.flat_map(|value| tags.iter().map(move |tag| format!("{tag}{value}"))).collect()
            }
        })
    }
}

/// The tags in a header such as `Cache-Tag: a, b` or `Surrogate-Key: a b`.
pub(crate) fn in_header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let separates = |c: char| c == ',' || c.is_ascii_whitespace();
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(move |line| line.split(separates)).filter(|tag| !tag.is_empty())
}
