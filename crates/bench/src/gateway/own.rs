//! The gateway that is measured, as the program runs it: the same server, runtime and allocator, with routes for each
//! figure.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tradewind_gateway::{
    AuthRule, Gateway, Options, Plan, Policies, RateKey, RateLimit, Route, RouteTable, Sizes, Upstream,
};

use super::answers::{GUARDED, Kind, PLAIN};
use super::verifier::{SCOPE, Verifier};
use crate::BenchError;

/// How often one client may ask within a second: all that it can, since what is measured is the counting.
const REQUESTS_MAX: u32 = 1_000_000;

fn invalid(error: impl std::fmt::Display) -> BenchError {
    BenchError::Option(error.to_string())
}

/// A plan with a route for each figure.
fn plan(service: SocketAddr) -> Result<Plan, BenchError> {
    let service = Upstream::new("service", [service]);
    let route = |kind: Kind| Route::new(&format!("/{}", kind.segment), service.clone()).map_err(invalid);
    let guarded = Policies {
        deadline: Some(Duration::from_secs(10)),
        sizes: Sizes {
            body_bytes_max: Some(1 << 20),
            headers_max: Some(64),
            header_bytes_max: Some(16 << 10),
            answer_header_bytes_max: Some(16 << 10),
        },
        auth: Some(AuthRule { scopes: vec![SCOPE.to_owned()] }),
        rate: Some(
            RateLimit::new("each-client", RateKey::Client, REQUESTS_MAX, Duration::from_secs(1)).map_err(invalid)?,
        ),
        ..Policies::default()
    };
    let routes = vec![route(PLAIN)?, Route { policies: Arc::new(guarded), ..route(GUARDED)? }];
    let routes = RouteTable::new(routes).map_err(invalid)?;
    Ok(Plan { routes, authorizer: Some(Arc::new(Verifier::new())), ..Plan::default() })
}

/// Serves until the process is ended. `listening` is told the address.
///
/// # Errors
/// [`BenchError`].
pub(super) fn serve(service: SocketAddr, listening: impl FnOnce(SocketAddr)) -> Result<(), BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = Options::new((Ipv4Addr::LOCALHOST, 0).into());
        let gateway = Gateway::bind(options, plan(service)?).await.map_err(invalid)?;
        listening(gateway.address());
        gateway.run(CancellationToken::new()).await;
        Ok(())
    })
}
