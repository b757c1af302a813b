//! How the cache asks the service. It knows nothing of routes or connections.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, request};
use http_body_util::combinators::UnsyncBoxBody;

/// Why a body broke off.
pub type BodyError = Box<dyn Error + Send + Sync>;

/// A service's answer's body on its way.
pub type FetchedBody = UnsyncBoxBody<Bytes, BodyError>;

/// An answer that is to come.
pub type Fetching = Pin<Box<dyn Future<Output = Result<Response<FetchedBody>, FetchError>> + Send>>;

/// Asks the service. A request may lead to none, to one, or, if the answer to a conditional one cannot be used, to two;
/// and to one that goes on when the client has got its answer. A request that has a body is asked once.
///
/// Whoever implements it sees to deadlines: it ends in bounded time.
pub trait Fetch: Send + Sync + 'static {
    /// Sends a request with this head.
    fn fetch(&self, head: request::Parts) -> Fetching;

    /// What asks the same without what the client wants for itself alone, as to have it by its own deadline: for answers
    /// that no client waits for. None if there is no difference.
    fn for_nobody(&self) -> Option<Arc<dyn Fetch>> {
        None
    }
}

impl<F> Fetch for F
where
    F: Fn(request::Parts) -> Fetching + Send + Sync + 'static,
{
    fn fetch(&self, head: request::Parts) -> Fetching {
        self(head)
    }
}

/// Why the service gave no answer. Cheap to clone, since many may have waited for it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct FetchError {
    #[source]
    why: Arc<dyn Error + Send + Sync>,
    is_of_who_asks: bool,
}

impl FetchError {
    /// An error of whoever fetches, which gets it back.
    pub fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self { why: Arc::new(error), is_of_who_asks: false }
    }

    /// One for a reason of who asks, such as a deadline of its own: it tells nothing to those who wait for the same.
    pub fn of_who_asks(error: impl Error + Send + Sync + 'static) -> Self {
        Self { is_of_who_asks: true, ..Self::new(error) }
    }

    pub(crate) fn is_of_who_asks(&self) -> bool {
        self.is_of_who_asks
    }

    /// The error that it was made of.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.why.downcast_ref()
    }
}
