use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use super::check_address;
use crate::customer::Customer;
use crate::events::{Address, CustomerEvent, CustomerMoved};

/// Say that a customer lives elsewhere from the command's time on, which may be one of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeAddress {
    /// Where.
    pub address: Address,
}

impl Command for ChangeAddress {
    type Entity = Customer;

    fn decide(&self, customer: &Customer, at: Timestamp) -> Result<Vec<CustomerEvent>, Rejection> {
        check_address(&self.address)?;
        customer.can_change_at(at)?;
        if customer.addresses.at(at) == Some(&self.address) {
            return Ok(Vec::new());
        }
        Ok(vec![CustomerMoved { since: at, address: self.address.clone() }.into()])
    }
}
