//! Answers' bodies on their way to the client, and into the store as they pass.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Frame, SizeHint};

use super::answered::Reused;
use super::entry::{Condition, Head, Stored};
use super::fetch::{BodyError, FetchedBody};
use super::flight::{Leading, Outcome};
use super::key::Key;
use super::purge::PurgeNumber;
use super::room::Held;
use super::store::Put;
use super::{Background, Inner};

/// A body that the cache answers with.
pub struct CacheBody(Kind);

enum Kind {
    /// From the store, or empty.
    Whole(Full<Bytes>, Option<Reused>),
    /// From the service, past the cache.
    Passing(FetchedBody),
    /// From the service, and into the store.
    Keeping(Box<Keeping>),
}

/// A body that is stored when it has come to its end.
pub(crate) struct Keeping {
    body: FetchedBody,
    /// Where it is going; nothing once it is there, or will not get there.
    place: Option<Reserved>,
    /// No client takes it: it is read for the store alone, and if that ends before it does, it is over.
    is_in_background: bool,
}

/// What a body is stored with.
pub(crate) struct Reserved {
    pub(crate) cache: Arc<Inner>,
    pub(crate) key: Key,
    pub(crate) head: Head,
    pub(crate) begun: PurgeNumber,
    /// How long the service says that it is.
    pub(crate) length: Option<usize>,
    pub(crate) leading: Option<Leading>,
    /// What has come of it.
    pub(crate) held: Held,
}

impl CacheBody {
    pub(crate) fn whole(body: Bytes) -> Self {
        Self(Kind::Whole(Full::new(body), None))
    }

    pub(crate) fn tell_reused(&mut self, told: Reused) {
        if let Kind::Whole(_, reused) = &mut self.0 {
            *reused = Some(told);
        }
    }

    /// What there is to know of it if it was made of what is stored. [`Cache::serve`](super::Cache::serve) tells the
    /// same in the answer's extensions.
    #[must_use]
    pub fn reused(&self) -> Option<&Reused> {
        match &self.0 {
            Kind::Whole(_, reused) => reused.as_ref(),
            Kind::Passing(_) | Kind::Keeping(_) => None,
        }
    }

    pub(crate) fn passing(body: FetchedBody) -> Self {
        Self(Kind::Passing(body))
    }

    pub(crate) fn keeping(keeping: Keeping) -> Self {
        Self(Kind::Keeping(Box::new(keeping)))
    }

    /// Reads it to its end in the background, for what comes of that.
    pub(crate) fn drain(mut self) -> impl Future<Output = ()> {
        // Not when it is first polled, which it may never be.
        if let Kind::Keeping(keeping) = &mut self.0 {
            keeping.is_in_background = true;
        }
        async move { while let Some(Ok(_)) = self.frame().await {} }
    }
}

impl Body for CacheBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut self.get_mut().0 {
            Kind::Whole(body, _) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Kind::Passing(body) => Pin::new(body).poll_frame(context),
            Kind::Keeping(keeping) => keeping.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(body, _) => body.is_end_stream(),
            Kind::Passing(body) => body.is_end_stream(),
            Kind::Keeping(keeping) => keeping.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(body, _) => body.size_hint(),
            Kind::Passing(body) => body.size_hint(),
            Kind::Keeping(keeping) => keeping.body.size_hint(),
        }
    }
}

impl Keeping {
    pub(crate) fn new(body: FetchedBody, place: Reserved) -> Self {
        let mut keeping = Self { body, place: Some(place), is_in_background: false };
        if keeping.body.is_end_stream() {
            keeping.finish();
        } else if let Some(Reserved { leading: Some(leading), .. }) = &keeping.place {
            leading.head_has_come();
        }
        keeping
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(piece) => self.keep(piece.clone()),
                // What comes behind the body would have to be stored, too.
                None => self.give_up(Outcome::Unshared),
            },
            Some(Err(_)) => self.give_up(Outcome::Abandoned),
            None => self.finish(),
        }
        Poll::Ready(frame)
    }

    fn keep(&mut self, piece: Bytes) {
        let Some(place) = &mut self.place else { return };
        if place.held.len() + piece.len() > place.cache.body_bytes_max {
            place.cache.metrics.too_large.inc();
            self.give_up(Outcome::Unshared);
            return;
        }
        if place.held.add(piece).is_err() {
            // There may be room for it at another time.
            self.give_up(Outcome::Abandoned);
            return;
        }
        let is_all = place.length == Some(place.held.len());
        // Whoever sends it on may ask for no more than it needs.
        if is_all || self.body.is_end_stream() {
            self.finish();
        }
    }

    fn give_up(&mut self, outcome: Outcome) {
        if let Some(Reserved { cache, leading: Some(leading), .. }) = self.place.take() {
            leading.settle(outcome, cache.clock.now());
        }
    }

    fn finish(&mut self) {
        let Some(place) = self.place.take() else { return };
        if place.length.is_none_or(|length| length == place.held.len()) {
            place.store();
        }
    }
}

impl Reserved {
    fn store(self) {
        let Self { cache, key, head, begun, leading, held, .. } = self;
        let stored = Arc::new(Stored::new(head, held.whole()));
        // From here on it counts as a part of the store.
        drop(held);
        cache.put(&key, &stored, begun, leading);
    }
}

impl Inner {
    /// Stores an answer if nothing newer is known, and gives it to those who wait for it.
    pub(crate) fn put(&self, key: &Key, stored: &Arc<Stored>, begun: PurgeNumber, leading: Option<Leading>) -> Put {
        // Once it is stored it may be purged, and who asks after that must not be given it.
        if let Some(leading) = &leading {
            leading.takes_nobody_more();
        }
        let now = self.clock.now();
        let put = self.store.put(key, stored, begun, now);
        if let Put::Stored { evicted } = put {
            self.metrics.evictions.inc_by(evicted as u64);
        }
        self.tell_size();
        let is_for_all = stored.condition(now) == Condition::Fresh && !stored.head.directives.no_cache;
        let outcome = match put {
            Put::Stored { .. } if is_for_all => Outcome::Stored(Arc::clone(stored)),
            Put::Stored { .. } => Outcome::Unshared,
            // What they are to get is another one.
            Put::Purged | Put::Older => Outcome::Abandoned,
        };
        if let Some(leading) = leading {
            leading.settle(outcome, now);
        }
        put
    }
}

impl Keeping {
    /// Where it is read on when its client has gone; nothing if there is no room, or if it has been there.
    fn place_to_go_on(&self) -> Option<Background> {
        let place = self.place.as_ref().filter(|_| !self.is_in_background)?;
        place.cache.place_in_background()
    }
}

impl Drop for Keeping {
    /// Whoever was to get it is gone. Others may wait for it, and it has come some of its way already.
    fn drop(&mut self) {
        let Some(background) = self.place_to_go_on() else { return self.give_up(Outcome::Abandoned) };
        let nothing = FetchedBody::new(Empty::new().map_err(|never| match never {}));
        let rest =
            Self { body: std::mem::replace(&mut self.body, nothing), place: self.place.take(), is_in_background: true };
        background.run(CacheBody::keeping(rest).drain());
    }
}
