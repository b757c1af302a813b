//! What is done with a request: answered from the store, or from there while it is being revalidated, or by asking the
//! service, once for all who ask the same.

use std::sync::Arc;

use http::{Method, Response, header, request};
use tokio::time::timeout_at;

use super::answered::Unanswered;
use super::asked::{Asked, Serving};
use super::body::CacheBody;
use super::directives::Directives;
use super::entry::Stored;
use super::fetch::{Fetch, FetchError};
use super::finding::Found;
use super::flight::{Outcome, Place};
use super::hit::is_plain;
use super::metrics::Result as Counted;
use super::options::CachePolicy;
use super::status::{CacheStatus, Forwarded};
use super::{Cache, reuse};

impl Cache {
    /// Answers a request, with what is stored or by asking the service.
    ///
    /// # Errors
    /// The service gave no answer, or none in time, and nothing may stand in for it; or the client wanted a stored one and
    /// there is none.
    pub async fn serve(
        &self,
        policy: &Arc<CachePolicy>,
        mut asked: Asked,
        fetch: Arc<dyn Fetch>,
    ) -> Result<Response<CacheBody>, Unanswered> {
        if asked.coding.is_some() {
            asked.head.headers.remove(header::ACCEPT_ENCODING);
        }
        let directives = Directives::of_request(&asked.head.headers);
        let directives = if policy.heeds_clients { directives } else { Directives::default() };
        let serving = Serving { cache: Arc::clone(&self.0), policy: Arc::clone(policy), asked, fetch, directives };
        let answered = match serving.asked.until {
            // Others' fetches may have more time than it has.
            Some(until) => timeout_at(until, serving.answer()).await.unwrap_or_else(|_| serving.stand_in()),
            None => serving.answer().await,
        };
        if answered.is_err() {
            serving.count(Counted::Failed);
        }
        answered
    }
}

impl Serving {
    async fn answer(&self) -> Result<Response<CacheBody>, Unanswered> {
        let request::Parts { method, headers, .. } = &self.asked.head;
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Ok(self.pass_and_invalidate().await?);
        }
        if !is_plain(headers) {
            return Ok(self.pass(CacheStatus::forwarded(Forwarded::Bypass)).await?);
        }
        let mut last_failure = None;
        for round in 0.. {
            let lacking = match self.look_up() {
                Found::Usable { stored, counted } => {
                    if counted == Counted::StaleWhileRevalidate {
                        self.revalidate_in_background(Arc::clone(&stored));
                    }
                    let stored = self.packed(stored).await;
                    return Ok(self.reuse(&stored, CacheStatus::hit(), counted));
                }
                Found::Lacking(_) if self.directives.only_if_cached => return Err(Unanswered::OnlyIfCached),
                Found::Lacking(lacking) => lacking,
            };
            if let Some(status) = self.is_not_for_storing(&lacking) {
                return Ok(self.pass(status).await?);
            }
            if *method == Method::HEAD {
                return Ok(self.ask_for_head(lacking).await?);
            }
            let waiting = match self.place(round) {
                Place::Lead(leading) => return Ok(self.ask(lacking, Some(leading)).await?),
                Place::Alone => return Ok(self.ask(lacking, None).await?),
                Place::Wait(waiting) => waiting,
            };
            let outcome = self.wait(waiting).await;
            if matches!(outcome, Some(Outcome::ServerError | Outcome::Failed(_)))
                && let Some(stored) = self.stale_if_error(&lacking)
            {
                let status = CacheStatus { collapsed: true, ..CacheStatus::forwarded(lacking.why) };
                return Ok(self.reuse(stored, status.because("stale-if-error"), Counted::Stale));
            }
            match outcome {
                Some(Outcome::Stored(stored)) if self.may_share(&stored) => {
                    let status = CacheStatus { collapsed: true, ..CacheStatus::forwarded(lacking.why) };
                    let stored = self.packed(stored).await;
                    return Ok(self.reuse(&stored, status, Counted::Collapsed));
                }
                Some(Outcome::Failed(error)) if last_failure.is_some() => return Err(error.into()),
                // It may have failed for the leader's reasons. Another one of those who wait tries again, for all.
                Some(Outcome::Failed(error)) => last_failure = Some(error),
                Some(Outcome::Stored(_) | Outcome::Abandoned | Outcome::ServerError) => {}
                Some(Outcome::Unshared) | None => return Ok(self.ask(lacking, None).await?),
            }
        }
        unreachable!("the last round does not wait")
    }

    /// What may be answered without the service, to who cannot wait for it any longer: what is fresh by now, or no staler
    /// than may be when it fails.
    fn stand_in(&self) -> Result<Response<CacheBody>, Unanswered> {
        let request::Parts { method, headers, .. } = &self.asked.head;
        if !matches!(*method, Method::GET | Method::HEAD) || !is_plain(headers) {
            return Err(Unanswered::TooLate);
        }
        match self.look_up() {
            Found::Usable { stored, counted } => Ok(self.reuse(&stored, CacheStatus::hit(), counted)),
            Found::Lacking(lacking) if self.is_not_for_storing(&lacking).is_some() => Err(Unanswered::TooLate),
            Found::Lacking(lacking) => {
                let status = CacheStatus::forwarded(lacking.why).because("stale-if-error");
                let stored = self.stale_if_error(&lacking).ok_or(Unanswered::TooLate)?;
                Ok(self.reuse(stored, status, Counted::Stale))
            }
        }
    }

    pub(crate) fn reuse(&self, stored: &Stored, status: CacheStatus, result: Counted) -> Response<CacheBody> {
        self.count(result);
        let mut response = reuse::answer(stored, self.wish(), status, self.now());
        if let Some(reused) = response.body().reused().copied() {
            response.extensions_mut().insert(reused);
        }
        response
    }

    /// What is stored, in the form that the client would like if there is a reason to make it now.
    async fn packed(&self, stored: Arc<Stored>) -> Arc<Stored> {
        match self.asked.coding {
            Some(coding) if reuse::not_modified(&stored.head.headers, self.wish()).is_none() => {
                self.cache.packed(&self.asked.key, stored, coding).await
            }
            _ => stored,
        }
    }

    /// Passes a request on, and its answer back, neither of them any concern of the store.
    async fn pass(&self, status: CacheStatus) -> Result<Response<CacheBody>, FetchError> {
        let response = self.fetch.fetch(self.head_for_service()).await?;
        self.count(Counted::Bypass);
        Ok(self.pass_on(response, status))
    }
}
