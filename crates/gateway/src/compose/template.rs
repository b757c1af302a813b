//! What a call gets: a service, and a path and query with holes.

mod holes;
mod render;
mod values;

use super::place::{Fault, Place};
use super::{CompositionLimits, Put};

pub(super) use holes::{Hole, Otherwise, Source, Step, ValuePath, is_name, reference};
pub(super) use render::{NotRendered, usable};

/// `catalog:/api/catalog/products/{id}/reviews?limit={reviews:10}`.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) service: Box<str>,
    /// As its author wrote it.
    text: Box<str>,
    pieces: Box<[TemplatePiece]>,
}

#[derive(Debug)]
enum TemplatePiece {
    Literal(Box<str>),
    Hole(Hole),
}

impl Template {
    pub(super) fn parse(text: &str, limits: &CompositionLimits) -> Result<Self, Fault> {
        if text.len() > limits.text_bytes {
            return Err(Fault { place: Place::START, what: format!("longer than {} bytes", limits.text_bytes) });
        }
        let Some((service, target)) = text.split_once(':') else {
            return Err(Fault::at(text, 0, "no service: write `service:/path`"));
        };
        if !is_service(service) {
            let what = "a service's name is a lower-case letter, then lower-case letters, digits, `-` and `_`";
            return Err(Fault::at(text, 0, what));
        }
        let start = service.len() + 1;
        if !target.starts_with('/') {
            return Err(Fault::at(text, start, "the path does not begin with a slash"));
        }
        let template = Self { service: service.into(), text: text.into(), pieces: pieces(text, start)? };
        let shape = template.path_shape();
        if shape.split('/').skip(1).any(|segment| segment.is_empty() || segment == "." || segment == "..")
            && shape != "/"
        {
            return Err(Fault::at(text, start, "the path has an empty or dotted segment"));
        }
        Ok(template)
    }

    pub(super) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.pieces.iter().filter_map(|piece| match piece {
            TemplatePiece::Literal(_) => None,
            TemplatePiece::Hole(hole) => Some(hole),
        })
    }

    /// Where the path begins in the author's text.
    pub(super) fn path_place(&self) -> Place {
        Place::of(&self.text, self.service.len() + 1)
    }

    /// The names of the query's parameters, as its author wrote them, each with its place and what it is set to.
    pub(super) fn query(&self) -> Vec<(&str, Place, &str)> {
        let Some(start) = outside_braces(&self.text, 0, '?') else { return Vec::new() };
        let (mut at, mut pairs) = (start + 1, Vec::new());
        while at <= self.text.len() {
            let end = outside_braces(&self.text, at, '&').unwrap_or(self.text.len());
            let (name, value) = self.text[at..end].split_once('=').unwrap_or((&self.text[at..end], ""));
            if !name.is_empty() {
                pairs.push((name, Place::of(&self.text, at), value));
            }
            at = end + 1;
        }
        pairs
    }

    /// Where each hole is put, in the order of [`Self::holes`].
    pub(super) fn puts(&self) -> Vec<Put> {
        let start = self.service.len() + 1;
        let end = outside_braces(&self.text, start, '?').unwrap_or(self.text.len());
        let is_hole = |text: &str| text.starts_with('{') && text.find('}') == Some(text.len() - 1);
        let mut puts = Vec::new();
        let mut at = start + 1;
        for index in 0.. {
            let next = outside_braces(&self.text, at, '/').filter(|slash| *slash < end).unwrap_or(end);
            let segment = &self.text[at..next];
            match is_hole(segment) {
                true => puts.push(Put::Segment(index)),
                false => puts.extend(segment.matches('{').map(|_| Put::Within)),
            }
            if next == end {
                break;
            }
            at = next + 1;
        }
        for (name, _, value) in self.query() {
            match is_hole(value) && !name.contains('{') {
                true => puts.push(Put::Query(name.to_owned())),
                false => puts.extend(name.matches('{').chain(value.matches('{')).map(|_| Put::Within)),
            }
        }
        puts
    }

    /// Path and query, with `{}` for each hole.
    pub(super) fn shape(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                TemplatePiece::Literal(text) => text,
                TemplatePiece::Hole(_) => "{}",
            })
            .collect()
    }

    /// The path, with `{}` for each hole.
    pub(super) fn path_shape(&self) -> String {
        let mut shape = self.shape();
        shape.truncate(shape.find('?').unwrap_or(shape.len()));
        shape
    }
}

/// Where a character next stands that is part of no hole.
fn outside_braces(text: &str, from: usize, wanted: char) -> Option<usize> {
    let mut inside = false;
    let found = text[from..].char_indices().find(|(_, c)| {
        inside = match c {
            '{' => true,
            '}' => false,
            _ => inside,
        };
        *c == wanted && !inside
    });
    found.map(|(at, _)| from + at)
}

/// Lower case, since it is also a key in headers (RFC 9651, 3.1.2).
fn is_service(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

fn pieces(text: &str, start: usize) -> Result<Box<[TemplatePiece]>, Fault> {
    let (mut pieces, mut at, mut in_query) = (Vec::new(), start, false);
    while at < text.len() {
        let literal_end = text[at..].find(['{', '}']).map_or(text.len(), |found| at + found);
        if literal_end > at {
            check_literal(text, at, literal_end)?;
            let literal = &text[at..literal_end];
            in_query |= literal.contains('?');
            pieces.push(TemplatePiece::Literal(literal.into()));
            at = literal_end;
            continue;
        }
        let end = text[at..].find('}').map(|found| at + found);
        let Some(end) = end.filter(|end| *end > at) else {
            return Err(Fault::at(text, at, "a brace without its other half"));
        };
        pieces.push(TemplatePiece::Hole(Hole::parse(text, at + 1, end, in_query)?));
        at = end + 1;
    }
    Ok(pieces.into())
}

fn check_literal(text: &str, start: usize, end: usize) -> Result<(), Fault> {
    for (offset, c) in text[start..end].char_indices() {
        let at = start + offset;
        if !c.is_ascii_graphic() || "\"#<>\\^`|".contains(c) {
            return Err(Fault::at(text, at, format!("{c:?} cannot stand in a path or query as it is")));
        }
        let is_hex = |digit: Option<&u8>| digit.is_some_and(u8::is_ascii_hexdigit);
        if c == '%' && !(is_hex(text.as_bytes().get(at + 1)) && is_hex(text.as_bytes().get(at + 2))) {
            return Err(Fault::at(text, at, "a percent sign without two hexadecimal digits"));
        }
    }
    Ok(())
}
