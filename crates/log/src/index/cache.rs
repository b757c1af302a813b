//! Lists of offsets that were read from index files, kept for the next page of the same reader.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Segment, generation, key.
pub(crate) type ListPlace = (u32, u32, u128);

/// Lists by place, up to a number of bytes; the oldest goes first.
#[derive(Debug)]
pub(crate) struct PostingsCache {
    lists: HashMap<ListPlace, Arc<[u32]>>,
    order: VecDeque<ListPlace>,
    bytes: usize,
    bytes_max: usize,
}

fn bytes_of(list: &[u32]) -> usize {
    size_of_val(list) + 64
}

impl PostingsCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { lists: HashMap::new(), order: VecDeque::new(), bytes: 0, bytes_max }
    }

    pub(crate) fn get(&self, place: &ListPlace) -> Option<Arc<[u32]>> {
        self.lists.get(place).cloned()
    }

    pub(crate) fn put(&mut self, place: ListPlace, list: &Arc<[u32]>) {
        if self.lists.insert(place, Arc::clone(list)).is_none() {
            self.order.push_back(place);
            self.bytes += bytes_of(list);
        }
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.order.pop_front()
        {
            if let Some(list) = self.lists.remove(&oldest) {
                self.bytes -= bytes_of(&list);
            }
        }
    }
}
