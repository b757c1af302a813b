use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::debtor::Debtor;
use crate::events::{AwaitedOrder, CustomerArrived, DebtorEvent};

/// Note that a customer has registered, and release the orders that have waited for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteArrival {
    /// Who.
    pub customer_id: String,
}

impl Command for NoteArrival {
    type Entity = Debtor;

    fn decide(&self, debtor: &Debtor, _at: Timestamp) -> Result<Vec<DebtorEvent>, Rejection> {
        if debtor.known {
            return Ok(Vec::new());
        }
        let waiting = debtor.waiting.iter();
        let orders = waiting.map(|(id, told_at)| AwaitedOrder { id: id.clone(), told_at: *told_at }).collect();
        Ok(vec![CustomerArrived { customer_id: self.customer_id.clone(), orders }.into()])
    }
}
