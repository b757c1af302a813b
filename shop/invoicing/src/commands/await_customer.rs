use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::debtor::Debtor;
use crate::events::{AwaitedOrder, DebtorEvent, InvoiceAwaited};

/// Note that a paid order waits for its customer to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwaitCustomer {
    /// Who is not known.
    pub customer_id: String,
    /// Which order waits.
    pub order: AwaitedOrder,
}

/// The reason why nobody needs to wait for a customer who is known.
pub(crate) const CUSTOMER_KNOWN: &str = "customer-known";

impl Command for AwaitCustomer {
    type Entity = Debtor;

    fn decide(&self, debtor: &Debtor, _at: Timestamp) -> Result<Vec<DebtorEvent>, Rejection> {
        if debtor.known {
            return Err(Rejection::new(CUSTOMER_KNOWN, "the customer has registered meanwhile"));
        }
        if debtor.waiting.contains_key(&self.order.id) {
            return Ok(Vec::new());
        }
        if debtor.waiting.len() >= Debtor::WAITING_MAX {
            let (most, who) = (Debtor::WAITING_MAX, &self.customer_id);
            return Err(Rejection::new("too-many-awaited", format!("{most} orders wait for customer {who} already")));
        }
        Ok(vec![InvoiceAwaited { customer_id: self.customer_id.clone(), order: self.order.clone() }.into()])
    }
}
