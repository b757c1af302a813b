//! What can happen to a customer.

use serde::{Deserialize, Serialize};
use tradewind_events::Timestamp;
use tradewind_service::events;

events! {
    /// What can happen to a customer.
    pub enum CustomerEvent {
        CustomerRegistered,
        CustomerMoved,
        CustomerRenamed,
    }
}

/// A customer is known. `since` is the event's own time, here and below: the rules need it, and see the payload only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRegistered {
    /// From when on.
    pub since: Timestamp,
    /// What the customer is called.
    pub name: String,
    /// Where the customer lives.
    pub address: Address,
}

/// A customer lives elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerMoved {
    /// From when on.
    pub since: Timestamp,
    /// Where.
    pub address: Address,
}

/// A customer is called something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRenamed {
    /// From when on.
    pub since: Timestamp,
    /// What.
    pub name: String,
}

/// Where somebody lives, as it is written on a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Street and number, and whatever else leads to the door.
    pub street: String,
    /// The city.
    pub city: String,
    /// The state or province; empty where there is none.
    #[serde(default)]
    pub region: String,
    /// The postal code; empty where there is none.
    #[serde(default)]
    pub postal_code: String,
    /// The country.
    pub country: String,
}
