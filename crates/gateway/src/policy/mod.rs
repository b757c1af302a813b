//! What is done with requests and answers on their way.
//!
//! Each file is one policy. What a request must be before anything is done with it: [`framing`] and [`sizes`]. Who may
//! ask, and how often: [`auth`], [`rate`]. Whether it is as its operation's description says: `validate`. What browsers
//! are told: [`cors`], to pages of whose [`origin`], and [`security`]. What is passed on with it: [`trace`],
//! [`positions`]. What becomes of an answer: [`compress`]. [`chain`] says in which order.

pub(crate) mod auth;
pub(crate) mod chain;
pub(crate) mod compress;
pub(crate) mod cors;
pub(crate) mod framing;
mod origin;
pub(crate) mod positions;
pub(crate) mod rate;
pub(crate) mod security;
pub(crate) mod sizes;
pub(crate) mod trace;
#[cfg(feature = "validate")]
pub(crate) mod validate;

use std::sync::Arc;
use std::time::Duration;

use http::Method;

use crate::cache::CachePolicy;

pub use auth::{AuthRule, Authorizer, Denied, Head, Identity, Verdict};
pub use cors::{Cors, CorsError, Origins};
pub use origin::{InvalidOrigin, Origin};
pub use positions::PositionsOf;
pub use rate::{RateKey, RateLimit, RateLimitError};
pub use security::SecurityHeaders;
pub use sizes::Sizes;
#[cfg(feature = "validate")]
pub use validate::{Validation, ValidationError};

use crate::upstream::CallPolicy;

/// What a route asks of the gateway besides the way.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// How long a request may take until the head of its answer is there, whatever is tried in between.
    pub deadline: Option<Duration>,
    /// How its service is called; none for as what is said of the service.
    pub calls: Option<Arc<CallPolicy>>,
    /// How large requests and answers may be.
    pub sizes: Sizes,
    /// Who may ask; none for everybody.
    pub auth: Option<AuthRule>,
    /// How often somebody may ask.
    pub rate: Option<RateLimit>,
    /// Which pages of others may ask.
    pub cors: Option<Arc<Cors>>,
    /// What browsers are told about an answer's safety.
    pub security: Option<SecurityHeaders>,
    /// What requests must be like.
    #[cfg(feature = "validate")]
    pub validate: Option<Arc<Validation>>,
    /// Whether answers are compressed for those who can read it.
    pub compress: bool,
    /// What the route wants of the cache; nothing, if its answers go past it.
    pub cache: Option<Arc<CachePolicy>>,
    /// Whose positions its answers tell.
    pub positions: PositionsOf,
}

impl Policies {
    /// What they are to a request of this method, a line each, for people.
    #[must_use]
    pub fn describe(&self, method: &Method) -> Vec<String> {
        let mut lines = self.sizes.describe();
        lines.extend(self.deadline.map(|deadline| format!("the answer's head within {deadline:?}")));
        lines.extend(self.calls.as_ref().map(|calls| calls.describe()).into_iter().flatten());
        lines.extend(self.auth.as_ref().map(ToString::to_string));
        lines.extend(self.rate.as_ref().map(ToString::to_string));
        lines.extend(self.cors.as_ref().map(|cors| format!("pages of {} may ask", cors.origins)));
        lines.extend(self.security.as_ref().map(|_| "security headers, where the service sets none".to_owned()));
        #[cfg(feature = "validate")]
        lines.extend(self.validate.as_ref().map(|_| "as the operation's description says".to_owned()));
        lines.extend(self.compress.then(|| "compressed with zstd, br or gzip".to_owned()));
        lines.extend(self.cache.as_ref().map(|cache| match *method {
            Method::GET | Method::HEAD => format!("cached: {cache}"),
            _ if method.is_safe() => "never stored, as what is not asked for with GET".to_owned(),
            _ => "never stored, and what is stored of the same target is asked for anew".to_owned(),
        }));
        lines.extend(self.positions.describe());
        lines
    }
}

#[cfg(test)]
mod tests;
