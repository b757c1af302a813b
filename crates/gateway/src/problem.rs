//! Errors as RFC 9457 problem details, or as pages.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;
use tradewind_events::ErrorCode;

use crate::page;
use crate::upstream::NoAnswer;

/// An error that the gateway answers by itself.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: ErrorCode,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    /// The same for people, as a page's heading and what stands below it.
    pub(crate) heading: &'static str,
    pub(crate) sentence: &'static str,
    /// After how many seconds it is worth trying again.
    pub(crate) retry_after: Option<u32>,
    /// What else its answer says in headers.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// The parts of the request that are not as its description says.
    pub(crate) errors: Option<Box<Errors>>,
}

/// A few such parts. Few problems have some, and all are handed on: so they do not stand in place.
#[derive(Debug, Clone)]
pub(crate) struct Errors(pub(crate) Vec<Invalid>);

/// A part of a request that is not as its description says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Invalid {
    /// `body`, `query`, `path`, `header` or `cookie`.
    pub(crate) r#in: &'static str,
    /// The parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Where in the body, or in the parameter's value, as a JSON pointer.
    pub(crate) pointer: String,
    /// What is wrong there.
    pub(crate) detail: String,
}

#[derive(Serialize)]
struct Wire<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: ErrorCode,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[Invalid]>::is_empty")]
    errors: &'a [Invalid],
}

impl Problem {
    pub(crate) fn no_route(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        Self {
            status: StatusCode::NOT_FOUND,
            code: ErrorCode::NO_ROUTE,
            title: "no route",
            detail: format!("no service is behind {path}"),
            heading: "There is nothing here",
            sentence: "No page or service has this address. The link may be old, or mistyped.",
            retry_after: None,
            headers: Vec::new(),
            errors: None,
        }
    }

    pub(crate) fn refused(status: StatusCode, detail: &str) -> Self {
        Self {
            status,
            code: ErrorCode::REFUSED_REQUEST,
            title: "request refused",
            detail: detail.to_owned(),
            heading: "This cannot be answered",
            sentence: "The request was not understood, and nothing has been done about it.",
            retry_after: None,
            headers: Vec::new(),
            errors: None,
        }
    }

