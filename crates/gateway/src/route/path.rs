//! Which paths a route takes.

use std::borrow::Cow;
use std::fmt;

use super::{OWN_PREFIX, RouteError, covers};

/// A path's shape: segments, which are fixed or parameters, and what may follow them.
///
/// The syntax is `matchit`'s: `/products/{id}`, `/files/{*rest}`. `matchit` itself answers with one pattern at most,
/// and a request that the best one refuses by its method or a header belongs to the next; so all are compared here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: Box<str>,
    pub(super) segments: Vec<Segment>,
    pub(super) end: End,
}

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Fixed(Box<str>),
    Parameter(Box<str>),
}

/// What may follow the segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing.
    Whole,
    /// Anything: it is a prefix.
    Prefix,
    /// At least one segment, under a name.
    Rest(Box<str>),
}

/// What a path has where its pattern has parameters, as the client wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captures(Vec<(Box<str>, String)>);

impl Captures {
    /// A parameter's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, value)| &**value)
    }

    /// All of them, in the path's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl PathPattern {
    /// Segments of a pattern.
    pub const SEGMENTS_MAX: usize = 32;

    /// The prefix of all paths.
    #[must_use]
    pub fn all() -> Self {
        Self { text: "/".into(), segments: Vec::new(), end: End::Prefix }
    }

    /// Reads `/api/orders`, which is a prefix of whole segments; `/products/{id}`, which is a whole path, since it has a
    /// parameter; or `/files/{*rest}`, which is all that lies under `/files`.
    ///
    /// # Errors
    /// [`RouteError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, RouteError> {
        let refused = |error: fn(String) -> RouteError| error(text.chars().take(64).collect());
        if text == "/" {
            return Ok(Self::all());
        }
        let path = text.strip_prefix('/').ok_or_else(|| refused(RouteError::NotAPath))?;
        if path.ends_with('/') {
            return Err(refused(RouteError::TrailingSlash));
        }
        if path.split('/').count() > Self::SEGMENTS_MAX {
            return Err(refused(RouteError::Long));
        }
        let (mut segments, mut end) = (Vec::new(), End::Prefix);
        for segment in path.split('/') {
            if matches!(end, End::Rest(_)) {
                return Err(refused(RouteError::Parameter));
            }
            match read_segment(segment).map_err(&refused)? {
                Read::Rest(name) => end = End::Rest(name),
                Read::Segment(read) => {
                    if matches!(read, Segment::Parameter(_)) {
                        end = End::Whole;
                    }
                    segments.push(read);
                }
            }
        }
        if covers(OWN_PREFIX, text) {
            return Err(refused(RouteError::Reserved));
        }
        let pattern = Self { text: text.into(), segments, end };
        let names: Vec<&str> = pattern.parameters().collect();
        if names.iter().enumerate().any(|(index, name)| names[..index].contains(name)) {
            return Err(refused(RouteError::ParameterTwice));
        }
        Ok(pattern)
    }

    /// The same as a whole path: nothing may follow.
    #[must_use]
    pub fn exact(mut self) -> Self {
        if self.end == End::Prefix {
            self.end = End::Whole;
        }
        self
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether everything that begins so is meant.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.end == End::Prefix
    }

    /// The names of its parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let of_segments = self.segments.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) => Some(&**name),
            Segment::Fixed(_) => None,
        });
        let rest = match &self.end {
            End::Rest(name) => Some(&**name),
            End::Whole | End::Prefix => None,
        };
        of_segments.chain(rest)
    }

    /// Whether a path's segments fit.
    pub(super) fn fits(&self, path: &Segments<'_>) -> bool {
        let (wanted, there) = (self.segments.len(), path.0.len());
        let fits = match self.end {
            End::Whole => there == wanted,
            End::Prefix => there >= wanted,
            End::Rest(_) => there > wanted,
        };
        fits && self.segments.iter().zip(&path.0).all(|(segment, (plain, _))| match segment {
            Segment::Fixed(text) => **text == **plain,
            Segment::Parameter(_) => true,
        })
    }

    /// What a path that fits has in place of the parameters.
    pub(super) fn captures(&self, path: &Segments<'_>) -> Captures {
        let mut captures = Captures::default();
        for (segment, (_, raw)) in self.segments.iter().zip(&path.0) {
            if let Segment::Parameter(name) = segment {
                captures.0.push((name.clone(), (*raw).to_owned()));
            }
        }
        if let End::Rest(name) = &self.end {
            captures.0.push((name.clone(), path.after(self.segments.len())));
        }
        captures
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

enum Read {
    Segment(Segment),
    Rest(Box<str>),
}

fn read_segment(text: &str) -> Result<Read, fn(String) -> RouteError> {
    if let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let (name, is_rest) = inner.strip_prefix('*').map_or((inner, false), |name| (name, true));
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return match (is_name, is_rest) {
            (true, true) => Ok(Read::Rest(name.into())),
            (true, false) => Ok(Read::Segment(Segment::Parameter(name.into()))),
            (false, _) => Err(RouteError::Parameter),
        };
    }
    if text.contains(['{', '}']) {
        return Err(RouteError::Parameter);
    }
    let plain = |c: char| c.is_ascii_graphic() && !"?#%\\".contains(c);
    if text.is_empty() || text == "." || text == ".." || !text.chars().all(plain) {
        return Err(RouteError::Segment);
    }
    Ok(Read::Segment(Segment::Fixed(text.into())))
}

/// A path as it is compared: without empty segments, which many services ignore, and with those characters decoded
/// that never need encoding (RFC 3986 §6.2.2.2). Otherwise `/api/%61dmin` would be another route's than `/api/admin`,
/// and the same page at the service.
pub(super) struct Segments<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Segments<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        Self(path.split('/').filter(|raw| !raw.is_empty()).map(|raw| (decode_unreserved(raw), raw)).collect())
    }

    pub(super) fn first(&self) -> Option<&str> {
        self.0.first().map(|(plain, _)| &**plain)
    }

    /// What stands behind so many segments, as the client wrote it.
    pub(super) fn after(&self, count: usize) -> String {
        let raw: Vec<&str> = self.0.iter().skip(count).map(|(_, raw)| *raw).collect();
        raw.join("/")
    }
}

fn decode_unreserved(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let (mut plain, mut rest) = (String::with_capacity(segment.len()), segment);
    while let Some(at) = rest.find('%') {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 3).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte.filter(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte)) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = &rest[at + 3..];
            }
            None => {
                plain.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}
