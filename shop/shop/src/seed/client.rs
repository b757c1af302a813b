//! Speaking to the shop as any client does: over HTTP, through its gateway; or in one process with it, where the same
//! requests go to the same routes without a connection.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde::Serialize;
use tower::ServiceExt;
use tradewind_events::Timestamp;

/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a request is repeated while the shop is away or overloaded.
const TRIES_MAX: u32 = 12;
/// The most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A client of one shop. Clones share its connections.
#[derive(Clone)]
pub(crate) struct ShopClient {
    base: String,
    way: Way,
}

/// How a request gets to the shop.
#[derive(Clone)]
enum Way {
    Http(Box<Client<HttpConnector, Full<Bytes>>>),
    /// The routes of each service, by the prefix of their paths.
    #[cfg_attr(not(feature = "import"), expect(dead_code, reason = "only the import goes this way"))]
    InProcess(Arc<[(&'static str, Router)]>),
}

/// What the shop answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done, and this is where.
    Done {
        /// The position that the answer told.
        position: u64,
        /// Whether it had been done before this was asked for: not by an own try whose answer was lost.
        before: bool,
    },
    /// The shop says no.
    Refused {
        /// Which rule, as a word.
        reason: String,
    },
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be used.
    #[error("{0:?} is not an http address")]
    BadAddress(String),
    /// The shop does not answer, or only that it cannot.
    #[error("{method} {path}: {problem}")]
    NoAnswer {
        /// What was asked.
        method: &'static str,
        /// Of what.
        path: String,
        /// What came instead of an answer.
        problem: String,
    },
}

/// The parts of an RFC 9457 problem that say which rule was broken.
#[derive(Deserialize)]
struct Problem {
    reason: Option<String>,
    code: Option<String>,
}

/// An answer, and how many tries it took.
struct Answered {
    status: StatusCode,
    headers: hyper::HeaderMap,
    body: Bytes,
    tries: u32,
}

impl ShopClient {
    /// A client of the shop behind a gateway.
    pub(crate) fn new(gateway: &str) -> Result<Self, ClientError> {
        let base = gateway.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| ClientError::BadAddress(gateway.to_owned()))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(ClientError::BadAddress(gateway.to_owned()));
        }
        let http = Client::builder(TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(30)).build_http();
        Ok(Self { base, way: Way::Http(Box::new(http)) })
    }

    /// A client of a shop in this process: the routes of its services, by the prefix of their paths.
    #[cfg(feature = "import")]
    pub(crate) fn in_process(services: impl IntoIterator<Item = (&'static str, Router)>) -> Self {
        Self { base: String::new(), way: Way::InProcess(services.into_iter().collect()) }
    }

    /// Gives a command, under a key, at its own time. It is repeated while the shop is away, which the key makes
    /// harmless.
    pub(crate) async fn command(
        &self,
        path: &str,
        key: &str,
        at: Timestamp,
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let body = Bytes::from(serde_json::to_vec(body).map_err(|e| self.no_answer("POST", path, e))?);
        let request = || {
            Request::post(format!("{}{path}", self.base))
                .header("content-type", "application/json")
                .header("idempotency-key", format!("\"{key}\""))
                .header(crate::backdating::HEADER, at.to_string())
                .body(Full::new(body.clone()))
        };
        let Answered { status, headers, body, tries } = self.until_answered("POST", path, request).await?;
        if status.is_success() {
            let number = |name| headers.get(name)?.to_str().ok()?.parse().ok();
            let position = number("tradewind-position").unwrap_or_default();
            // A try that had no answer may have taken effect, and then it is the next one that is the duplicate.
            let before = headers.contains_key("tradewind-duplicate") && tries == 1;
            return Ok(Answer::Done { position, before });
        }
        if status.is_client_error() {
            let problem: Option<Problem> = serde_json::from_slice(&body).ok();
            let reason = problem.and_then(|problem| problem.reason.or(problem.code));
            return Ok(Answer::Refused { reason: reason.unwrap_or_else(|| format!("http-{}", status.as_u16())) });
        }
        Err(self.no_answer("POST", path, format!("{status}: {}", String::from_utf8_lossy(&body))))
    }

    /// Asks for something, and whether it is there, once the read model behind it has come to a position.
    pub(crate) async fn exists(&self, path: &str, after: u64) -> Result<bool, ClientError> {
        let request = || {
            Request::get(format!("{}{path}", self.base))
                .header("tradewind-after", after.to_string())
                .body(Full::new(Bytes::new()))
        };
        match self.until_answered("GET", path, request).await?.status {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            status => Err(self.no_answer("GET", path, status)),
        }
    }

    async fn until_answered(
        &self,
        method: &'static str,
        path: &str,
        request: impl Fn() -> Result<Request<Full<Bytes>>, hyper::http::Error>,
    ) -> Result<Answered, ClientError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let request = request().map_err(|e| self.no_answer(method, path, e))?;
            let problem = match tokio::time::timeout(ANSWER_TIMEOUT, self.once(request)).await {
                Ok(Ok((status, headers, body))) if !is_temporary(status) => {
                    return Ok(Answered { status, headers, body, tries });
                }
                Ok(Ok((status, _, body))) => format!("{status}: {}", String::from_utf8_lossy(&body)),
                Ok(Err(problem)) => problem,
                Err(_) => format!("no answer in {} s", ANSWER_TIMEOUT.as_secs()),
            };
            if tries == TRIES_MAX {
                return Err(self.no_answer(method, path, problem));
            }
            // 50 ms, 100 ms, … up to 3.2 s: half a minute in all.
            tokio::time::sleep(Duration::from_millis(50 << tries.min(6))).await;
        }
    }

    async fn once(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, hyper::HeaderMap, Bytes), String> {
        let (parts, body) = match &self.way {
            Way::Http(http) => {
                let (parts, body) = http.request(request).await.map_err(|e| describe(&e))?.into_parts();
                (parts, Body::new(body))
            }
            Way::InProcess(services) => {
                let path = request.uri().path();
                let service = services.iter().find(|(prefix, _)| path.starts_with(prefix));
                let (_, routes) = service.ok_or_else(|| format!("no service here answers {path}"))?;
                let Ok(answer) = routes.clone().oneshot(request.map(Body::new)).await;
                answer.into_parts()
            }
        };
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|e| e.to_string())?.to_bytes();
        Ok((parts.status, parts.headers, body))
    }

    fn no_answer(&self, method: &'static str, path: &str, problem: impl std::fmt::Display) -> ClientError {
        ClientError::NoAnswer { method, path: format!("{}{path}", self.base), problem: problem.to_string() }
    }
}

fn is_temporary(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// An error with what caused it, since hyper's own words say only "client error".
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
