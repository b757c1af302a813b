use std::sync::Arc;

use futures_core::future::BoxFuture;
use shop_contracts::Contract;
use shop_contracts::ordering::{OrderCalledOff, OrderPaid};
use tradewind_events::{Query, Recorded};
use tradewind_service::{Issued, Issuer, Reaction, ReactionError};

use super::told;
use crate::billing::{Billed, Billing};
use crate::commands::{AwaitCustomer, CUSTOMER_KNOWN, WithdrawAwaited};
use crate::debtor::Debtor;
use crate::events::AwaitedOrder;

/// Writes an invoice for each order that is paid, and a credit note if it is called off afterwards. Both in one reaction,
/// since it meets the events of one order in their order.
pub struct BillOrders {
    billing: Arc<Billing>,
}

impl BillOrders {
    /// One that bills so.
    #[must_use]
    pub fn new(billing: Arc<Billing>) -> Self {
        Self { billing }
    }

    async fn paid(&self, order: &str, event: &Recorded, issuer: &Issuer) -> Result<(), ReactionError> {
        let told_at = event.position();
        let Billed::CustomerUnknown { customer_id } = self.billing.bill(order, told_at, event).await? else {
            return Ok(());
        };
        let debtor = Debtor::id_of(&customer_id);
        let command = AwaitCustomer { customer_id, order: AwaitedOrder { id: order.to_owned(), told_at } };
        match issuer.issue(&debtor, &command).await? {
            Issued::Done(_) => Ok(()),
            // The customer came in this very moment: then the copy has it, or soon will.
            Issued::Rejected(no) if no.reason == CUSTOMER_KNOWN => Err(ReactionError::Transient(no.message)),
            Issued::Rejected(no) => Err(ReactionError::Poison(no.message)),
        }
    }

    async fn called_off(&self, told: OrderCalledOff, event: &Recorded, issuer: &Issuer) -> Result<(), ReactionError> {
        let order = self.billing.order(&told.order_id, event.position()).await?;
        if order.paid_at.is_none() {
            return Ok(());
        }
        // Its payment was met before: the invoice is written, or waits.
        if let Some(invoice) = self.billing.invoice_of(&order.id).await? {
            return self.billing.credit(invoice, told.note, event).await;
        }
        let debtor = Debtor::id_of(&order.customer_id);
        match issuer.issue(&debtor, &WithdrawAwaited { order_id: order.id }).await? {
            Issued::Done(_) => Ok(()),
            // It waits no more, and is not written yet.
            Issued::Rejected(no) => Err(ReactionError::Transient(no.message)),
        }
    }
}

impl Reaction for BillOrders {
    fn name(&self) -> &'static str {
        "bill-orders"
    }

    fn query(&self) -> Query {
        told("order", &[OrderPaid::TYPE, OrderCalledOff::TYPE])
    }

    fn react<'a>(&'a self, event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            match event.event_type() {
                OrderPaid::TYPE => self.paid(&event.parse::<OrderPaid>()?.order_id, event, issuer).await,
                OrderCalledOff::TYPE => self.called_off(event.parse()?, event, issuer).await,
                _ => Ok(()),
            }
        })
    }
}
