//! What the catalog tells others of what happens in it.

use shop_contracts::{Contract as _, catalog as told};
use tradewind_events::{Query, Recorded};
use tradewind_service::{Contract, ContractType, Entity, Publish, PublishError, decode, tag};

use crate::events::{ProductEvent, ReviewEvent};
use crate::product::Product;
use crate::review::Review;

/// The translation of the catalog's events into its contracts.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishCatalog;

impl Publish for PublishCatalog {
    fn query(&self) -> Query {
        Query::category(Product::CATEGORY).or(Query::category(Review::CATEGORY))
    }

    fn contracts(&self) -> Vec<ContractType> {
        told::TYPES.iter().map(|&(event_type, schema)| ContractType { event_type, schema }).collect()
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        if event.category() == Review::CATEGORY {
            return review(event);
        }
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

/// Whom a review has helped is nobody else's business.
fn review(event: &Recorded) -> Result<Option<Contract>, PublishError> {
    let review_id = event.entity_id().to_owned();
    let (product, contract) = match decode::<ReviewEvent>(event)? {
        Some(ReviewEvent::ReviewWritten(written)) => {
            let (product, opinion) = (tag("product", &written.product_id), written.opinion);
            let contract = told::ReviewWritten {
                review_id,
                product_id: written.product_id,
                customer_id: written.customer_id,
                stars: opinion.stars,
                title: opinion.title,
                text: opinion.text,
            };
            (product, Contract::new(told::ReviewWritten::TYPE, &contract)?)
        }
        Some(ReviewEvent::ReviewRevised(revised)) => {
            let (product, opinion) = (tag("product", &revised.product_id), revised.opinion);
            let contract = told::ReviewRevised {
                review_id,
                product_id: revised.product_id,
                stars: opinion.stars,
                title: opinion.title,
                text: opinion.text,
            };
            (product, Contract::new(told::ReviewRevised::TYPE, &contract)?)
        }
        Some(ReviewEvent::ReviewFoundHelpful(_)) | None => return Ok(None),
    };
    Ok(Some(contract.tagged([product])))
}

#[cfg(test)]
mod tests;
