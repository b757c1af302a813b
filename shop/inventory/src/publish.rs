//! What inventory tells others of what happens in it: the answers to orders. What is there of each product, and who came
//! and went, is nobody else's business.

use serde::Serialize;
use shop_contracts::inventory as told;
use tradewind_events::{Query, Recorded};
use tradewind_service::{Contract, ContractType, Entity, Publish, PublishError, decode};

use crate::events::{ReservationEvent, TooFew};
use crate::reservation::Reservation;

/// The translation of what happens to reservations into contracts.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishInventory;

impl Publish for PublishInventory {
    fn query(&self) -> Query {
        Query::category(Reservation::CATEGORY)
    }

    fn contracts(&self) -> Vec<ContractType> {
        told::TYPES.iter().map(|&(event_type, schema)| ContractType { event_type, schema }).collect()
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        let order_id = event.entity_id().to_owned();
        let Some(happened) = decode::<ReservationEvent>(event)? else { return Ok(None) };
        match happened {
            ReservationEvent::ReservationMade(_) => tell(&told::GoodsReserved { order_id }),
            ReservationEvent::ReservationRefused(refused) => {
                let short = refused.short.into_iter().map(short).collect();
                tell(&told::GoodsUnavailable { order_id, short })
            }
            ReservationEvent::ReservationReleased(_) | ReservationEvent::ReservationFulfilled(_) => Ok(None),
        }
    }
}

fn tell<C: shop_contracts::Contract + Serialize>(told: &C) -> Result<Option<Contract>, PublishError> {
    Contract::new(C::TYPE, told).map(Some)
}

fn short(TooFew { wanted, available }: TooFew) -> told::Short {
    told::Short { product_id: wanted.product_id, name: wanted.name, wanted: wanted.quantity, available }
}

#[cfg(test)]
mod tests;
