use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::debtor::Debtor;
use crate::events::{AwaitedWithdrawn, DebtorEvent};

/// Note that an order which was called off need not wait for its customer any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithdrawAwaited {
    /// Which order.
    pub order_id: String,
}

impl Command for WithdrawAwaited {
    type Entity = Debtor;

    fn decide(&self, debtor: &Debtor, _at: Timestamp) -> Result<Vec<DebtorEvent>, Rejection> {
        if debtor.released.contains(&self.order_id) {
            return Err(Rejection::new("order-released", "the order waits no more, and its invoice is on its way"));
        }
        if debtor.waiting.contains_key(&self.order_id) {
            return Ok(vec![AwaitedWithdrawn { order_id: self.order_id.clone() }.into()]);
        }
        Ok(Vec::new())
    }
}
