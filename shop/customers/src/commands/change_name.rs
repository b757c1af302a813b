use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use super::check_name;
use crate::customer::Customer;
use crate::events::{CustomerEvent, CustomerRenamed};

/// Say that a customer is called something else from the command's time on, which may be one of the past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeName {
    /// What.
    pub name: String,
}

impl Command for ChangeName {
    type Entity = Customer;

    fn decide(&self, customer: &Customer, at: Timestamp) -> Result<Vec<CustomerEvent>, Rejection> {
        check_name(&self.name)?;
        customer.can_change_at(at)?;
        if customer.names.at(at) == Some(&self.name) {
            return Ok(Vec::new());
        }
        Ok(vec![CustomerRenamed { since: at, name: self.name.clone() }.into()])
    }
}
