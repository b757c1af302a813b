//! What the gateway would do, told from its [`Plan`] alone: nothing is asked, and nothing need run.
//!
//! [`Plan::explain`] tells what becomes of a request. [`Plan::without`] tells what each route would answer if a service
//! were dead: nothing listens where it was, so that nothing is sent to it. What a stored answer says itself
//! (`stale-if-error`, `must-revalidate`) is not known here; what is told is what the route's author says.

mod takes;
mod request;
mod composed;
mod plain;

use std::time::Duration;

use http::StatusCode;
use serde::{Serialize, Serializer};
use tradewind_events::ErrorCode;

use crate::{Action, Plan, Route};

pub use request::{Explained, Refused};
pub use takes::RouteTaking;

/// What routes would answer if a service were dead.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outlook {
    /// The service.
    pub service: String,
    /// Each route that asks it, the most specific first.
    pub routes: Vec<RouteOutlook>,
    /// Those that do not, and so go on.
    pub unaffected: Vec<RouteTaking>,
}

/// What one route would answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RouteOutlook {
    /// The route.
    #[serde(flatten)]
    pub route: RouteTaking,
    /// What is answered if stored answers may stand in, and are there; nothing, if none may.
    pub stored: Option<Stored>,
    /// What is answered if nothing is stored, or it is too stale; and in any case to what changes something, unless
    /// that is told apart.
    pub otherwise: Answered,
    /// What is answered to methods other than GET and HEAD, where that is something else: nothing can stand in for what
    /// they do, so that the service is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Answered>,
    /// The parts of a composed answer that would not be as they should, each behind those that it takes values from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<FragmentOutlook>,
}

/// What is answered of what is stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stored {
    /// How long past its freshness an answer may be; of several, the shortest. Nothing, if only what is fresh is given.
    #[serde(serialize_with = "seconds", rename = "stale_s")]
    pub stale: Option<Duration>,
    /// What is answered then.
    pub answered: Answered,
}

/// What a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// The status; that of success stands for whatever the service has answered.
    #[serde(serialize_with = "status")]
    pub status: StatusCode,
    /// The code of the error, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// How long a client waits for it, at most.
    #[serde(serialize_with = "millis", rename = "within_ms", skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
}

impl Answered {
    const OK: Self = Self { status: StatusCode::OK, code: None, within: None };

    /// Whether it is as it should be.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code.is_none()
    }
}

/// What would become of one part of a composed answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FragmentOutlook {
    /// The call.
    pub fragment: String,
    /// The service that it asks.
    pub service: String,
    /// Why it would not be as it should.
    pub because: Because,
    /// How long past its freshness a stored answer may stand in; nothing, if none may.
    #[serde(serialize_with = "seconds", rename = "stale_s")]
    pub stale: Option<Duration>,
    /// What comes if there is none, or it is too stale.
    pub otherwise: Lacking,
}

/// Why a part would not be as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// Its service is the dead one.
    Service,
    /// It takes values of this part.
    TakesFrom(String),
}

/// What comes in place of a part that is not there.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lacking {
    /// The whole answer fails.
    Fails,
    /// It is left out.
    Omitted,
    /// This value.
    Default(serde_json::Value),
    /// What it is asked with is the default of the part that it takes values from.
    AskedByDefault,
}

/// No route asks such a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no route leads to a service {wanted:?}; there are {}", known.join(", "))]
pub struct NoSuchService {
    /// What was asked for.
    pub wanted: String,
    /// The services that routes lead to.
    pub known: Vec<String>,
}

impl Plan {
    /// What each route would answer if this service were dead.
    ///
    /// # Errors
    /// [`NoSuchService`] if no route asks it.
    pub fn without(&self, service: &str) -> Result<Outlook, NoSuchService> {
        let mut outlook = Outlook { service: service.into(), routes: Vec::new(), unaffected: Vec::new() };
        for route in self.routes.routes() {
            match route.without(service, self.cache.is_some()) {
                Some(affected) => outlook.routes.push(affected),
                None => outlook.unaffected.push(RouteTaking::of(route)),
            }
        }
        if outlook.routes.is_empty() {
            let mut known: Vec<String> = self.upstreams().map(|upstream| upstream.name().to_string()).collect();
            known.sort_unstable();
            known.dedup();
            return Err(NoSuchService { wanted: service.to_owned(), known });
        }
        Ok(outlook)
    }
}

impl Route {
    fn without(&self, service: &str, has_cache: bool) -> Option<RouteOutlook> {
        match &self.to {
            Action::Forward(upstream) if &**upstream.name() == service => {
                Some(plain::outlook(self, upstream, has_cache))
            }
            Action::Forward(_) => None,
            Action::Compose(composing) => composed::outlook(self, composing, service, has_cache),
        }
    }
}

fn seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs()).serialize(serializer)
}

fn millis<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn status<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    status.as_u16().serialize(serializer)
}

#[cfg(test)]
mod tests;
