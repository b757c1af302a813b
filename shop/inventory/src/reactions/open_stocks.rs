use futures_core::future::BoxFuture;
use shop_contracts::Contract;
use shop_contracts::catalog::ProductListed;
use tradewind_events::{Query, Recorded};
use tradewind_service::{Issued, Issuer, Reaction, ReactionError};

use super::told;
use crate::commands::OpenStock;

/// Keeps each product that comes on sale.
#[derive(Debug, Clone, Copy)]
pub struct OpenStocks {
    /// How many units of it are there from the beginning.
    pub opening_stock: u32,
}

impl Reaction for OpenStocks {
    fn name(&self) -> &'static str {
        "open-stocks"
    }

    fn query(&self) -> Query {
        told("product", &[ProductListed::TYPE])
    }

    fn react<'a>(&'a self, event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            let ProductListed { product_id, .. } = event.parse()?;
            match issuer.issue(&product_id, &OpenStock { quantity: self.opening_stock }).await? {
                Issued::Done(_) => Ok(()),
                Issued::Rejected(no) => Err(ReactionError::Poison(no.message)),
            }
        })
    }
}
