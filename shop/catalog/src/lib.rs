//! The context that knows the products: what there is to buy, where in the shop, and at which price. Products are
//! listed, change their price, and are taken off again; people find them by words and by department. Whatever
//! happens to a product is told to other contexts, which keep what they need of it.

// What a product is.
pub mod events;
pub mod product;

// What can be asked of it.
pub mod commands;

// What is told of it.
pub mod projections;
pub mod publish;

pub mod http;

use axum::Router;
use tradewind_service::{Host, HostError};

use http::CatalogApi;
use projections::{Departments, ProductSearch};
use publish::PublishCatalog;

/// All that the catalog has, put into a host. The routes are the host's to serve.
///
/// # Errors
/// [`HostError`] if a read model cannot be opened.
pub fn assemble(host: &mut Host) -> Result<Router, HostError> {
    let api = CatalogApi {
        commands: host.commands(),
        search: host.projection(ProductSearch)?,
        departments: host.projection(Departments)?,
    };
    host.publish(PublishCatalog);
    http::operations().into_iter().for_each(|operation| host.operation(operation));
    Ok(http::routes(api))
}
