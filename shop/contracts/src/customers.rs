//! What customers tells. Its streams are `customer-<id>`; each begins with [`CustomerRegistered`]. **An event's own time
//! is when it takes effect**: it may tell of a move of last month, and come after a later one. Who keeps addresses over
//! time puts them in the order of those times, and of two with the same time the one that came later counts.

use serde::{Deserialize, Serialize};

super::contracts!(CustomerRegistered, CustomerMoved, CustomerRenamed);

/// A customer is known from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomerRegistered {
    /// Which customer.
    pub customer_id: String,
    /// What the customer is called.
    pub name: String,
    /// Where the customer lives.
    pub address: Address,
}

/// A customer lives elsewhere from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomerMoved {
    /// Which customer.
    pub customer_id: String,
    /// Where the customer lives from then on.
    pub address: Address,
}

/// A customer is called something else from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CustomerRenamed {
    /// Which customer.
    pub customer_id: String,
    /// What the customer is called from then on.
    pub name: String,
}

/// Where somebody lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Address {
    /// Street and number, and whatever else leads to the door.
    pub street: String,
    /// The city.
    pub city: String,
    /// The state or province; empty where there is none.
    pub region: String,
    /// The postal code; empty where there is none.
    pub postal_code: String,
    /// The country.
    pub country: String,
}
