//! One packing for many who want the same form of the same answer, on a thread that may take its time.
//!
//! An answer is packed when it is asked for again: what is asked for once has been packed on its way, more cheaply, and
//! nobody would have anything of a better form. Who wants it meanwhile waits for a moment, and then gets it as it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::coding::{ContentCoding, Packed};
use super::entry::Stored;
use super::{Inner, Key};

/// An answer, by the address of its head, which stays where it is for as long as it is being packed; and a coding.
type Name = (usize, &'static str);

/// What is being packed.
pub(crate) struct Packings {
    open: Mutex<HashMap<Name, watch::Receiver<Option<Arc<Stored>>>>>,
    permits: Arc<Semaphore>,
}

/// One packing. Dropped, it is over, whatever came of it.
struct Packing {
    cache: Arc<Inner>,
    name: Name,
    done: watch::Sender<Option<Arc<Stored>>>,
    _permit: OwnedSemaphorePermit,
}

impl Packings {
    pub(crate) fn new(packings_max: usize) -> Self {
        Self { open: Mutex::default(), permits: Arc::new(Semaphore::new(packings_max)) }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Name, watch::Receiver<Option<Arc<Stored>>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// An answer with the form that a client wants, if it is worth it and soon there; else as it is.
    pub(crate) async fn packed(
        self: &Arc<Self>,
        key: &Key,
        stored: Arc<Stored>,
        coding: &'static dyn ContentCoding,
    ) -> Arc<Stored> {
        if stored.packed(coding).is_some() {
            return stored;
        }
        let is_worth_it = stored.head.status == StatusCode::OK
            && coding.takes(stored.head.status, &stored.head.headers, stored.body.len())
            && self.store.has_room_beside(key, stored.body.len());
        if !is_worth_it {
            return self.put_beside(key, &stored, Packed::not_worth_it(coding));
        }
        let Some(mut done) = self.begin_or_join(key, &stored, coding) else { return stored };
        let packed = tokio::time::timeout(self.options.packing_time_max, done.wait_for(Option::is_some)).await;
        packed.ok().and_then(Result::ok).and_then(|packed| packed.clone()).unwrap_or(stored)
    }

    /// Nothing if too much is being packed.
    fn begin_or_join(
        self: &Arc<Self>,
        key: &Key,
        stored: &Arc<Stored>,
        coding: &'static dyn ContentCoding,
    ) -> Option<watch::Receiver<Option<Arc<Stored>>>> {
        let name = (Arc::as_ptr(&stored.head).addr(), coding.name());
        let mut open = self.packings.open();
        if let Some(done) = open.get(&name) {
            return Some(done.clone());
        }
        let permit = Arc::clone(&self.packings.permits).try_acquire_owned().ok()?;
        let (done, receiver) = watch::channel(None);
        open.insert(name, receiver.clone());
        drop(open);
        let packing = Packing { cache: Arc::clone(self), name, done, _permit: permit };
        let (key, stored) = (key.clone(), Arc::clone(stored));
        tokio::task::spawn_blocking(move || packing.run(&key, &stored, coding));
        Some(receiver)
    }

    fn put_beside(&self, key: &Key, stored: &Arc<Stored>, packed: Packed) -> Arc<Stored> {
        let (with, evicted) = self.store.add_packed(key, stored, packed);
        self.metrics.evictions.inc_by(evicted as u64);
        self.tell_size();
        with
    }
}

impl Packing {
    fn run(self, key: &Key, stored: &Arc<Stored>, coding: &'static dyn ContentCoding) {
        let packed = match coding.pack(&stored.body) {
            Ok(packed) => Packed::new(coding, &stored.head, &stored.body, packed.into_boxed_slice().into()),
            Err(error) => {
                tracing::warn!(coding = coding.name(), %error, "an answer could not be packed");
                Packed::not_worth_it(coding)
            }
        };
        self.cache.metrics.packed.inc();
        self.done.send_replace(Some(self.cache.put_beside(key, stored, packed)));
    }
}

impl Drop for Packing {
    fn drop(&mut self) {
        self.cache.packings.open().remove(&self.name);
    }
}
