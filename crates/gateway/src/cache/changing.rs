//! What a method that changes something makes untrue (RFC 9111 §4.4).

use http::{Response, header};
use tradewind_events::Position;

use super::Key;
use super::asked::Serving;
use super::body::CacheBody;
use super::entry::position_of;
use super::fetch::FetchError;
use super::metrics::Result as Counted;
use super::status::{CacheStatus, Forwarded};

impl Serving {
    /// What may have been changed is asked for anew, also if it is not known whether it was.
    pub(crate) async fn pass_and_invalidate(&self) -> Result<Response<CacheBody>, FetchError> {
        let is_safe = self.asked.head.method.is_safe();
        let in_doubt = InDoubt(Some(self).filter(|_| !is_safe));
        let answered = self.fetch.fetch(self.head_for_service()).await;
        in_doubt.settle();
        let refused = answered.as_ref().is_ok_and(|answer| answer.status().as_u16() >= 400);
        if !is_safe && !refused {
            let headers = answered.as_ref().ok().map(Response::headers);
            let named = [header::LOCATION, header::CONTENT_LOCATION].into_iter().filter_map(|name| {
                let reference = headers?.get(name)?.to_str().ok()?;
                self.asked.key.named_in(reference)
            });
            let position = headers.and_then(|headers| position_of(headers, &self.policy));
            named.chain([self.asked.key.clone()]).for_each(|key| self.invalidate(&key, position));
            self.cache.tell_size();
        }
        self.count(Counted::Bypass);
        Ok(self.pass_on(answered?, CacheStatus::forwarded(Forwarded::Method)))
    }

    fn invalidate(&self, key: &Key, position: Option<Position>) {
        self.cache.store.invalidate(key, &self.policy.source, position);
    }
}

/// A request that may change something, and of which nobody learns what came of it if its client goes away before the
/// answer: the service does not stop for that.
struct InDoubt<'a>(Option<&'a Serving>);

impl InDoubt<'_> {
    fn settle(mut self) {
        self.0 = None;
    }
}

impl Drop for InDoubt<'_> {
    fn drop(&mut self) {
        if let Some(serving) = self.0 {
            serving.invalidate(&serving.asked.key, None);
            serving.cache.tell_size();
        }
    }
}
