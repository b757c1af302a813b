//! Which records: by category, type and tag.

use crate::format::record::RecordRef;
use crate::key::{Domain, Keys};

/// Which records. It matches a record that any of its items matches; without items it matches all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The alternatives.
    pub items: Vec<QueryItem>,
}

/// One alternative: a record must be of one of the categories, of one of the types, and have all of the tags. An
/// empty part asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryItem {
    /// Any of these categories.
    pub categories: Vec<String>,
    /// Any of these types.
    pub kinds: Vec<String>,
    /// All of these tags.
    pub tags: Vec<String>,
}

impl Query {
    /// Whether it matches everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.items.is_empty()
            || self.items.iter().any(|item| item.categories.is_empty() && item.kinds.is_empty() && item.tags.is_empty())
    }

    /// Whether it matches a record.
    #[must_use]
    pub fn matches(&self, record: RecordRef<'_>) -> bool {
        self.items.is_empty() || self.items.iter().any(|item| item.matches(record))
    }

    pub(crate) fn resolve(&self, keys: &Keys) -> Vec<ItemKeys> {
        if self.is_all() { Vec::new() } else { self.items.iter().map(|item| item.resolve(keys)).collect() }
    }
}

impl QueryItem {
    fn matches(&self, record: RecordRef<'_>) -> bool {
        (self.categories.is_empty() || self.categories.iter().any(|name| name.as_bytes() == record.category()))
            && (self.kinds.is_empty() || self.kinds.iter().any(|name| name.as_bytes() == record.kind()))
            && self.tags.iter().all(|name| record.each_tag().any(|tag| tag == name.as_bytes()))
    }

    fn resolve(&self, keys: &Keys) -> ItemKeys {
        let hashes = |domain: Domain, names: &[String]| -> Vec<u128> {
            names.iter().map(|name| keys.key(domain, name.as_bytes()).hash).collect()
        };
        let mut all_of: Vec<Vec<u128>> = hashes(Domain::Tag, &self.tags).into_iter().map(|hash| vec![hash]).collect();
        all_of.push(hashes(Domain::Type, &self.kinds));
        all_of.push(hashes(Domain::Category, &self.categories));
        all_of.retain(|any_of| !any_of.is_empty());
        ItemKeys { all_of }
    }
}

/// An item as keys: a record must have one key of each group.
#[derive(Debug, Clone)]
pub(crate) struct ItemKeys {
    pub(crate) all_of: Vec<Vec<u128>>,
}

/// What an index tells of a key in a part of a segment: the offsets, and up to which offset they are all of them.
pub(crate) struct Known {
    pub(crate) offsets: Vec<u32>,
    pub(crate) through: u32,
}

/// The offsets that any of the items may match, ascending, and up to which offset these are all. `find` looks a
/// key up.
pub(crate) fn candidates<E>(items: &[ItemKeys], mut find: impl FnMut(u128) -> Result<Known, E>) -> Result<Known, E> {
    let mut through = u32::MAX;
    let mut union = Vec::new();
    for item in items {
        let mut both: Option<Vec<u32>> = None;
        for any_of in &item.all_of {
            let mut group = Vec::new();
            for hash in any_of {
                let known = find(*hash)?;
                through = through.min(known.through);
                group.extend(known.offsets);
            }
            if any_of.len() > 1 {
                group.sort_unstable();
                group.dedup();
            }
            both = Some(match both {
                None => group,
                Some(before) => intersect(&before, &group),
            });
        }
        union.extend(both.unwrap_or_default());
    }
    if items.len() > 1 {
        union.sort_unstable();
        union.dedup();
    }
    union.retain(|offset| *offset <= through);
    Ok(Known { offsets: union, through })
}

fn intersect(left: &[u32], right: &[u32]) -> Vec<u32> {
    let mut right = right.iter().copied().peekable();
    left.iter()
        .copied()
        .filter(|wanted| {
            while right.next_if(|offset| offset < wanted).is_some() {}
            right.peek() == Some(wanted)
        })
        .collect()
}
