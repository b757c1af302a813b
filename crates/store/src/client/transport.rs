//! Requests over kept-alive connections, each within its time, with what is known of a failure.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tradewind_events::ErrorCode;

use super::ClientOptions;
use crate::OpenError;
use crate::retry::Backoff;
use tradewind_http::wire::problem::Problem;

/// The most bytes of an answer; a server that sends more is not one of ours.
const ANSWER_BYTES_MAX: usize = 512 << 20;
/// The longest request target that common servers take.
pub(super) const TARGET_BYTES_MAX: usize = 48 << 10;

/// A server's address and the connections to it.
pub(super) struct Transport {
    client: Client<HttpConnector, Full<Bytes>>,
    /// `http://host:port/prefix`, without a slash at its end.
    base: String,
    pub(super) options: ClientOptions,
}

/// A complete answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// No connection: the request was not sent.
    #[error("{0}")]
    NotSent(String),
    /// The connection broke: the request may have had its effect.
    #[error("{0}")]
    Broken(String),
    /// No answer in time: the request may have had its effect.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
}

/// What to send.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query, beginning with a slash, under the base.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn get(target: String) -> Self {
        Self { method: Method::GET, target, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn post(target: &str, json: Bytes) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        Self { method: Method::POST, target: target.to_owned(), headers, body: json }
    }
}

impl Transport {
    pub(super) fn new(base: &str, options: ClientOptions) -> Result<Self, OpenError> {
        let base = base.trim_end_matches('/').to_owned();
        let refused = |problem: &str| OpenError::Url { url: base.clone(), problem: problem.to_owned() };
        let uri: Uri = base.parse().map_err(|error| refused(&format!("it is no URL: {error}")))?;
        if uri.scheme_str() != Some("http") {
            return Err(refused("only http:// is spoken"));
        }
        if uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
            return Err(refused("it must read http://host[:port][/prefix]"));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(options.connect_within));
        connector.set_keepalive(Some(Duration::from_secs(30)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(20))
            .build(connector);
        Ok(Self { client, base, options })
    }

    /// `http://host:port/prefix`, without a slash at its end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Sends and waits for the head of the answer.
    pub(super) async fn begin(&self, call: Call) -> Result<Response<Incoming>, CallError> {
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = format!("{}{}", self.base, call.target)
            .parse()
            .map_err(|error: http::uri::InvalidUri| CallError::NotSent(error.to_string()))?;
        *request.headers_mut() = call.headers;
        let within = self.options.answer_within;
        match tokio::time::timeout(within, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => {
                Err(CallError::NotSent(format!("cannot connect to {}: {}", self.base, root(&error))))
            }
            Ok(Err(error)) => Err(CallError::Broken(format!("the connection broke: {}", root(&error)))),
            Err(_) => Err(CallError::Late(within)),
        }
    }

    /// Sends and waits for the whole answer, once.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let (parts, body) = self.begin(call).await?.into_parts();
        Ok(Answer { status: parts.status, headers: parts.headers, body: self.whole(body).await? })
    }

    /// The rest of an answer whose head has come.
    pub(super) async fn whole(&self, body: Incoming) -> Result<Bytes, CallError> {
        let within = self.options.answer_within;
        match tokio::time::timeout(within, Limited::new(body, ANSWER_BYTES_MAX).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) => Err(CallError::Broken(format!("the answer broke off: {error}"))),
            Err(_) => Err(CallError::Late(within)),
        }
    }

    /// Sends something that may be repeated, until there is an answer of the server itself or the time for
    /// repeating is over. The flag tells whether any attempt may have reached the server.
    pub(super) async fn call_again(&self, call: Call) -> Result<Answer, (CallError, bool)> {
        let mut backoff = Backoff::new(self.options.pause_first, self.options.pause_max, Some(self.options.retry_for));
        let mut reached = false;
        loop {
            let failure = match self.call(call.clone()).await {
                Ok(answer) if !answer.is_from_between() => return Ok(answer),
                Ok(answer) => CallError::Broken(format!("answered {} by something in between", answer.status)),
                Err(failure) => failure,
            };
            reached |= !matches!(failure, CallError::NotSent(_));
            if !backoff.pause().await {
                return Err((failure, reached));
            }
            tracing::debug!(%failure, "asking the event store again");
        }
    }
}

impl Answer {
    /// The problem that it tells, or one that says that it tells none.
    pub(super) fn problem(&self) -> Problem {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            let detail = format!("the server answered {} without a reason", self.status);
            Problem::new(ErrorCode::IO, self.status.as_u16(), "Not understood", detail)
        })
    }

    /// Whether it comes from a proxy, a gateway or a host that drains, and not from the store: then asking again
    /// may help.
    fn is_from_between(&self) -> bool {
        is_from_between(self.status, || self.problem())
    }
}

/// As [`Answer::is_from_between`], for an answer of which only the head is certain.
pub(super) fn is_from_between(status: StatusCode, problem: impl FnOnce() -> Problem) -> bool {
    let passing =
        [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT].contains(&status);
    passing
        && !problem().error_code().is_some_and(|code| {
            // The store's own errors. `IO` is also what stands for an answer without a code.
            (ErrorCode::WRONG_REVISION..=ErrorCode::TIMEOUT).contains(&code)
        })
}

/// The innermost reason, which is the one that says something.
fn root(error: &dyn std::error::Error) -> String {
    let mut reason = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    reason.to_string()
}
