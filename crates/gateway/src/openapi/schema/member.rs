//! What there is at a member, seen through alternatives and lists.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::ways::WAYS_MAX;
use super::{TooManyWays, Types, Way, ways};
use crate::openapi::document::Document;

/// Lists within lists that are seen through.
const LISTS_MAX: usize = 16;

/// What there is at a member.
#[derive(Debug)]
pub(crate) enum Found<'d> {
    /// These alternatives, of each of which all schemas hold.
    Here(Vec<Vec<&'d Value>>),
    /// No object that there can be is told to have it; these there are.
    Missing(BTreeSet<&'d str>),
    /// There are no objects to have it, but these.
    NoObject(Types),
}

/// What there is at a member of an object, or of the objects in a list.
///
/// # Errors
/// [`TooManyWays`].
pub(crate) fn member_of<'d>(
    document: &'d Document,
    alternatives: &[Vec<&'d Value>],
    name: &str,
) -> Result<Found<'d>, TooManyWays> {
    let mut seen = Seen { document, ways: HashSet::new(), objects: Vec::new(), types: Types::NONE };
    for schemas in alternatives {
        seen.look(schemas, LISTS_MAX)?;
    }
    let Seen { objects, types, .. } = seen;
    if objects.is_empty() {
        return Ok(Found::NoObject(types));
    }
    let found: Vec<Vec<&'d Value>> = objects.iter().filter_map(|way| way.member(name)).collect();
    Ok(match found.is_empty() {
        false => Found::Here(found),
        true => Found::Missing(objects.iter().flat_map(Way::members).collect()),
    })
}

/// What has been seen so far.
struct Seen<'d> {
    document: &'d Document,
    /// Each way once, so that lists of themselves have an end.
    ways: HashSet<Vec<*const Map<String, Value>>>,
    /// The ways in which objects look, in lists too.
    objects: Vec<Way<'d>>,
    /// The types that a value can be of.
    types: Types,
}

impl<'d> Seen<'d> {
    fn look(&mut self, schemas: &[&'d Value], lists: usize) -> Result<(), TooManyWays> {
        for way in ways(self.document, schemas)? {
            if !self.ways.insert(way.0.iter().map(|schema| std::ptr::from_ref(*schema)).collect()) {
                continue;
            }
            let types = way.types();
            self.types = self.types.or(types);
            // Of what may be anything, elements say no more than it does itself.
            if types.has(Types::ARRAY) && types != Types::ALL && lists > 0 {
                for elements in way.elements() {
                    self.look(&elements, lists - 1)?;
                }
            }
            if types.has(Types::OBJECT) {
                self.objects.push(way);
            }
            if self.ways.len() > WAYS_MAX {
                return Err(TooManyWays);
            }
        }
        Ok(())
    }
}
