//! What the catalog tells. Its streams are `product-<id>`.

use serde::{Deserialize, Serialize};

super::contracts!(ProductListed, PriceChanged, ProductDelisted);

/// A product can be bought from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProductListed {
    /// Which product.
    pub product_id: String,
    /// What people call it.
    pub name: String,
    /// The department of the shop that sells it.
    pub department: String,
    /// What one unit costs, in US cents.
    pub price_cents: u64,
}

/// A product costs something else from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceChanged {
    /// Which product.
    pub product_id: String,
    /// What one unit costs now, in US cents.
    pub price_cents: u64,
}

/// A product can no longer be bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProductDelisted {
    /// Which product.
    pub product_id: String,
}