    /// There is a route, but for other methods.
    pub(crate) fn other_methods(methods: &[Method]) -> Self {
        let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            names.push("HEAD");
        }
        let allow = names.join(", ");
        let problem = Self::refused(StatusCode::METHOD_NOT_ALLOWED, &format!("this is there for {allow} only"));
        problem.with(header::ALLOW, &allow)
    }

    /// The same with a header in its answer; a value that no header can carry is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// It is not as its operation's description says.
    #[cfg(feature = "validate")]
    pub(crate) fn invalid(status: StatusCode, detail: &str, errors: Vec<Invalid>) -> Self {
        let errors = Some(Box::new(Errors(errors)));
        Self {
            code: ErrorCode::INVALID_REQUEST,
            title: "request not as described",
            errors,
            ..Self::refused(status, detail)
        }
    }

    /// Its body would have to be held, and as much is held as may be.
    #[cfg(feature = "validate")]
    pub(crate) fn no_room(detail: &str) -> Self {
        Self {
            code: ErrorCode::NO_ROOM,
            title: "no room for the body",
            sentence: "More is being sent here than can be looked at just now. It goes on in a moment.",
            retry_after: Some(1),
            ..Self::refused(StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    /// A part of it is over a limit.
    pub(crate) fn too_large(status: StatusCode, detail: &str) -> Self {
        let sentence = "More was sent than is taken here, and nothing has been done about it.";
        Self { code: ErrorCode::TOO_LARGE, title: "too large", sentence, ..Self::refused(status, detail) }
    }

    /// A service's answer cannot be passed on.
    pub(crate) fn headers_too_large(service: &str) -> Self {
        let detail = format!("the answer of {service} has larger headers than are passed on");
        Self { code: ErrorCode::TOO_LARGE, title: "answer too large", detail, ..Self::broken(service) }
    }

    /// Who asks may not, or is not known.
    pub(crate) fn denied(status: StatusCode, code: ErrorCode, detail: &str) -> Self {
        let sentence = "You have to sign in for this, or may not see it.";
        let heading = "This is not for everybody";
        Self { code, title: "not allowed", heading, sentence, ..Self::refused(status, detail) }
    }

    /// The position that an answer is to show cannot be read; a number says nothing where several services answer.
    pub(crate) fn bad_position(said: &str, one_service: bool) -> Self {
        let said: String = said.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
        let wanted = if one_service { "42, or catalog=42" } else { "catalog=42, ordering=7" };
        let detail = format!("Tradewind-After says {said:?}, which is no position; write {wanted}");
        Self { code: ErrorCode::BAD_POSITION, ..Self::refused(StatusCode::BAD_REQUEST, &detail) }
    }

    /// The client wanted a stored answer and nothing else (RFC 9111 §5.2.1.7).
    pub(crate) fn not_cached() -> Self {
        let detail = "nothing is stored that answers this, and the request allows nothing else (only-if-cached)";
        Self { code: ErrorCode::NOT_CACHED, title: "not stored", ..Self::refused(StatusCode::GATEWAY_TIMEOUT, detail) }
    }

    /// What a composition is to be made of is not said.
    pub(crate) fn bad_parameter(name: &str) -> Self {
        let name: String = name.chars().take(64).collect();
        let detail = format!("the parameter {name:?} is missing, too long, or nothing that can stand in a path");
        Self { code: ErrorCode::BAD_PARAMETER, ..Self::refused(StatusCode::BAD_REQUEST, &detail) }
    }

    /// It is not said, or not in a way that all who are asked understand, as of when an answer is to be.
    pub(crate) fn bad_moment(detail: &str) -> Self {
        Self { code: ErrorCode::BAD_PARAMETER, ..Self::refused(StatusCode::BAD_REQUEST, detail) }
    }

    /// A part of a composed answer is missing that it cannot be without.
    pub(crate) fn not_composed(status: StatusCode, detail: &str) -> Self {
        let (heading, sentence) = match status.as_u16() {
            404 | 410 => ("There is nothing here", "What was asked for is not there, or no longer."),
            401 | 403 => ("This is not for everybody", "You have to sign in for this, or may not see it."),
            504 => ("This takes too long", "A part of the site behind this page has not answered in time."),
            _ => ("We will be right back", "A part of the site behind this page cannot answer just now."),
        };
        let (code, title) = (ErrorCode::NOT_COMPOSED, "a part is missing");
        Self {
            status,
            code,
            title,
            detail: detail.to_owned(),
            heading,
            sentence,
            retry_after: None,
            headers: Vec::new(),
            errors: None,
        }
    }

    /// What the parts are put together from came too late.
    pub(crate) fn not_composed_in_time(name: &str) -> Self {
        let detail = format!("{name} was not put together in time");
        Self { retry_after: Some(1), ..Self::not_composed(StatusCode::GATEWAY_TIMEOUT, &detail) }
    }

    /// Whether who asks may cannot be told now.
    pub(crate) fn cannot_verify() -> Self {
        let detail = "whether the bearer token is good cannot be told now";
        let refused = Self::denied(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::UNAUTHENTICATED, detail);
        Self { retry_after: Some(1), ..refused }
    }

    /// Somebody asks too often; worth trying again after so many seconds.
    pub(crate) fn too_many(detail: &str, retry_after: u32) -> Self {
        Self {
            code: ErrorCode::RATE_LIMITED,
            title: "too many requests",
            heading: "That was a bit much",
            sentence: "More was asked than may be in so short a time. It goes on in a moment.",
            retry_after: Some(retry_after),
            ..Self::refused(StatusCode::TOO_MANY_REQUESTS, detail)
        }
    }

    /// A service gave no answer.
    pub(crate) fn no_answer(service: &str, why: NoAnswer) -> Self {
        match why {
            NoAnswer::Unreachable => Self::unreachable(service),
            NoAnswer::Broken => Self::broken(service),
            NoAnswer::Malformed => Self::malformed(service),
            NoAnswer::RequestBody => {
                Self::refused(StatusCode::BAD_REQUEST, "the request's body broke off or is malformed")
            }
            NoAnswer::RequestTimeout => {
                Self::refused(StatusCode::REQUEST_TIMEOUT, "the request's body comes too slowly, or not at all")
            }
            NoAnswer::Timeout | NoAnswer::Deadline => Self::timeout(service),
            NoAnswer::Busy => Self::busy(service),
            NoAnswer::BreakerOpen { retry_after } => Self::breaker_open(service, retry_after),
        }
    }

    /// Nothing listens: the service is down or starting, and nothing was sent to it.
    pub(crate) fn unreachable(service: &str) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: ErrorCode::UPSTREAM_UNREACHABLE,
            title: "service unreachable",
            detail: format!("{service} cannot be reached; it may be starting"),
            heading: "We will be right back",
            sentence: "The part of the site behind this page cannot be reached just now. It may be starting.",
            retry_after: Some(1),
            headers: Vec::new(),
            errors: None,
        }
    }

    /// The connection broke after the request was sent: whether it was carried out is unknown.
    pub(crate) fn broken(service: &str) -> Self {
        Self {
            status: StatusCode::BAD_GATEWAY,
            code: ErrorCode::UPSTREAM_UNREACHABLE,
            title: "service broke off",
            detail: format!("{service} closed the connection without an answer; the request may have been carried out"),
            heading: "The answer broke off",
            sentence: "The part of the site behind this page broke off while it was answering.",
            retry_after: Some(1),
            headers: Vec::new(),
            errors: None,
        }
    }

    /// What came is no answer: whether the request was carried out is unknown.
    pub(crate) fn malformed(service: &str) -> Self {
        Self {
            code: ErrorCode::UPSTREAM_MALFORMED,
            title: "service's answer malformed",
            detail: format!(
                "what {service} answered is not HTTP, or over a limit; the request may have been carried out"
            ),
            ..Self::broken(service)
        }
    }

    /// As much is under way as may be: nothing was sent.
    pub(crate) fn busy(service: &str) -> Self {
        Self {
            code: ErrorCode::UPSTREAM_BUSY,
            title: "service busy",
            detail: format!("as many requests to {service} are under way as may be; this one was not sent"),
            sentence: "The part of the site behind this page has more to do than it can. It will soon have caught up.",
            ..Self::unreachable(service)
        }
    }

    /// Too much failed: nothing was sent.
    pub(crate) fn breaker_open(service: &str, retry_after: Duration) -> Self {
        let seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            code: ErrorCode::BREAKER_OPEN,
            title: "service left alone",
            detail: format!("most requests to {service} failed lately; none is let through for a while"),
            retry_after: Some(seconds),
            ..Self::unreachable(service)
        }
    }

    pub(crate) fn timeout(service: &str) -> Self {
        Self {
            status: StatusCode::GATEWAY_TIMEOUT,
            code: ErrorCode::UPSTREAM_TIMEOUT,
            title: "service too slow",
            detail: format!("{service} did not answer in time; the request may have been carried out"),
            heading: "This takes too long",
            sentence: "The part of the site behind this page has not answered in time. It may be busy.",
            retry_after: Some(1),
            headers: Vec::new(),
            errors: None,
        }
    }

    /// The answer, as a page for people or as problem details for programs.
    pub(crate) fn response(&self, request_id: &str, as_page: bool) -> Response<Full<Bytes>> {
        let mut response = if as_page { page::response(self, request_id) } else { self.details(request_id) };
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.headers.clone());
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    fn details(&self, request_id: &str) -> Response<Full<Bytes>> {
        let wire = Wire {
            r#type: format!("https://tradewind.dev/errors/{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: self.errors.as_ref().map_or(&[], |errors| &errors.0),
        };
        // Plain texts and numbers always become JSON.
        let mut response = Response::new(Full::from(serde_json::to_vec(&wire).unwrap_or_default()));
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}
