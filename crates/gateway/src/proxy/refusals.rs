//! What services say to who is refused, beside the status: it is for the client, who is told the status as its own.

use std::sync::{Mutex, PoisonError};

use http::{HeaderName, HeaderValue, StatusCode, header, response};

/// How to be let in, and when to come again, by call; the first that each call was told with a status.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Vec<Refusal>>);

#[derive(Debug)]
struct Refusal {
    call: Box<str>,
    status: StatusCode,
    said: Vec<(HeaderName, HeaderValue)>,
}

impl Refusals {
    /// Keeps what a client needs of a refusal, if it is one that it gets to see.
    pub(super) fn note(&self, call: &str, refusal: &response::Parts) {
        let Some(name) = for_client(refusal.status) else { return };
        let said = refusal.headers.get_all(&name).iter().map(|value| (name.clone(), value.clone()));
        let (call, status, said) = (call.into(), refusal.status, said.collect());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Refusal { call, status, said });
    }

    /// What was said to a call with a status.
    pub(super) fn said(&self, call: &str, status: u16) -> Vec<(HeaderName, HeaderValue)> {
        let refusals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = refusals.iter().find(|refusal| *refusal.call == *call && refusal.status == status);
        of.map(|refusal| refusal.said.clone()).unwrap_or_default()
    }
}

/// A 401 has to say what would be enough (RFC 9110 §15.5.2), and what is refused for now may say for how long (§10.2.3).
fn for_client(status: StatusCode) -> Option<HeaderName> {
    match status {
        StatusCode::UNAUTHORIZED => Some(header::WWW_AUTHENTICATE),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(header::RETRY_AFTER),
        _ => None,
    }
}
