//! Doing many things at once, but those of one customer one after the other.

use std::collections::{HashSet, VecDeque};
use std::future::Future;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// How far beyond the first waiting item to look for one whose turn has come.
const LOOK_AHEAD: usize = 512;

/// Runs `work` on each item, at most `limit` at a time, in their order as far as that allows, and never two with the
/// same key at once: a later one of the same key begins when the earlier one is done. Stops at the first error.
pub(crate) async fn for_each_in_order<T, K, F, E>(
    items: impl IntoIterator<Item = T>,
    limit: usize,
    key_of: impl Fn(&T) -> K,
    mut work: impl FnMut(T) -> F,
) -> Result<(), E>
where
    K: Eq + std::hash::Hash + Clone,
    F: Future<Output = Result<(), E>>,
{
    let mut waiting: VecDeque<T> = items.into_iter().collect();
    let mut busy: HashSet<K> = HashSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < limit {
            let mut blocked = busy.clone();
            // An item whose key is busy blocks the later ones of its key, too.
            let Some(next) = waiting.iter().take(LOOK_AHEAD).position(|item| blocked.insert(key_of(item))) else {
                break;
            };
            let Some(item) = waiting.remove(next) else { break };
            let key = key_of(&item);
            busy.insert(key.clone());
            let work = work(item);
            running.push(async move { (key, work.await) });
        }
        match running.next().await {
            None => return Ok(()),
            Some((key, done)) => {
                done?;
                busy.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
