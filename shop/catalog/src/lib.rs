//! The context that knows the products: what there is to buy, where in the shop, and at which price. Products are
//! listed, change their price, and are taken off again; people find them by words and by whatever else tells them
//! apart, and those who have received one say what it is like. Whatever happens to a product is told to other contexts,
//! which keep what they need of it; of what ordering tells, the catalog keeps who has received what.

// What a product is, and a review of one.
pub mod events;
pub mod product;
pub mod review;

// What can be asked of it.
pub mod commands;

// What is told of it.
pub mod projections;
pub mod publish;

pub mod http;

use std::sync::Arc;

use axum::Router;
use tradewind_events::EventSource;
use tradewind_service::{Host, HostError, StartFrom};

use http::CatalogApi;
use projections::{DeliveredProducts, Departments, PriceHistory, ProductRatings, ProductReviews, ProductSearch};
use publish::PublishCatalog;

/// All that the catalog has, put into a host. The routes are the host's to serve. `ordering` is ordering's feed.
///
/// # Errors
/// [`HostError`] if a read model cannot be opened.
pub fn assemble(host: &mut Host, ordering: Arc<dyn EventSource>) -> Result<Router, HostError> {
    let api = CatalogApi {
        commands: host.commands(),
        search: host.projection(ProductSearch)?,
        departments: host.projection(Departments)?,
        prices: host.projection(PriceHistory)?,
        reviews: host.projection(ProductReviews)?,
        ratings: host.projection(ProductRatings)?,
        delivered: host.projection_over(ordering, StartFrom::Beginning, DeliveredProducts)?,
    };
    host.publish(PublishCatalog);
    http::operations().into_iter().for_each(|operation| host.operation(operation));
    Ok(http::routes(api))
}
