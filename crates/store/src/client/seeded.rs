//! A service that is seeded, as who seeds it sees it.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use tradewind_events::{Position, Query, ReadError};
use tradewind_http::percent_encoded;

use super::ClientOptions;
use super::reads::{again, garbled, get};
use super::transport::{Call, Transport};
use crate::OpenError;

/// A service that follows others.
pub struct SeededService {
    transport: Transport,
}

/// One of its followers, and what it follows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubscriptionStatus {
    /// The follower's name.
    pub name: String,
    /// `projection`, `reaction` or `process`.
    pub kind: String,
    /// The URL of what it follows; none if that is in the service's own process.
    pub source: Option<String>,
    /// Where it begins: `beginning`, `snapshot` or `now`.
    pub from: String,
    /// Which events it wants.
    pub query: Query,
    /// How far it has come.
    pub position: Position,
    /// What it is doing.
    pub state: String,
    /// Whether events can be handed to it.
    pub can_be_seeded: bool,
}

/// What became of events that were handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandedOver {
    /// They were applied; the follower has come so far.
    Applied(Position),
    /// They were not: the follower is here, and not where they begin.
    Elsewhere(Position),
    /// They were not, and why.
    Refused(String),
}

impl SeededService {
    /// The service at a base URL. Connects when it is first used.
    ///
    /// # Errors
    /// [`OpenError::Url`] if the URL is not `http://host[:port][/prefix]`.
    pub fn new(base: &str, options: ClientOptions) -> Result<Self, OpenError> {
        Ok(Self { transport: Transport::new(base, options)? })
    }

    /// What of it follows others.
    ///
    /// # Errors
    /// [`ReadError`] if there is no answer, or none that is understood.
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>, ReadError> {
        #[derive(Deserialize)]
        struct List {
            items: Vec<SubscriptionStatus>,
        }
        let answer = get(&self.transport, "/admin/subscriptions".to_owned()).await?;
        let list: List = serde_json::from_slice(&answer.body).map_err(|error| garbled(&error))?;
        Ok(list.items)
    }

    /// Hands a page of events to a follower that is at `after`. It may be repeated when a connection breaks: what was
    /// applied is then [`HandedOver::Elsewhere`].
    ///
    /// # Errors
    /// [`ReadError`] if there is no answer, or none that is understood.
    pub async fn hand_over(
        &self,
        follower: &str,
        after: Position,
        page: Bytes,
        is_last: bool,
    ) -> Result<HandedOver, ReadError> {
        #[derive(Deserialize)]
        struct Applied {
            position: Position,
        }
        let target = format!("/admin/subscriptions/{}/seed?after={after}&last={is_last}", percent_encoded(follower));
        let answer = again(&self.transport, Call::post(&target, page)).await?;
        match answer.status {
            StatusCode::OK => {
                let applied: Applied = serde_json::from_slice(&answer.body).map_err(|error| garbled(&error))?;
                Ok(HandedOver::Applied(applied.position))
            }
            StatusCode::CONFLICT => {
                let problem = answer.problem();
                let position = problem.members.get("position").and_then(serde_json::Value::as_u64);
                Ok(position.map_or(HandedOver::Refused(problem.detail), |at| HandedOver::Elsewhere(Position(at))))
            }
            _ => Err(answer.problem().into_read_error()),
        }
    }
}
