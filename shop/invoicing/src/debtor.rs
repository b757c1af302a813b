//! Whoever has ordered, as far as invoices are concerned: known or not, and which paid orders wait until they are.
//!
//! An order may be paid before its customer registers; some customers never do. Such an order must not hold up the
//! invoices of all others, so it is noted here and passed over. The note and the customer's arrival are events of one
//! stream, so that one comes first: either the note is there when the customer arrives, or the customer when the order
//! is to be noted. Neither can miss the other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tradewind_events::Position;
use tradewind_service::{Entity, tag};

use crate::events::DebtorEvent;

/// What is remembered of one customer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Debtor {
    /// Whether the customer has registered.
    pub known: bool,
    /// Which orders wait, and where each was told to be paid.
    pub waiting: BTreeMap<String, Position>,
    /// Which orders have waited, and have or get their invoices.
    pub released: BTreeSet<String>,
}

impl Debtor {
    /// How many orders of one customer can wait. A customer who has so many is some program's mistake, at which
    /// somebody should look.
    pub const WAITING_MAX: usize = 10_000;

    /// The id of a customer's debtor. Ordering takes any text as a customer; what a stream's name may not contain is
    /// written otherwise.
    #[must_use]
    pub fn id_of(customer: &str) -> String {
        let tag = tag(Self::CATEGORY, customer);
        tag.as_str().split_once(':').map_or_else(String::new, |(_, id)| id.to_owned())
    }
}

impl Entity for Debtor {
    const CATEGORY: &'static str = "debtor";
    const STATE_VERSION: u16 = 1;
    type Event = DebtorEvent;

    fn evolve(&mut self, event: &DebtorEvent) {
        match event {
            DebtorEvent::InvoiceAwaited(awaited) => {
                self.waiting.insert(awaited.order.id.clone(), awaited.order.told_at);
            }
            DebtorEvent::AwaitedWithdrawn(withdrawn) => {
                self.waiting.remove(&withdrawn.order_id);
            }
            DebtorEvent::CustomerArrived(_) => {
                self.known = true;
                self.released.extend(std::mem::take(&mut self.waiting).into_keys());
            }
        }
    }
}
