//! Who may say that something happened in the past. A shop's history is brought in through the same commands as
//! everything else, each with the header `Tradewind-At`; but whoever may send that header can rewrite the books. So
//! a service takes it only if it was started for that, and says no otherwise.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tradewind_events::{Clock, ErrorCode, Timestamp};
use tradewind_service::Problem;

/// The header in which a command says when it happened, in RFC 3339.
pub const HEADER: &str = "tradewind-at";
/// The reason that a client is told when it may not.
pub const REFUSED: &str = "backdating-not-allowed";

/// What stands before a service's routes.
#[derive(Clone)]
pub struct Backdating {
    allowed: bool,
    clock: Arc<dyn Clock>,
}

impl Backdating {
    /// One that lets the past in, or not.
    pub fn new(allowed: bool, clock: Arc<dyn Clock>) -> Self {
        Self { allowed, clock }
    }

    /// The routes, behind this guard: they get the time as an extension, or not at all.
    pub fn guard(self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self, let_in))
    }

    fn time_of(&self, request: &Request) -> Result<Option<Timestamp>, Problem> {
        let Some(value) = request.headers().get(HEADER) else { return Ok(None) };
        if !self.allowed {
            let problem = Problem::new(ErrorCode::REJECTED, "this service does not take commands from the past");
            return Err(problem.with_status(axum::http::StatusCode::FORBIDDEN).with("reason", REFUSED));
        }
        let moment = value.to_str().ok().and_then(|text| text.trim().parse::<Timestamp>().ok());
        match moment {
            None => Err(Problem::bad_request("Tradewind-At is no moment in RFC 3339")),
            Some(moment) if moment > self.clock.now() => Err(Problem::bad_request("Tradewind-At is in the future")),
            Some(moment) => Ok(Some(moment)),
        }
    }
}

async fn let_in(State(guard): State<Backdating>, mut request: Request, next: Next) -> Response {
    match guard.time_of(&request) {
        Err(problem) => return problem.into_response(),
        Ok(Some(moment)) => _ = request.extensions_mut().insert(moment),
        Ok(None) => {}
    }
    next.run(request).await
}
