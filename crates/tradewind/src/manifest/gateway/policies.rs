//! What is done with requests and answers on their way: `[gateway.policies]` for all routes, and what a route says in
//! place of it.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tradewind_gateway::{
    AuthRule, Cors, CorsError, Origin, Origins, Policies, RateKey, RateLimit, SecurityHeaders, Sizes,
};

use super::route::read_methods;
use crate::manifest::section::{Problems, Said, Section};

/// How long a browser may remember what it may do.
const CORS_MAX_AGE: Duration = Duration::from_secs(600);
const RATE_EXAMPLE: &str = "rate = { requests = 100, within = \"1m\", by = \"address\" }";

/// Reads what a table says, and takes the rest from what holds for all. `name` is what limits are called to clients.
pub(super) fn read(table: &Section<'_>, name: &str, usual: &Policies, problems: &Problems<'_>) -> Policies {
    let mut policies = usual.clone();
    if let Some(timeout) = table.duration("timeout") {
        policies.deadline = Some(timeout);
    }
    if let Some(limits) = table.table("limits", "the limits of a route") {
        policies.sizes = read_sizes(&limits, usual.sizes);
    }
    match table.said("auth", "what a route asks of a token", "true") {
        Some(Said::Yes) => policies.auth = Some(AuthRule::default()),
        Some(Said::No) => policies.auth = None,
        Some(Said::Table(rule)) => policies.auth = Some(read_auth(&rule, problems)),
        None => {}
    }
    if let Some(rate) = table.table("rate", "the rate of a route") {
        policies.rate = read_rate(&rate, name);
    }
    match table.said("cors", "the CORS of a route", "{ origins = [\"https://shop.example\"] }") {
        Some(Said::Table(cors)) => policies.cors = read_cors(&cors, problems),
        Some(Said::No) => policies.cors = None,
        Some(Said::Yes) => problems.add(
            table.place_of("cors"),
            "`cors` does not say whose pages may ask",
            "name them: cors = { origins = [\"https://shop.example\"] }, or all of them: [\"*\"]",
        ),
        None => {}
    }
    match table.said("security", "the security headers of a route", "true") {
        Some(Said::Yes) => policies.security = Some(SecurityHeaders::usual()),
        Some(Said::No) => policies.security = None,
        Some(Said::Table(headers)) => policies.security = Some(read_security(&headers, problems)),
        None => {}
    }
    if let Some(compress) = table.flag("compress") {
        policies.compress = compress.value;
    }
    policies
}

fn read_sizes(limits: &Section<'_>, usual: Sizes) -> Sizes {
    let count = |bytes: Option<u64>| bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let headers = limits.number("headers", 1, 10_000, "50").map(|headers| headers.value as usize);
    let sizes = Sizes {
        body_bytes_max: limits.size("body").or(usual.body_bytes_max),
        headers_max: headers.or(usual.headers_max),
        header_bytes_max: count(limits.size("header_bytes")).or(usual.header_bytes_max),
        answer_header_bytes_max: count(limits.size("answer_header_bytes")).or(usual.answer_header_bytes_max),
    };
    limits.report_unknown();
    sizes
}

fn read_auth(rule: &Section<'_>, problems: &Problems<'_>) -> AuthRule {
    let mut scopes = Vec::new();
    for scope in rule.list("scopes", "[\"orders:write\"]") {
        // RFC 6749 §3.3.
        let is_scope = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        match !scope.value.is_empty() && scope.value.bytes().all(is_scope) {
            true => scopes.push(scope.value),
            false => problems.add(
                scope.span,
                format!("{:?} is no scope", scope.value),
                "a scope has no spaces, quotes or backslashes: \"orders:write\"",
            ),
        }
    }
    rule.report_unknown();
    AuthRule { scopes }
}

