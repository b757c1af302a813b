//! What customers tells others of what happens in it: all of it. The time at which a change takes effect is the event's
//! own, which travels with it.

use serde::Serialize;
use shop_contracts::customers as told;
use tradewind_events::{Query, Recorded};
use tradewind_service::{Contract, ContractType, Entity, Publish, PublishError, decode};

use crate::customer::Customer;
use crate::events::{Address, CustomerEvent};

/// The translation of what happens to customers into contracts.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishCustomers;

impl Publish for PublishCustomers {
    fn query(&self) -> Query {
        Query::category(Customer::CATEGORY)
    }

    fn contracts(&self) -> Vec<ContractType> {
        told::TYPES.iter().map(|&(event_type, schema)| ContractType { event_type, schema }).collect()
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        let customer_id = event.entity_id().to_owned();
        let Some(happened) = decode::<CustomerEvent>(event)? else { return Ok(None) };
        match happened {
            CustomerEvent::CustomerRegistered(known) => {
                let address = address(known.address);
                tell(&told::CustomerRegistered { customer_id, name: known.name, address })
            }
            CustomerEvent::CustomerMoved(moved) => {
                tell(&told::CustomerMoved { customer_id, address: address(moved.address) })
            }
            CustomerEvent::CustomerRenamed(renamed) => tell(&told::CustomerRenamed { customer_id, name: renamed.name }),
        }
    }
}

fn tell<C: shop_contracts::Contract + Serialize>(told: &C) -> Result<Option<Contract>, PublishError> {
    Contract::new(C::TYPE, told).map(Some)
}

fn address(address: Address) -> told::Address {
    let Address { street, city, region, postal_code, country } = address;
    told::Address { street, city, region, postal_code, country }
}

#[cfg(test)]
mod tests;
