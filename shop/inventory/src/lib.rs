//! The context that knows what is there. **It never promises what is not there**: the goods of an order are set aside
//! together, in one append over the stock of each product, or none is; of two orders that want the last unit one is told
//! that there is none. That is the choice of a consistent answer or none: while this context is away, orders wait.
//!
//! It hears of orders and answers each with one of two contracts; ordering goes on from there. Orders that are brought in
//! from the past had their goods in the past, and are none of its business.

// What a stock is, and what is set aside for an order.
pub mod events;
pub mod stock;
pub mod reservation;

// What can be asked of it.
pub mod commands;

// What follows by itself.
pub mod reactions;

// What is told of it.
pub mod projections;
pub mod publish;

pub mod http;

use std::sync::Arc;

use axum::Router;
use tradewind_events::EventSource;
use tradewind_service::{Host, HostError, StartFrom};

use http::InventoryApi;
use projections::StockLevels;
use publish::PublishInventory;
use reactions::{OpenStocks, ReserveForOrders};

/// Whom inventory listens to.
pub struct Upstreams {
    /// The catalog's feed: for which products there is a stock.
    pub catalog: Arc<dyn EventSource>,
    /// Ordering's feed.
    pub ordering: Arc<dyn EventSource>,
}

/// All that inventory has, put into a host. The routes are the host's to serve. With `opening_stock` units begins the
/// stock of each product that comes on sale: nobody delivers to this shop, so what is there must have come from somewhere.
///
/// # Errors
/// [`HostError`] if a read model or a checkpoint cannot be opened.
pub fn assemble(host: &mut Host, upstreams: Upstreams, opening_stock: u32) -> Result<Router, HostError> {
    let Upstreams { catalog, ordering } = upstreams;
    let api =
        InventoryApi { commands: host.commands(), entities: host.entities(), levels: host.projection(StockLevels)? };
    host.reaction_over(catalog, StartFrom::Beginning, OpenStocks { opening_stock })?;
    host.reaction_over(ordering, StartFrom::Beginning, ReserveForOrders::new(host.entities()))?;
    host.publish(PublishInventory);
    http::operations().into_iter().for_each(|operation| host.operation(operation));
    Ok(http::routes(api))
}
