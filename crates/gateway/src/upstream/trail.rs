//! Which instances a request went to, for whoever wants to tell it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A request that has one among its extensions leaves its traces there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail(Arc<Left>);

#[derive(Debug, Default)]
struct Left {
    tries: AtomicU32,
    instance: Mutex<Option<SocketAddr>>,
}

impl Trail {
    /// An instance is asked.
    pub(super) fn asked(&self, instance: SocketAddr) {
        self.0.tries.fetch_add(1, Ordering::Relaxed);
        self.answered(instance);
    }

    /// It has answered.
    pub(super) fn answered(&self, instance: SocketAddr) {
        *self.0.instance.lock().unwrap_or_else(PoisonError::into_inner) = Some(instance);
    }

    /// The one that answered, or was asked last.
    pub(crate) fn instance(&self) -> Option<SocketAddr> {
        *self.0.instance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often instances were asked.
    pub(crate) fn tries(&self) -> u32 {
        self.0.tries.load(Ordering::Relaxed)
    }
}
