//! The service that is asked.

use std::fmt::Write as _;
use std::time::Duration;

use http::{Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tradewind_events::ErrorCode;

use crate::failure::Failure;

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long it may be.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// What stands before and after a problem's number.
const CODE_PREFIX: &str = "TW-";

/// Where a service listens.
#[derive(Debug, clap::Args)]
pub(super) struct Service {
    /// http://HOST:PORT, where the service listens
    service_url: String,
}

/// On whose behalf something is done.
#[derive(Debug, clap::Args)]
pub(super) struct Actor {
    /// On whose behalf, for the record
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    actor: Option<String>,
}

impl Actor {
    fn name(&self) -> &str {
        self.actor.as_deref().filter(|name| !name.is_empty()).unwrap_or("tradewind-deadletter")
    }
}

impl Service {
    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.ask(Method::GET, path, None, String::new()).await
    }

    pub(super) async fn post(&self, path: &str, actor: &Actor, body: &Value) -> anyhow::Result<Value> {
        self.ask(Method::POST, path, Some(actor), body.to_string()).await
    }

    pub(super) async fn put(&self, path: &str, actor: &Actor, body: String) -> anyhow::Result<Value> {
        self.ask(Method::PUT, path, Some(actor), body).await
    }

    async fn ask(&self, method: Method, path: &str, actor: Option<&Actor>, body: String) -> anyhow::Result<Value> {
        let url = format!("{}{path}", self.service_url.trim_end_matches('/'));
        let uri: Uri = url.parse().ok().filter(|uri: &Uri| uri.scheme_str() == Some("http")).ok_or_else(|| {
            let message = format!("{} is no service's URL", self.service_url);
            Failure::coded(ErrorCode::BAD_REQUEST, message, "write http://HOST:PORT, as `tradewind up` tells it")
        })?;
        let mut request = Request::builder().method(method).uri(uri).header(header::CONTENT_TYPE, "application/json");
        if let Some(actor) = actor {
            request = request.header("tradewind-actor", actor.name());
        }
        let request = request.body(Full::from(body)).map_err(|error| {
            let help = "--actor takes a name in ASCII";
            Failure::coded(ErrorCode::BAD_REQUEST, error, help)
        })?;
        let answered = tokio::time::timeout(ANSWER_WITHIN, answer(request)).await;
        let (status, body) = match answered {
            Ok(Ok(answered)) => answered,
            Ok(Err(problem)) => return Err(self.unreachable(&problem)),
            Err(_) => return Err(self.unreachable(&format!("there was no answer within {ANSWER_WITHIN:?}"))),
        };
        if !status.is_success() {
            return Err(self.refused(status, &body));
        }
        match body.is_empty() {
            true => Ok(Value::Null),
            false => {
                serde_json::from_slice(&body).map_err(|error| self.unreachable(&format!("it is no service: {error}")))
            }
        }
    }

    fn unreachable(&self, problem: &str) -> anyhow::Error {
        let message = format!("{} cannot be asked: {problem}", self.service_url);
        let help = "start the service, or mend the URL's host and port: `tradewind up` tells where each listens";
        Failure::coded(ErrorCode::SERVICE_UNREACHABLE, message, help)
    }

    /// What the service says, with its own code.
    fn refused(&self, status: http::StatusCode, body: &[u8]) -> anyhow::Error {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let code = problem["code"].as_str().and_then(|code| code.strip_prefix(CODE_PREFIX)?.parse().ok());
        match (code, problem["detail"].as_str()) {
            (Some(code), Some(detail)) => Failure::coded(ErrorCode(code), detail, ""),
            _ => self.unreachable(&format!("it answers with status {}", status.as_u16())),
        }
    }
}

async fn answer(request: Request<Full<bytes::Bytes>>) -> Result<(http::StatusCode, bytes::Bytes), String> {
    let client: Client<HttpConnector, _> = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.map_err(|error| causes(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
    Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
}

/// An error with what caused it, which is what tells.
fn causes(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// A part of a path or a value in a URL.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(byte.into()),
            _ => {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}
