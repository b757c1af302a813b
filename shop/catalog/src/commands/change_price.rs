use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use super::{check_price, not_listed};
use crate::events::{ProductEvent, ProductPriceChanged};
use crate::product::{Listing, Product};

/// Sell a product at another price from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePrice {
    /// What one unit is to cost, in US cents.
    pub price_cents: u64,
}

impl Command for ChangePrice {
    type Entity = Product;

    fn decide(&self, product: &Product, _at: Timestamp) -> Result<Vec<ProductEvent>, Rejection> {
        check_price(self.price_cents)?;
        match product.listing {
            Listing::Unknown | Listing::Delisted => Err(not_listed()),
            Listing::Listed if product.price_cents == self.price_cents => Ok(Vec::new()),
            Listing::Listed => Ok(vec![ProductPriceChanged { price_cents: self.price_cents }.into()]),
        }
    }
}
