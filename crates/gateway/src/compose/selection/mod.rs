//! What is taken of the answers, in GraphQL's selection syntax: `document` reads it, `merge` puts fragments in and
//! fields together, `shape` is what the splicing follows.

mod document;
mod merge;
mod shape;

use std::collections::BTreeMap;

use graphql_parser::query::FragmentDefinition;

use super::composition::Call;
use super::place::{CompositionError, Part};
use super::{Composition, CompositionLimits};

pub(super) use merge::Chosen;
pub(super) use shape::{Join, Key, Object, REPORT_MEMBER, Selection, Top, Use};

/// The parts of selections that are written once, by name.
#[derive(Debug, Clone, Default)]
pub struct Fragments(BTreeMap<String, FragmentDefinition<'static, String>>);

impl Fragments {
    /// Reads fragments, each under its name: `card` is `fragment card on Product { id name }`.
    ///
    /// # Errors
    /// [`CompositionError`] says what is wrong, and where.
    pub fn parse<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
        limits: &CompositionLimits,
    ) -> Result<Self, CompositionError> {
        let mut fragments = BTreeMap::new();
        for (name, text) in texts {
            let definition = document::fragment(name, text, limits)
                .map_err(|fault| fault.in_part(Part::Fragment(name.to_owned())))?;
            fragments.insert(name.to_owned(), definition);
        }
        Ok(Self(fragments))
    }
}

/// Reads a selection from a composition's calls.
pub(super) fn parse(
    composition: &Composition,
    text: &str,
    fragments: &Fragments,
) -> Result<(Selection, Vec<Chosen>), CompositionError> {
    let (limits, calls): (_, &[Call]) = (composition.limits(), composition.calls());
    let part = Part::Selection(composition.name().to_owned());
    let set = document::selection(text, limits).map_err(|fault| fault.in_part(part.clone()))?;
    let chosen = merge::fields(&set, &part, fragments, limits)?;
    Ok((shape::selection(&chosen, calls)?, chosen))
}
