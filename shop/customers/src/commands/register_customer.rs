use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use super::{check_address, check_name};
use crate::customer::Customer;
use crate::events::{Address, CustomerEvent, CustomerRegistered};

/// Make a customer known, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterCustomer {
    /// What the customer is called.
    pub name: String,
    /// Where the customer lives.
    pub address: Address,
}

impl Command for RegisterCustomer {
    type Entity = Customer;

    fn decide(&self, customer: &Customer, at: Timestamp) -> Result<Vec<CustomerEvent>, Rejection> {
        check_name(&self.name)?;
        check_address(&self.address)?;
        let Some(registered) = customer.registered else {
            let (name, address) = (self.name.clone(), self.address.clone());
            return Ok(vec![CustomerRegistered { since: at, name, address }.into()]);
        };
        // Saying the same again changes nothing; saying something else is no way to rename or move somebody.
        let same = customer.names.at(registered) == Some(&self.name)
            && customer.addresses.at(registered) == Some(&self.address);
        if same { Ok(Vec::new()) } else { Err(Rejection::new("customer-exists", "there is a customer with this id")) }
    }
}
