//! Headers of a request by which a service may answer for something else than what the key says. If they made no
//! difference, whoever sends them would choose what others get.

use http::{HeaderMap, HeaderName};

/// What proxies tell of how they were asked. It belongs to an answer as if `Vary` named it.
const OF_PROXIES: [&str; 5] =
    ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-ssl"];

/// What some frameworks take for the method, the target or the host. No browser and hardly any proxy sends it, and what
/// has it goes past the store.
const OVERRIDES: [&str; 12] = [
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-uri",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-host",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// What a gateway adds to a request by itself, or changes in it for each, so that no request that comes can be compared
/// by it.
const OF_THE_GATEWAY: [&str; 8] = [
    "forwarded",
    "grpc-timeout",
    "traceparent",
    "tracestate",
    "tradewind-deadline",
    "via",
    "x-forwarded-for",
    "x-request-id",
];

/// The headers of a request that belong to its answer, whatever that says.
pub(crate) fn of_proxies(headers: &HeaderMap) -> impl Iterator<Item = &HeaderName> {
    headers.keys().filter(|name| begins_with_x(name) && OF_PROXIES.contains(&name.as_str()))
}

/// Whether a request has a header that may turn it into another one.
pub(crate) fn has_override(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| begins_with_x(name) && OVERRIDES.contains(&name.as_str()))
}

/// Whether the gateway sees to what a request says in this header.
pub(crate) fn is_of_the_gateway(name: &HeaderName) -> bool {
    OF_THE_GATEWAY.contains(&name.as_str())
}

/// Most do not, and so need not be compared with all of them.
fn begins_with_x(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-")
}
