//! What ordering tells others of what happens in it. Approving and packing are nobody else's business.

use serde::Serialize;
use shop_contracts::Contract as _;
use shop_contracts::ordering::{self as told, CalledOffBecause};
use tradewind_events::{EventType, Query, QueryItem, Recorded};
use tradewind_service::{Contract, ContractType, Entity, Publish, PublishError, decode, tag};

use crate::events::{OrderCreated, OrderEvent};
use crate::order::Order;

/// The translation of ordering's events into its contracts.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishOrdering;

impl Publish for PublishOrdering {
    fn query(&self) -> Query {
        Query::category(Order::CATEGORY)
    }

    fn contracts(&self) -> Vec<ContractType> {
        told::TYPES.iter().map(|&(event_type, schema)| ContractType { event_type, schema }).collect()
    }

    fn query_for(&self, wanted: &Query) -> Query {
        if wanted.is_all() {
            return self.query();
        }
        // The only tag that is told is one that the order's first event has, too.
        let item = |item: &QueryItem| QueryItem {
            categories: vec![Order::CATEGORY.to_owned()],
            types: item.types.iter().flat_map(|told| recorded_as(told.as_str())).filter_map(event_type).collect(),
            tags: item.tags.clone(),
        };
        Query { items: wanted.items.iter().map(item).collect() }
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        let order_id = event.entity_id().to_owned();
        let called_off = |because, note| told::OrderCalledOff { order_id: order_id.clone(), because, note };
        let Some(happened) = decode::<OrderEvent>(event)? else { return Ok(None) };
        match happened {
            OrderEvent::OrderCreated(created) => {
                let customer = tag("customer", &created.customer_id);
                tell(&placed(order_id, created)).map(|told| told.map(|contract| contract.tagged([customer])))
            }
            OrderEvent::OrderPaid(_) => tell(&told::OrderPaid { order_id }),
            OrderEvent::OrderShipped(_) => tell(&told::OrderShipped { order_id }),
            OrderEvent::OrderDelivered(_) => tell(&told::OrderDelivered { order_id }),
            OrderEvent::OrderRejected(rejected) => tell(&called_off(CalledOffBecause::Rejected, rejected.reason)),
            OrderEvent::OrderPaymentFailed(failed) => tell(&called_off(CalledOffBecause::PaymentFailed, failed.reason)),
            OrderEvent::OrderCancelled(cancelled) => tell(&called_off(CalledOffBecause::Cancelled, cancelled.reason)),
            OrderEvent::OrderApproved(_) | OrderEvent::OrderPrepared(_) => Ok(None),
        }
    }
}

/// What has happened when something is told.
fn recorded_as(told: &str) -> &'static [&'static str] {
    match told {
        told::OrderPlaced::TYPE => &["OrderCreated"],
        told::OrderCalledOff::TYPE => &["OrderRejected", "OrderPaymentFailed", "OrderCancelled"],
        told::OrderPaid::TYPE => &["OrderPaid"],
        told::OrderShipped::TYPE => &["OrderShipped"],
        told::OrderDelivered::TYPE => &["OrderDelivered"],
        // Whoever asks for what is never told may look at everything in vain.
        _ => OrderEvent::TYPES,
    }
}

fn event_type(name: &&str) -> Option<EventType> {
    EventType::new(*name).ok()
}

fn tell<C: shop_contracts::Contract + Serialize>(told: &C) -> Result<Option<Contract>, PublishError> {
    Contract::new(C::TYPE, told).map(Some)
}

fn placed(order_id: String, created: OrderCreated) -> told::OrderPlaced {
    let OrderCreated { customer_id, lines, total_cents } = created;
    let line = |line: crate::events::OrderLine| told::Line {
        product_id: line.product_id,
        name: line.name,
        quantity: line.quantity,
        unit_price_cents: line.unit_price_cents,
    };
    told::OrderPlaced { order_id, customer_id, lines: lines.into_iter().map(line).collect(), total_cents }
}

#[cfg(test)]
mod tests;
