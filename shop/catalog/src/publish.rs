//! What the catalog tells others of what happens in it.

use shop_contracts::{Contract as _, catalog as told};
use tradewind_events::{Query, Recorded};
use tradewind_service::{Contract, Entity, Publish, PublishError, decode};

use crate::events::ProductEvent;
use crate::product::Product;

/// The translation of the catalog's events into its contracts.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishCatalog;

impl Publish for PublishCatalog {
    fn query(&self) -> Query {
        Query::category(Product::CATEGORY)
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        let product_id = event.entity_id().to_owned();
        let Some(happened) = decode::<ProductEvent>(event)? else { return Ok(None) };
        let contract = match happened {
            ProductEvent::ProductListed(listed) => Contract::new(
                told::ProductListed::TYPE,
                &told::ProductListed {
                    product_id,
                    name: listed.description.name,
                    department: listed.description.department,
                    price_cents: listed.price_cents,
                },
            ),
            ProductEvent::ProductPriceChanged(changed) => Contract::new(
                told::PriceChanged::TYPE,
                &told::PriceChanged { product_id, price_cents: changed.price_cents },
            ),
            ProductEvent::ProductDelisted(_) => {
                Contract::new(told::ProductDelisted::TYPE, &told::ProductDelisted { product_id })
            }
        };
        contract.map(Some)
    }
}

#[cfg(test)]
mod tests;
