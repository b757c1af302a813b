//! The context that writes invoices. When an order is paid it issues one; when an order is called off after that, it
//! issues a credit note that takes the invoice back. Numbers follow each other without a gap in each year: a year's
//! invoices are one stream, so that a single append decides which number comes next.
//!
//! **An invoice says what was so on the day of its order, and says it for ever.** All that is printed is in its event:
//! name and address of the customer as of the order, lines, prices, dates, and the version of the layout. Printing asks
//! nobody and reads no clock, so the same document has the same bytes years later, wherever the customer lives by then.
//!
//! What it needs of orders and customers it keeps as copies of its own. What has not arrived yet is waited for and never
//! guessed: see [`copies`] for how it knows that it has heard enough, and [`debtor`] for orders of customers who have
//! not registered.

// What an invoice is.
pub mod events;
pub mod day;
pub mod books;
pub mod debtor;

// What can be asked of it.
pub mod commands;

// What follows by itself.
pub mod copies;
pub mod billing;
pub mod reactions;

// What is told of it.
pub mod projections;
pub mod archive;
pub mod layouts;
pub mod publish;

pub mod http;

use std::sync::Arc;

use axum::Router;
use tradewind_events::EventSource;
use tradewind_service::{Host, HostError, StartFrom};

use archive::Archive;
use billing::Billing;
use copies::Copies;
use events::Party;
use http::InvoicingApi;
use projections::{Awaited, CustomerCopies, Documents, OrderCopies};
use publish::PublishInvoicing;
use reactions::{BillAwaitedOrders, BillOrders, NoticeCustomers};

/// Whom invoicing listens to.
pub struct Upstreams {
    /// Ordering's feed.
    pub ordering: Arc<dyn EventSource>,
    /// The feed of customers.
    pub customers: Arc<dyn EventSource>,
}

/// All that invoicing has, put into a host. The routes are the host's to serve. `own` is the host's own event store,
/// `seller` who is printed as the sender from now on.
///
/// # Errors
/// [`HostError`] if a read model or a checkpoint cannot be opened.
pub fn assemble(
    host: &mut Host,
    own: Arc<dyn EventSource>,
    upstreams: Upstreams,
    seller: Party,
) -> Result<Router, HostError> {
    let Upstreams { ordering, customers } = upstreams;
    let archive = Archive::new(host.projection(Documents)?, own);
    let copies = Copies::new(
        host.projection_over(ordering.clone(), StartFrom::Beginning, OrderCopies)?,
        host.projection_over(customers.clone(), StartFrom::Beginning, CustomerCopies)?,
        customers.clone(),
    );
    let billing = Arc::new(Billing::new(host.commands(), copies, archive.clone(), seller));
    host.reaction_over(ordering, StartFrom::Beginning, BillOrders::new(billing.clone()))?;
    host.reaction_over(customers, StartFrom::Beginning, NoticeCustomers)?;
    host.reaction(BillAwaitedOrders::new(billing))?;
    host.publish(PublishInvoicing);
    http::operations().into_iter().for_each(|operation| host.operation(operation));
    Ok(http::routes(InvoicingApi { archive, awaited: host.projection(Awaited)? }))
}
