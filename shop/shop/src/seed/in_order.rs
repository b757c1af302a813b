//! Doing many things at once, but those of one customer one after the other.

use std::collections::{HashMap, VecDeque};
use std::future::Future;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// How many items may wait for an earlier one of their key before no further ones are looked at.
const WAITING_MAX: usize = 512;

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
    let mut items = items.into_iter();
    // The keys that are busy, and what waits for each.
    let mut busy: HashMap<K, VecDeque<T>> = HashMap::new();
    let mut waiting = 0;
    let mut running = FuturesUnordered::new();
    let of_key = |key: K, work: F| async move { (key, work.await) };
    loop {
        while running.len() < limit && waiting < WAITING_MAX {
            let Some(item) = items.next() else { break };
            let key = key_of(&item);
            if let Some(queue) = busy.get_mut(&key) {
                queue.push_back(item);
                waiting += 1;
            } else {
                busy.insert(key.clone(), VecDeque::new());
                running.push(of_key(key, work(item)));
            }
        }
        let Some((key, done)) = running.next().await else { return Ok(()) };
        done?;
        // What has waited is older than anything that has not been looked at yet.
        match busy.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(next) => {
                waiting -= 1;
                running.push(of_key(key, work(next)));
            }
            None => _ = busy.remove(&key),
        }
    }
}

#[cfg(test)]
mod tests;
