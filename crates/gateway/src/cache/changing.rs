//! What a method that changes something makes untrue (RFC 9111 §4.4).

use std::borrow::Cow;

use http::{Response, header};
use tradewind_events::Position;

use super::Key;
use super::asked::Serving;
use super::body::CacheBody;
use super::entry::position_of;
use super::fetch::{FetchError, FetchedBody, Fetching};
use super::metrics::Result as Counted;
use super::status::{CacheStatus, Forwarded};

impl Serving {
    /// What may have been changed is asked for anew, also if it is not known whether it was.
    pub(crate) async fn pass_and_invalidate(&self) -> Result<Response<CacheBody>, FetchError> {
        let fetching = self.fetch.fetch(self.head_for_service());
        let answered = match self.asked.head.method.is_safe() {
            true => fetching.await,
            false => Change::of(Cow::Borrowed(self)).answer(fetching).await,
        };
        self.count(Counted::Bypass);
        Ok(self.pass_on(answered?, CacheStatus::forwarded(Forwarded::Method)))
    }

    /// Takes out what an answer has made untrue, unless it says that nothing was changed.
    fn invalidate_by(&self, answered: &Result<Response<FetchedBody>, FetchError>) {
        if answered.as_ref().is_ok_and(|answer| answer.status().as_u16() >= 400) {
            return;
        }
        let headers = answered.as_ref().ok().map(Response::headers);
        let named = [header::LOCATION, header::CONTENT_LOCATION].into_iter().filter_map(|name| {
            let reference = headers?.get(name)?.to_str().ok()?;
            self.asked.key.named_in(reference)
        });
        let position = headers.and_then(|headers| position_of(headers, &self.policy));
        named.chain([self.asked.key.clone()]).for_each(|key| self.invalidate(&key, position));
        self.cache.tell_size();
    }

    fn invalidate(&self, key: &Key, position: Option<Position>) {
        self.cache.store.invalidate(key, &self.policy.source, position);
    }
}

/// A request that may change something. If its client goes away before the answer, the service does not stop for that.
struct Change<'a> {
    /// Its own once it goes on without its client.
    serving: Cow<'a, Serving>,
    /// Nothing once there is an answer.
    under_way: Option<Fetching>,
}

impl<'a> Change<'a> {
    fn of(serving: Cow<'a, Serving>) -> Self {
        Self { serving, under_way: None }
    }

    async fn answer(mut self, fetching: Fetching) -> Result<Response<FetchedBody>, FetchError> {
        let answered = self.under_way.insert(fetching).await;
        self.under_way = None;
        self.serving.invalidate_by(&answered);
        answered
    }
}

impl Drop for Change<'_> {
    /// Nobody waits for it any more. It may have taken effect, and it may do so later: what is fetched until then is as
    /// untrue. So it is followed to its answer in the background, once; where there is no room for that, this has to do.
    fn drop(&mut self) {
        let Some(under_way) = self.under_way.take() else { return };
        self.serving.invalidate(&self.serving.asked.key, None);
        self.serving.cache.tell_size();
        let Cow::Borrowed(serving) = self.serving else { return };
        if let Some(background) = serving.cache.place_in_background() {
            let change = Change::of(Cow::Owned(serving.clone()));
            background.run(async move { drop(change.answer(under_way).await) });
        }
    }
}
