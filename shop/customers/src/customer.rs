//! The customer as its own rules see it.

use serde::{Deserialize, Serialize};
use tradewind_events::Timestamp;
use tradewind_service::{Entity, Rejection};

use crate::events::{Address, CustomerEvent};
use crate::over_time::OverTime;

/// What is known of a customer when a command concerns it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Customer {
    /// Since when there is such a customer; none if there is not.
    pub registered: Option<Timestamp>,
    /// What the customer was and is called.
    pub names: OverTime<String>,
    /// Where the customer lived and lives.
    pub addresses: OverTime<Address>,
}

impl Customer {
    /// How often a customer's name or address can change: far more often than anybody moves, and few enough that a
    /// whole life is read at once.
    pub const CHANGES_MAX: usize = 1_000;

    /// The rule for every change: there is such a customer at that time, and it has not changed all too often.
    pub(crate) fn can_change_at(&self, at: Timestamp) -> Result<(), Rejection> {
        let Some(registered) = self.registered else { return Err(no_such_customer()) };
        if at < registered {
            return Err(Rejection::new(
                "before-registration",
                format!("the customer is known since {registered}; nothing changes before that"),
            ));
        }
        if self.names.len() + self.addresses.len() >= Self::CHANGES_MAX {
            let most = Self::CHANGES_MAX;
            return Err(Rejection::new("too-many-changes", format!("a customer changes at most {most} times")));
        }
        Ok(())
    }
}

/// The reason why nothing can be done with a customer that does not exist.
pub(crate) const NO_SUCH_CUSTOMER: &str = "no-such-customer";

fn no_such_customer() -> Rejection {
    Rejection::new(NO_SUCH_CUSTOMER, "there is no such customer")
}

impl Entity for Customer {
    const CATEGORY: &'static str = "customer";
    const STATE_VERSION: u16 = 1;
    type Event = CustomerEvent;

    fn evolve(&mut self, event: &CustomerEvent) {
        match event {
            CustomerEvent::CustomerRegistered(known) => {
                self.registered = Some(known.since);
                self.names.set(known.since, known.name.clone());
                self.addresses.set(known.since, known.address.clone());
            }
            CustomerEvent::CustomerMoved(moved) => self.addresses.set(moved.since, moved.address.clone()),
            CustomerEvent::CustomerRenamed(renamed) => self.names.set(renamed.since, renamed.name.clone()),
        }
    }
}
