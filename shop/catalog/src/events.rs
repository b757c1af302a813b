//! What can happen to a product, and to a review of one.

use serde::{Deserialize, Serialize};
use tradewind_service::{events, tag};

events! {
    /// What can happen to a product.
    pub enum ProductEvent {
        ProductListed,
        ProductPriceChanged,
        ProductDelisted,
    }
}

events! {
    /// What can happen to a review.
    pub enum ReviewEvent {
        ReviewWritten { tags: |review| vec![tag("product", &review.product_id), tag("customer", &review.customer_id)] },
        ReviewRevised { tags: |review| vec![tag("product", &review.product_id)] },
        ReviewFoundHelpful {
            tags: |vote| vec![
                tag("product", &vote.product_id), tag("review", &vote.review_id), tag("voter", &vote.customer_id)
            ],
        },
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

/// A customer says what a product is like that was delivered to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewWritten {
    /// Which product.
    pub product_id: String,
    /// Who says it.
    pub customer_id: String,
    /// What it says.
    #[serde(flatten)]
    pub opinion: Opinion,
}

/// Its author says something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewRevised {
    /// Of which product.
    pub product_id: String,
    /// What it says now.
    #[serde(flatten)]
    pub opinion: Opinion,
    /// How many stars it gave before: who counts stars need not remember those of every review.
    pub stars_before: u8,
}

/// It has helped another customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewFoundHelpful {
    /// Which review.
    pub review_id: String,
    /// Of which product.
    pub product_id: String,
    /// Whom it has helped.
    pub customer_id: String,
}

/// What a review says. Stars alone are an opinion, too.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Opinion {
    /// From 1 to 5, the more the better.
    pub stars: u8,
    /// In a few words.
    #[serde(default)]
    pub title: String,
    /// In more words.
    #[serde(default)]
    pub text: String,
}
