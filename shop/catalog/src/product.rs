//! The product as its own rules see it.

use serde::{Deserialize, Serialize};
use tradewind_service::Entity;

use crate::events::{Description, ProductEvent};

/// What is known of a product when a command concerns it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Product {
    /// Where it stands.
    pub listing: Listing,
    /// What it is.
    pub description: Description,
    /// What one unit costs, in US cents.
    pub price_cents: u64,
}

/// Whether a product can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Listing {
    /// There is no such product.
    #[default]
    Unknown,
    /// It can be bought.
    Listed,
    /// It could be bought once.
    Delisted,
}

impl Product {
    /// The most that a unit may cost, in US cents: a million dollars. More is a mistake in typing.
    pub const PRICE_CENTS_MAX: u64 = 100_000_000;
}

impl Entity for Product {
    const CATEGORY: &'static str = "product";
    const STATE_VERSION: u16 = 1;
    type Event = ProductEvent;

    fn evolve(&mut self, event: &ProductEvent) {
        match event {
            ProductEvent::ProductListed(listed) => {
                self.listing = Listing::Listed;
                self.description = listed.description.clone();
                self.price_cents = listed.price_cents;
            }
            ProductEvent::ProductPriceChanged(changed) => self.price_cents = changed.price_cents,
            ProductEvent::ProductDelisted(_) => self.listing = Listing::Delisted,
        }
    }
}
