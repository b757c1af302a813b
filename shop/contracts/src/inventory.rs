//! What inventory tells. Its streams are `reservation-<order id>`, each with one answer: the goods of the order are set
//! aside, all of them, or none is.

use serde::{Deserialize, Serialize};

super::contracts!(GoodsReserved, GoodsUnavailable);

/// All goods of an order are set aside for it, until they leave or the order is called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoodsReserved {
    /// Which order.
    pub order_id: String,
}

/// Not all goods of an order are there, and none is set aside for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GoodsUnavailable {
    /// Which order.
    pub order_id: String,
    /// Of which products there are too few.
    pub short: Vec<Short>,
}

/// A product of which there is less than was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Short {
    /// Which product.
    pub product_id: String,
    /// What it was called in the order.
    pub name: String,
    /// How many units were ordered.
    pub wanted: u32,
    /// How many were there to be had.
    pub available: u64,
}
