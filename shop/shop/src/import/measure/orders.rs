//! Orders as they were at moments of their lives.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use shop_ordering::order::Order;
use tradewind_events::{EventId, Position, Query, SystemClock, Timestamp};
use tradewind_service::{AsOf, Entities, Entity, Upcasters};

use super::asking::percentiles;
use crate::import::InProcess;

/// Orders that were loaded as of some moment, one after the other, in microseconds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Loads {
    loads: u64,
    mean_us: f64,
    p50_us: f64,
    p99_us: f64,
}

/// Orders from all over the log, each with a moment of its life. They follow from their number, so that each run takes
/// the same ones.
pub(super) async fn some(shop: &InProcess, count: u64) -> anyhow::Result<Vec<(String, Timestamp)>> {
    let (store, query) = (shop.store("ordering")?, Query::category(Order::CATEGORY));
    let head = store.head().await?.0.max(1);
    let mut orders = Vec::new();
    for number in 0..count {
        let chance = EventId::derived("measured order", usize::try_from(number)?).0.as_u128();
        let page = store.read(Position(u64::try_from(chance % u128::from(head))?), &query, 1).await?;
        if let Some(event) = page.events.first() {
            let later = Duration::from_secs(u64::try_from((chance >> 64) % (2 * 24 * 3_600))?);
            orders.push((event.entity_id().to_owned(), event.time().plus(later)));
        }
    }
    Ok(orders)
}

pub(super) async fn load(shop: &InProcess, orders: &[(String, Timestamp)]) -> anyhow::Result<Loads> {
    let entities = Entities::new(shop.store("ordering")?, Arc::new(SystemClock), Upcasters::default());
    let mut took = Vec::with_capacity(orders.len());
    for (order, moment) in orders {
        let started = Instant::now();
        let loaded = entities.load_as_of::<Order>(order, AsOf::Time(*moment)).await?;
        took.push(started.elapsed());
        anyhow::ensure!(loaded.state.status.is_some(), "order {order} was not there at {moment}");
    }
    let us = |took: Duration| took.as_secs_f64() * 1e6;
    let [p50, p99] = percentiles(&mut took, [50, 99]);
    let mean_us = us(took.iter().sum()) / took.len().max(1) as f64;
    Ok(Loads { loads: took.len() as u64, mean_us, p50_us: us(p50), p99_us: us(p99) })
}

impl fmt::Display for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { loads, mean_us, p50_us, p99_us } = self;
        write!(
            f,
            "{loads} orders as of some moment: {mean_us:.0} µs each, half in {p50_us:.0}, 99 of 100 in {p99_us:.0}"
        )
    }
}
