//! The numbers of categories and event types.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::connect::Connection;
use super::failure::Failure;

/// The most that one connection remembers; a store has some hundred of them, unless its streams have no categories.
const KINDS_MAX: usize = 16_384;

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
        for index in 0..pairs.len() {
            if numbers[index].is_some() {
                continue;
            }
            let (category, name) = pairs[index];
            let statement = connection.prepared(sql).await?;
            let number: i32 = connection.client.query_one(&statement, &[&category, &name]).await?.try_get(0)?;
            for later in index..pairs.len() {
                if pairs[later] == pairs[index] {
                    numbers[later] = Some(number);
                }
            }
            self.learn(category, name, number);
        }
        Ok(numbers.into_iter().flatten().collect())
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
