//! The numbers of categories and event types.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::connect::Connection;
use super::failure::Failure;

/// The most that one connection remembers; a store has some hundred of them.
const KINDS_MAX: usize = 16_384;

/// The category that a stream's events are counted to. Streams without a dash, of which each is its own, share one that
/// has no name: there may be any number of them, and they are found by a tag.
pub(super) fn category(stream: &str) -> &str {
    stream.split_once('-').map_or("", |(category, _)| category)
}

/// What a connection has learned of them: by category and type.
#[derive(Default)]
pub(super) struct Kinds {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    by_category: HashMap<Box<str>, HashMap<Box<str>, i32>>,
    count: usize,
}

impl Kinds {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of some pairs of a category and a type, asked for and made where they are not known.
    pub(super) async fn numbers(
        &self,
        connection: &Connection,
        sql: &str,
        pairs: &[(&str, &str)],
    ) -> Result<Vec<i32>, Failure> {
        let mut numbers: Vec<Option<i32>> = {
            let known = self.lock();
            pairs.iter().map(|(category, name)| known.by_category.get(*category)?.get(*name).copied()).collect()
        };
        let mut missing: Vec<(&str, &str)> =
            pairs.iter().zip(&numbers).filter(|(_, number)| number.is_none()).map(|(pair, _)| *pair).collect();
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            let (categories, types): (Vec<&str>, Vec<&str>) = missing.iter().copied().unzip();
            let statement = connection.prepared(sql).await?;
            let made: Vec<i32> = connection.client.query_one(&statement, &[&categories, &types]).await?.try_get(0)?;
            let made: HashMap<(&str, &str), i32> = missing.into_iter().zip(made).collect();
            for (pair, number) in pairs.iter().zip(&mut numbers).filter(|(_, number)| number.is_none()) {
                *number = made.get(pair).copied();
            }
            made.iter().for_each(|((category, name), number)| self.learn(category, name, *number));
        }
        let all: Option<Vec<i32>> = numbers.into_iter().collect();
        all.ok_or_else(|| Failure::Refused("an event type got no number".to_owned()))
    }

    fn learn(&self, category: &str, name: &str, number: i32) {
        let mut known = self.lock();
        if known.count >= KINDS_MAX {
            *known = Known::default();
        }
        known.count += 1;
        known.by_category.entry(category.into()).or_default().insert(name.into(), number);
    }
}
