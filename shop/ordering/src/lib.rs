//! The context that takes orders and sees them delivered. A customer places an order at the prices that ordering has
//! heard of from the catalog; a process manager drives it from there, once inventory has set its goods aside, through its
//! six stages, or to one of three early ends; and several read models tell of it: to the customer, and to whoever runs the shop.

// What an order is.
pub mod events;
pub mod order;

// What can be asked of it.
pub mod commands;

// What follows by itself.
pub mod fulfilment;
pub mod pace;
pub mod payment;
pub mod reactions;

// What is told of it.
pub mod live;
pub mod price_book;
pub mod projections;
pub mod publish;
pub mod timeline;

pub mod http;

use std::sync::Arc;

use axum::Router;
use tradewind_events::EventSource;
use tradewind_service::{AlsoHears, Host, HostError, StartFrom};

use fulfilment::FulfilmentOptions;
use http::OrderingApi;
use live::LiveOrders;
use price_book::PriceBook;
use projections::{OrderDetail, OrderHistory, ProductPrices, SalesByDay, SalesByDepartment, SalesByProduct};
use publish::PublishOrdering;
use reactions::FulfilOrder;

/// Whom ordering listens to.
pub struct Upstreams {
    /// The catalog's feed.
    pub catalog: Arc<dyn EventSource>,
    /// Inventory's feed. Without it orders are accepted without asking whether their goods are there.
    pub inventory: Option<Arc<dyn EventSource>>,
}

/// All that ordering has, put into a host. The routes are the host's to serve. `orders` is the host's own event store.
///
/// # Errors
/// [`HostError`] if a read model or a checkpoint cannot be opened.
pub fn assemble(
    host: &mut Host,
    orders: Arc<dyn EventSource>,
    upstreams: Upstreams,
    fulfilment: FulfilmentOptions,
) -> Result<Router, HostError> {
    let Upstreams { catalog, inventory } = upstreams;
    let fulfilment = FulfilmentOptions { needs_goods: inventory.is_some(), ..fulfilment };
    let live = LiveOrders::default();
    let api = OrderingApi {
        commands: host.commands(),
        orders: orders.clone(),
        live: live.clone(),
        draining: host.draining(),
        prices: PriceBook::of(host.projection_over(catalog, StartFrom::Beginning, ProductPrices)?),
        detail: host.projection(OrderDetail)?,
        history: host.projection(OrderHistory)?,
        sales_by_day: host.projection(SalesByDay)?,
        sales_by_department: host.projection(SalesByDepartment)?,
        sales_by_product: host.projection(SalesByProduct)?,
    };
    let query = FulfilOrder::query_of_goods();
    let goods =
        inventory.map(|source| AlsoHears { name: "goods-of-orders", source, from: StartFrom::Beginning, query });
    host.process_hearing(goods.into_iter().collect(), FulfilOrder::new(fulfilment))?;
    host.task(|stop| async move {
        stop.run_until_cancelled(live.follow(orders)).await;
    });
    host.publish(PublishOrdering);
    http::operations().into_iter().for_each(|operation| host.operation(operation));
    Ok(http::routes(api))
}
