//! What ordering tells. Its streams are `order-<id>`; each begins with [`OrderPlaced`], which says all that there is to
//! say of the order, and goes on with what has become of it.

use serde::{Deserialize, Serialize};

super::contracts!(OrderPlaced, OrderPaid, OrderShipped, OrderDelivered, OrderCalledOff);

/// A customer has ordered; nothing is paid or checked yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderPlaced {
    /// Which order.
    pub order_id: String,
    /// Whose.
    pub customer_id: String,
    /// What was ordered, at the prices that hold for this order.
    pub lines: Vec<Line>,
    /// What all lines cost together, in US cents.
    pub total_cents: u64,
}

/// One product in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Line {
    /// Which product.
    pub product_id: String,
    /// What it was called when it was ordered.
    pub name: String,
    /// How many units.
    pub quantity: u32,
    /// What one unit costs in this order, in US cents.
    pub unit_price_cents: u64,
}

/// The payment for an order has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderPaid {
    /// Which order.
    pub order_id: String,
}

/// The goods have left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderShipped {
    /// Which order.
    pub order_id: String,
}

/// The goods have arrived, and the order is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderDelivered {
    /// Which order.
    pub order_id: String,
}

/// Nothing more will come of an order. Whoever has set something aside for it can let it go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OrderCalledOff {
    /// Which order.
    pub order_id: String,
    /// By whom.
    pub because: CalledOffBecause,
    /// Why, for people.
    pub note: String,
}

/// Who called an order off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CalledOffBecause {
    /// The shop did not accept it.
    Rejected,
    /// It was not paid.
    PaymentFailed,
    /// The customer no longer wants it.
    Cancelled,
}
