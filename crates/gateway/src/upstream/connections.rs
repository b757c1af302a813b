//! Connections to instances.

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use crate::Timeouts;
use crate::body::SharedBody;

/// Sends requests to instances, on kept connections where there are some.
pub(crate) struct Connections {
    pooled: Client<HttpConnector, SharedBody>,
    /// Keeps nothing: each request gets a connection that nobody can have closed in the meantime.
    fresh: Client<HttpConnector, SharedBody>,
    timeouts: Timeouts,
}

/// Which connection to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    Pooled,
    Fresh,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// No connection: nothing was sent.
    Unreachable,
    /// The connection ended before an answer came.
    Broken,
    /// The client's own body broke off or is malformed.
    RequestBody,
    /// It took too long.
    Timeout,
}

impl Connections {
    pub(crate) fn new(timeouts: Timeouts) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(timeouts.connect));
        connector.set_nodelay(true);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(timeouts.idle).pool_max_idle_per_host(256);
        let pooled = builder.build(connector.clone());
        let fresh = builder.pool_max_idle_per_host(0).build(connector);
        Self { pooled, fresh, timeouts }
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) async fn send(
        &self,
        request: Request<SharedBody>,
        connection: Connection,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let body = request.body().clone();
        let client = match connection {
            Connection::Pooled => &self.pooled,
            Connection::Fresh => &self.fresh,
        };
        let answer = client.request(request);
        tokio::pin!(answer);
        let mut counted_from = Instant::now();
        loop {
            tokio::select! {
                answer = &mut answer => return answer.map_err(|error| explain(&error)),
                () = tokio::time::sleep_until(counted_from + self.timeouts.response_head) => {
                    // While the client is still sending, the service cannot be expected to answer.
                    let last_piece = body.last_piece();
                    if last_piece <= counted_from {
                        return Err(NoAnswer::Timeout);
                    }
                    counted_from = last_piece;
                }
            }
        }
    }
}

fn explain(error: &hyper_util::client::legacy::Error) -> NoAnswer {
    if error.is_connect() {
        return NoAnswer::Unreachable;
    }
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_user) {
            return NoAnswer::RequestBody;
        }
        source = error.source();
    }
    NoAnswer::Broken
}
