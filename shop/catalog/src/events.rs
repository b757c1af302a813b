//! What can happen to a product.

use serde::{Deserialize, Serialize};
use tradewind_service::events;

events! {
    /// What can happen to a product.
    pub enum ProductEvent {
        ProductListed,
        ProductPriceChanged,
        ProductDelisted,
    }
}

/// It can be bought from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductListed {
    /// What it is.
    #[serde(flatten)]
    pub description: Description,
    /// What one unit costs, in US cents.
    pub price_cents: u64,
}

/// It costs something else from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductPriceChanged {
    /// What one unit costs now, in US cents.
    pub price_cents: u64,
}

/// It can no longer be bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductDelisted {}

/// What a product is. All but the name and the department may be unknown, and is then empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Description {
    /// What people call it. Not unique.
    pub name: String,
    /// The department of the shop that sells it.
    pub department: String,
    /// `National` or `Private`.
    #[serde(default)]
    pub brand: String,
    /// The wider kind of product.
    #[serde(default)]
    pub category: String,
    /// The narrower kind of product.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// The size of its package, as printed.
    #[serde(default)]
    pub size: String,
}
