use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use super::not_listed;
use crate::events::{ProductDelisted, ProductEvent};
use crate::product::{Listing, Product};

/// Take a product off sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DelistProduct;

impl Command for DelistProduct {
    type Entity = Product;

    fn decide(&self, product: &Product, _at: Timestamp) -> Result<Vec<ProductEvent>, Rejection> {
        match product.listing {
            Listing::Unknown => Err(not_listed()),
            Listing::Listed => Ok(vec![ProductDelisted {}.into()]),
            Listing::Delisted => Ok(Vec::new()),
        }
    }
}
