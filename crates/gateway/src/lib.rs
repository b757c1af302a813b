//! One address in front of all services.
//!
//! Read in this order: [`Options`] and their limits; a [`RouteTable`] says which path prefix belongs to which
//! service; [`Gateway::bind`] and [`Gateway::run`] serve; a [`GatewayHandle`] replaces the routes while it runs.
//! A request goes `server` → `proxy` (route, headers, attempt, retry) → `upstream` (the connection pool) and its
//! answer comes back the same way, streamed in both directions. What the gateway answers itself is in `own`
//! and `problem`, and for people in `page`.
//!
//! The gateway knows nothing of what the services do, and keeps nothing of what passes through it.

mod body;
mod headers;
mod metrics;
mod options;
mod own;
mod page;
mod problem;
mod proxy;
mod route;
mod server;
mod upgrade;
mod upstream;

pub use options::{Options, Timeouts};
pub use route::{Route, RouteError, RouteTable};
pub use server::{BindError, Gateway, GatewayHandle};
pub use tradewind_http::Limits;

#[cfg(test)]
mod tests;
