//! What one call may cost.

use std::time::Duration;

use http::StatusCode;

use super::Uploads;
use crate::Timeouts;

/// How patient one call is, and how often it may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPolicy {
    /// For an instance to accept a connection.
    pub connect: Duration,
    /// For a service of which no instance can be reached to come back.
    pub unreachable: Duration,
    /// For one try to bring the head of the answer, counted from the last piece of the request's body.
    pub try_timeout: Duration,
    /// How slowly a client may send the request's body. Until it has, a try takes as long as that.
    pub uploads: Uploads,
    /// When and how it is tried once more.
    pub retry: RetryPolicy,
    /// When a second instance is asked while the first has not answered.
    pub hedge: Option<Hedge>,
}

impl CallPolicy {
    /// As patient as this, and otherwise as most are.
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            connect: timeouts.connect,
            unreachable: timeouts.unreachable,
            try_timeout: timeouts.response_head,
            uploads: Uploads::default(),
            retry: RetryPolicy::default(),
            hedge: None,
        }
    }
}

impl CallPolicy {
    /// What it is, a line each, for people.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let RetryPolicy { tries, statuses, .. } = &self.retry;
        let retries = match *tries {
            0 | 1 => "never sent again once it was sent".to_owned(),
            tries => {
                let after: Vec<&str> = statuses.iter().map(StatusCode::as_str).collect();
                let after =
                    if after.is_empty() { String::new() } else { format!(", also after {}", after.join(" or ")) };
                format!("up to {tries} tries, if it may be repeated{after}")
            }
        };
        let Uploads { silence, bytes_per_second } = self.uploads;
        let uploads = match bytes_per_second {
            0 => format!("up to {silence:?} of silence in a request's body"),
            bytes => format!("up to {silence:?} of silence in a request's body, a second made good by {bytes} bytes"),
        };
        let times = format!("a try within {:?}, a connection within {:?}", self.try_timeout, self.connect);
        let mut lines = vec![times, uploads, retries];
        lines.extend(self.hedge.map(|hedge| match hedge {
            Hedge::After(time) => format!("a second instance is asked after {time:?}"),
            Hedge::P95 { at_least } => {
                format!("a second instance is asked when 95 % are faster, but after {at_least:?} at least")
            }
        }));
        lines
    }
}

impl Default for CallPolicy {
    fn default() -> Self {
        Self::new(Timeouts::default())
    }
}

/// When and how a request that is safe to repeat is tried once more. What was never sent is tried again in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, the first included.
    pub tries: u32,
    /// Answers after which another try may help.
    pub statuses: Vec<StatusCode>,
    /// The pause before the same instance is asked again, at most: the real one is any up to that. Doubled each time.
    pub backoff: Duration,
    /// What the pause grows to.
    pub backoff_at_most: Duration,
    /// A `Retry-After` up to this is waited for; a longer one is the client's to wait for.
    pub retry_after_at_most: Duration,
}

impl RetryPolicy {
    /// One try and no more.
    #[must_use]
    pub fn never() -> Self {
        Self { tries: 1, ..Self::default() }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 2,
            statuses: vec![StatusCode::SERVICE_UNAVAILABLE],
            backoff: Duration::from_millis(25),
            backoff_at_most: Duration::from_millis(250),
            retry_after_at_most: Duration::from_millis(500),
        }
    }
}

/// When a second instance is asked too. Only requests without a body that are safe to repeat, within the retry budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hedge {
    /// After this time.
    After(Duration),
    /// When it takes longer than 95 % of the requests of the last seconds did, but not before this time.
    P95 {
        /// The shortest wait.
        at_least: Duration,
    },
}
