//! One address in front of all services.
//!
//! Read in this order: [`Options`] and their limits; an [`Upstream`] is a service and the changing set of its
//! instances' addresses; a [`RouteTable`] says which requests go to which of them, and with which [`Policies`] on the way;
//! a [`Plan`] is all of this; [`Gateway::bind`] and [`Gateway::run`] serve; a [`GatewayHandle`] puts another plan in
//! place while it runs, and gives a service a [`Front`] of its own. A request goes `server` → `proxy` (route, policies,
//! headers) → [`cache`] or [`compose`], where the route says so → `upstream` ([`Upstream::call`]: the choice of an
//! instance, connections, tries under one [`Deadline`]) and its answer comes back the same way, streamed in both
//! directions. What the gateway answers itself is in `own` and `problem`, and for people in `page`; what is told of each
//! request in `access`, and of all together in `metrics`.
//!
//! The gateway knows nothing of what the services do, and keeps nothing of what passes through it but what its cache may.

mod access;
mod behind;
mod body;
pub mod cache;
pub mod compose;
mod composing;
mod docs;
mod explain;
mod forwarded;
mod front;
#[cfg(fuzzing)]
pub mod fuzzing;
mod headers;
mod metrics;
pub mod openapi;
mod options;
mod own;
mod page;
mod plan;
mod policy;
mod position;
mod problem;
mod proxy;
mod route;
mod server;
mod upgrade;
mod upstream;

pub use access::{AccessFormat, AccessLog, AccessLogOptions};
pub use composing::{CallRule, Composing};
pub use docs::ApiDocuments;
pub use explain::{
    Answered, Because, Explained, FragmentOutlook, Lacking, NoSuchService, Outlook, Refused, RouteOutlook, RouteTaking,
    Stored,
};
pub use front::Front;
pub use options::{Options, Timeouts};
pub use plan::Plan;
pub use policy::{
    AuthRule, Authorizer, Cors, CorsError, Denied, Head, Identity, InvalidOrigin, Origin, Origins, Policies,
    PositionsOf, RateKey, RateLimit, RateLimitError, SecurityHeaders, Sizes, Verdict,
};
#[cfg(feature = "validate")]
pub use policy::{Validation, ValidationError};
pub use route::{
    Action, Asked, Captures, HeaderMatch, HostPattern, NotFound, PathPattern, Rewrite, Route, RouteError, RouteTable,
    host_in,
};
pub use server::{BindError, Gateway, GatewayHandle};
pub use tradewind_http::{InvalidNetwork, Limits, Network, Tls, TlsError};
pub use upstream::{
    AnswerBody, Balance, BreakerOptions, CallPolicy, ConnectionLimits, DEADLINE, Deadline, HealthCheck, Hedge,
    InvalidDeadline, NoAnswer, OutlierDetection, Protocol, RequestBody, RetryBudget, RetryPolicy, Uploads, Upstream,
    UpstreamOptions,
};

#[cfg(test)]
mod tests;