fn read_rate(rate: &Section<'_>, name: &str) -> Option<RateLimit> {
    let requests = rate.number("requests", 1, 1_000_000_000, "100");
    let within = rate.duration("within");
    let by = rate.text("by", "\"address\"");
    for key in ["requests", "within"] {
        rate.require(key, format!("say {RATE_EXAMPLE}"));
    }
    rate.report_unknown();
    let key = match by.as_ref().map(|by| (&*by.value, &by.span)) {
        None | Some(("address", _)) => RateKey::Address,
        Some(("client", _)) => RateKey::Client,
        Some((other, span)) => match other.strip_prefix("header:").map(str::parse::<HeaderName>) {
            Some(Ok(header)) => RateKey::Header(header),
            _ => {
                let help = "it is \"address\", \"client\", or a header, as \"header:x-api-key\"";
                return rate.refuse(span.clone(), format!("{other:?} is nothing to count requests by"), help);
            }
        },
    };
    match RateLimit::new(name, key, requests?.value, within?) {
        Ok(limit) => Some(limit),
        Err(error) => rate.refuse(rate.span(), error.to_string(), format!("for example: {RATE_EXAMPLE}")),
    }
}

fn read_cors(cors: &Section<'_>, problems: &Problems<'_>) -> Option<Arc<Cors>> {
    let texts = |key, example| cors.one_or_more(key, example).into_iter().map(|text| text.value).collect::<Vec<_>>();
    let origins = read_origins(cors, problems);
    let methods = read_methods(cors, problems);
    let (headers, exposed) = (texts("headers", "[\"content-type\"]"), texts("expose", "[\"tradewind-position\"]"));
    let credentials = cors.flag("credentials").is_some_and(|credentials| credentials.value);
    let max_age = cors.duration("max_age").unwrap_or(CORS_MAX_AGE);
    cors.report_unknown();
    let origins = origins?;
    match Cors::new(origins, &methods, &headers, &exposed, credentials, max_age) {
        Ok(cors) => Some(Arc::new(cors)),
        Err(error) => {
            let help = match &error {
                CorsError::CredentialsForAny => "name the origins, or take `credentials` out",
                CorsError::Header(_) => "write the names of headers: [\"content-type\"]",
            };
            cors.refuse(cors.span(), error.to_string(), help)
        }
    }
}

/// Whose pages may ask; nothing if that is not said, or wrong.
fn read_origins(cors: &Section<'_>, problems: &Problems<'_>) -> Option<Origins> {
    let texts = cors.one_or_more("origins", "[\"https://shop.example\"]");
    if texts.is_empty() {
        let help = "name them: origins = [\"https://shop.example\"], or all of them: [\"*\"]";
        return cors.refuse(cors.span(), "`cors` does not say whose pages may ask", help);
    }
    if texts.len() == 1 && texts.iter().all(|text| text.value == "*") {
        return Some(Origins::Any);
    }
    let count = texts.len();
    let mut origins = Vec::with_capacity(count);
    for text in texts {
        match Origin::parse(&text.value) {
            Ok(origin) => origins.push(origin),
            Err(error) => {
                let help =
                    "write a scheme and a host as browsers do: \"https://shop.example\", \"https://*.shop.example\"";
                problems.add(text.span, error.to_string(), help);
            }
        }
    }
    (origins.len() == count).then_some(Origins::These(origins))
}

/// The usual ones, and those that are said here, by their names.
fn read_security(headers: &Section<'_>, problems: &Problems<'_>) -> SecurityHeaders {
    let mut security = SecurityHeaders::usual();
    let mut said: Vec<HeaderName> = Vec::new();
    for (name, value) in headers.texts() {
        match (name.value.parse::<HeaderName>(), value.value.parse::<HeaderValue>()) {
            (Ok(header), Ok(_)) if said.contains(&header) => {
                let message = format!("the header {:?} stands here twice", header.as_str());
                problems.add(name.span, message, "take one of them out: capitals make no difference");
            }
            (Ok(header), Ok(value)) => {
                said.push(header.clone());
                security = security.with(header, value);
            }
            _ => problems.add(
                name.span,
                format!("{:?} is no header's name, or its value has what a header cannot carry", name.value),
                "for example: \"strict-transport-security\" = \"max-age=31536000\"",
            ),
        }
    }
    security
}
