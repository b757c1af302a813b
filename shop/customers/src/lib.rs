//! The context that knows the customers: what each is called, where each lives, and since when. A customer registers,
//! moves, and changes the name; **an address is one over time**, so that others can say where somebody lived on the day
//! of an old order. A change takes effect at its event's own time, and may be brought in late: what has been recorded is
//! never changed, it only comes into its place. Whatever happens to a customer is told to other contexts.

// What a customer is.
pub mod events;
pub mod over_time;
pub mod customer;

// What can be asked of it.
pub mod commands;

// What is told of it.
pub mod projections;
pub mod publish;

pub mod http;

use axum::Router;
use tradewind_service::{Host, HostError};

use http::CustomersApi;
use projections::{AddressHistory, Directory};
use publish::PublishCustomers;

/// All that customers has, put into a host. The routes are the host's to serve.
///
/// # Errors
/// [`HostError`] if a read model cannot be opened.
pub fn assemble(host: &mut Host) -> Result<Router, HostError> {
    let api = CustomersApi {
        commands: host.commands(),
        directory: host.projection(Directory)?,
        addresses: host.projection(AddressHistory)?,
    };
    host.publish(PublishCustomers);
    http::operations().into_iter().for_each(|operation| host.operation(operation));
    Ok(http::routes(api))
}
