use std::sync::Arc;

use futures_core::future::BoxFuture;
use tradewind_events::{Query, Recorded};
use tradewind_service::{Entity, Issuer, Reaction, ReactionError};

use super::told;
use crate::billing::{Billed, Billing};
use crate::debtor::Debtor;
use crate::events::CustomerArrived;

/// Writes the invoices of the orders that have waited for their customer, when the customer has come.
pub struct BillAwaitedOrders {
    billing: Arc<Billing>,
}

impl BillAwaitedOrders {
    /// One that bills so.
    #[must_use]
    pub fn new(billing: Arc<Billing>) -> Self {
        Self { billing }
    }
}

impl Reaction for BillAwaitedOrders {
    fn name(&self) -> &'static str {
        "bill-awaited-orders"
    }

    fn query(&self) -> Query {
        told(Debtor::CATEGORY, &["CustomerArrived"])
    }

    fn react<'a>(&'a self, event: &'a Recorded, _issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            let CustomerArrived { customer_id, orders } = event.parse()?;
            for order in orders {
                if let Billed::CustomerUnknown { .. } = self.billing.bill(&order.id, order.told_at, event).await? {
                    // Who has arrived is in the feed, and so in the copy, or soon will be.
                    return Err(ReactionError::Transient(format!("the copy of customers has no {customer_id} yet")));
                }
            }
            Ok(())
        })
    }
}
