//! What the catalog tells. Its streams are `product-<id>` and `review-<id>`.

use serde::{Deserialize, Serialize};

super::contracts!(ProductListed, PriceChanged, ProductDelisted, ReviewWritten, ReviewRevised);

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

/// A customer has said what a product is like that was delivered to them. Each says it once of each product, and may
/// revise it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReviewWritten {
    /// Which review.
    pub review_id: String,
    /// Of which product.
    pub product_id: String,
    /// Who wrote it.
    pub customer_id: String,
    /// How many stars it gives, from 1 to 5.
    pub stars: u8,
    /// In a few words; may be empty.
    pub title: String,
    /// In more words; may be empty.
    pub text: String,
}

/// Its author says something else now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReviewRevised {
    /// Which review.
    pub review_id: String,
    /// Of which product.
    pub product_id: String,
    /// How many stars it gives now.
    pub stars: u8,
    /// In a few words.
    pub title: String,
    /// In more words.
    pub text: String,
}
