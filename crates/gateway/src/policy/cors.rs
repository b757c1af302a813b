//! Which pages of others may ask (the Fetch standard's CORS protocol). The gateway answers a browser's question whether
//! a request is allowed by itself, so that services need know nothing of it.

use std::fmt;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};

use super::Origin;

/// Whose pages may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// Everybody's, without cookies.
    Any,
    /// Those from these origins.
    These(Vec<Origin>),
}

/// What pages of other origins may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    pub(super) origins: Origins,
    methods: Option<HeaderValue>,
    headers: Option<HeaderValue>,
    exposed: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
}

/// Why such a thing is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CorsError {
    /// Everybody's pages would act with everybody's cookies.
    #[error("credentials are for origins that are named")]
    CredentialsForAny,
    /// It is no name of a header.
    #[error("{0:?} is no header's name")]
    Header(String),
}

/// The method that a browser asks about, if a request is such a question: it is for the route that takes that one.
pub(crate) fn asked_method(method: &Method, headers: &HeaderMap) -> Option<Method> {
    // Of most requests the method tells that they are none.
    if *method != Method::OPTIONS || !headers.contains_key(header::ORIGIN) {
        return None;
    }
    Method::from_bytes(headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?.as_bytes()).ok()
}

/// Whether a browser's question names a header, so that what it asks about has it.
pub(crate) fn names(question: &HeaderMap, name: &HeaderName) -> bool {
    let lines = question.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
}

/// Whether what a browser asks about may have a header that its question neither has nor names: what pages may always say
/// (the Fetch standard's CORS-safelisted request headers), and the credentials that the browser adds by itself.
pub(crate) fn is_never_named(name: &HeaderName) -> bool {
    const NEVER_NAMED: [HeaderName; 7] = [
        header::ACCEPT,
        header::ACCEPT_LANGUAGE,
        header::AUTHORIZATION,
        header::CONTENT_LANGUAGE,
        header::CONTENT_TYPE,
        header::COOKIE,
        header::RANGE,
    ];
    NEVER_NAMED.contains(name)
}

impl Cors {
    /// Checks what may be done: with these methods (none for what the browser asks for), these request headers (the
    /// same), letting pages read these headers of answers, with cookies or not. A browser may remember it so long.
    ///
    /// # Errors
    /// [`CorsError`] says what is wrong with it.
    pub fn new(
        origins: Origins,
        methods: &[Method],
        headers: &[String],
        exposed: &[String],
        credentials: bool,
        max_age: Duration,
    ) -> Result<Self, CorsError> {
        if credentials && origins == Origins::Any {
            return Err(CorsError::CredentialsForAny);
        }
        let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
        Ok(Self {
            origins,
            methods: HeaderValue::try_from(methods.join(", ")).ok().filter(|value| !value.is_empty()),
            headers: read_names(headers)?,
            exposed: read_names(exposed)?,
            credentials,
            max_age: HeaderValue::from(max_age.as_secs()),
        })
    }

    /// The answer to a browser's question, if a request is one.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<()>> {
        let method = asked_method(request.method(), request.headers())?;
        let mut answer = Response::new(());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        for name in ["origin", "access-control-request-method", "access-control-request-headers"] {
            headers.append(header::VARY, HeaderValue::from_static(name));
        }
        if self.allow(request.headers(), headers) {
            let methods = self.methods.clone().or_else(|| HeaderValue::from_str(method.as_str()).ok());
            headers.extend(methods.map(|methods| (header::ACCESS_CONTROL_ALLOW_METHODS, methods)));
            let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS);
            if let Some(allowed) = self.headers.as_ref().or(asked) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
            }
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        Some(answer)
    }

    /// Says on an answer whose pages may read it, in place of whatever the service says.
    pub(super) fn mark(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        for name in [
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
        ] {
            answer.remove(name);
        }
        if self.origins != Origins::Any {
            // Also to who did not say where from: a cache must not give one the other's answer.
            answer.append(header::VARY, HeaderValue::from_static("origin"));
        }
        if self.allow(request, answer)
            && let Some(exposed) = &self.exposed
        {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }

    /// Allows the origin that asks, if it may, or any.
    fn allow(&self, request: &HeaderMap, answer: &mut HeaderMap) -> bool {
        let allowed = match (&self.origins, request.get(header::ORIGIN)) {
            // Also to who did not say where from: what a cache keeps of that it may give to one that does (Fetch, "CORS
            // protocol and HTTP caches").
            (Origins::Any, _) => HeaderValue::from_static("*"),
            (Origins::These(these), Some(origin)) if these.iter().any(|known| known.covers(origin)) => origin.clone(),
            (Origins::These(_), _) => return false,
        };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        true
    }
}

fn read_names(names: &[String]) -> Result<Option<HeaderValue>, CorsError> {
    let refused = |name: &str| CorsError::Header(name.chars().take(64).collect());
    for name in names {
        name.parse::<HeaderName>().map_err(|_| refused(name))?;
    }
    let joined = names.join(", ");
    Ok(HeaderValue::from_str(&joined).ok().filter(|value| !value.is_empty()))
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("everybody"),
            Self::These(these) => {
                let texts: Vec<String> = these.iter().map(Origin::to_string).collect();
                f.write_str(&texts.join(", "))
            }
        }
    }
}
