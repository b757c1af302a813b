//! Who may ask.

use std::fmt;
use std::pin::Pin;

use http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use tradewind_events::ErrorCode;

use crate::problem::Problem;

/// What a route asks of who asks: a bearer token (RFC 6750) that has all of these scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthRule {
    /// The scopes, in the words of the one who issues tokens; none if any token will do.
    pub scopes: Vec<String>,
}

/// Somebody who has been recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The client, as its issuer calls it.
    pub client: String,
}

/// What of a request tells who asks.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target, as the client wrote it.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl<'a> Head<'a> {
    pub(crate) fn of<B>(request: &'a Request<B>) -> Self {
        Self { method: request.method(), uri: request.uri(), headers: request.headers() }
    }
}

/// Why somebody may not ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// There is no token.
    NoToken,
    /// The token is none of ours, over, or revoked; in words that the client may see.
    InvalidToken(String),
    /// The token is good, and lacks a scope.
    MissingScope,
    /// Whether the token is good cannot be told now.
    Unavailable,
}

/// An answer to come.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<Identity, Denied>> + Send + 'a>>;

/// Tells who asks, and whether that one may.
pub trait Authorizer: fmt::Debug + Send + Sync {
    /// Looks at a request's head. It is asked for each request to a route that has a rule, and has a second to answer.
    fn authorize<'a>(&'a self, request: Head<'a>, rule: &'a AuthRule) -> Verdict<'a>;
}

/// How long an authorizer may take.
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Asks the authorizer. Without one, nobody may.
///
/// # Errors
/// TW-3011 (401) or TW-3012 (403), or 503 if it cannot be told.
pub(super) async fn check(
    authorizer: Option<&dyn Authorizer>,
    request: Head<'_>,
    rule: &AuthRule,
) -> Result<Identity, Problem> {
    let verdict = match authorizer {
        Some(authorizer) => tokio::time::timeout(ANSWER_WITHIN, authorizer.authorize(request, rule))
            .await
            .unwrap_or(Err(Denied::Unavailable)),
        None if has_token(request) => Err(Denied::InvalidToken("no token can be verified here".to_owned())),
        None => Err(Denied::NoToken),
    };
    verdict.map_err(|denied| answer(&denied, rule))
}

fn has_token(request: Head<'_>) -> bool {
    let value = request.headers.get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes);
    value.is_some_and(|value| value.len() > 7 && value[..7].eq_ignore_ascii_case(b"bearer "))
}

fn answer(denied: &Denied, rule: &AuthRule) -> Problem {
    let (status, code, detail, error) = match denied {
        Denied::NoToken => {
            (StatusCode::UNAUTHORIZED, ErrorCode::UNAUTHENTICATED, "this needs a bearer token", String::new())
        }
        Denied::InvalidToken(why) => {
            let why: String = why.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(200).collect();
            let why = why.replace(['"', '\\'], "'");
            let error = format!(", error=\"invalid_token\", error_description=\"{why}\"");
            (StatusCode::UNAUTHORIZED, ErrorCode::UNAUTHENTICATED, "the bearer token is not accepted", error)
        }
        Denied::MissingScope => {
            let error = ", error=\"insufficient_scope\"".to_owned();
            (StatusCode::FORBIDDEN, ErrorCode::FORBIDDEN, "the bearer token lacks a scope that this needs", error)
        }
        Denied::Unavailable => return Problem::cannot_verify(),
    };
    let scope = match rule.scopes.is_empty() {
        true => String::new(),
        false => format!(", scope=\"{}\"", rule.scopes.join(" ")),
    };
    let problem = Problem::denied(status, code, detail);
    problem.with(header::WWW_AUTHENTICATE, &format!("Bearer realm=\"tradewind\"{error}{scope}"))
}

impl fmt::Display for AuthRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scopes.is_empty() {
            true => f.write_str("a bearer token"),
            false => write!(f, "a bearer token with {}", self.scopes.join(" and ")),
        }
    }
}
