//! What is done with requests and answers on their way.

use std::time::Duration;

/// What a route asks of the gateway besides the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// How long a request may take until the head of its answer is there, whatever is tried in between.
    pub deadline: Option<Duration>,
}

impl Policies {
    /// What they are, a line each, for people.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        self.deadline.iter().map(|deadline| format!("deadline {deadline:?}")).collect()
    }
}
