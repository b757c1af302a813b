//! Asking a service whether it is ready, and later whether it still lives.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// How long one question may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// How long between questions.
const PAUSE: Duration = Duration::from_millis(50);

/// How a service that is ready is asked whether it lives: one that hangs does not end by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Liveness {
    /// The path that is asked. Any answer is a sign of life but one that says itself that something is wrong (500 and
    /// above): who has no such path lives, too.
    pub path: String,
    /// How often it is asked, and how long each answer may take.
    pub every: Duration,
    /// How many questions in a row without an answer end it; 0 to never ask. A service that is busy for a moment,
    /// or stands on a machine that is, misses one or two.
    pub failures_max: u32,
}

impl Default for Liveness {
    /// `/health/live` every five seconds; ended after half a minute without an answer.
    fn default() -> Self {
        Self { path: "/health/live".to_owned(), every: Duration::from_secs(5), failures_max: 6 }
    }
}

/// Asks until so many questions in a row had no good answer, and tells of each one.
pub(crate) async fn until_lifeless(address: SocketAddr, liveness: &Liveness, mut missed: impl FnMut(u32, String)) {
    if liveness.failures_max == 0 {
        return std::future::pending().await;
    }
    // Nobody means to ask without a pause.
    let every = liveness.every.max(PAUSE);
    let mut failures = 0;
    loop {
        // From this question, not from a schedule: what was missed while this process itself stood still must not
        // be asked all at once.
        let next = Instant::now() + every;
        match problem(address, &liveness.path, every).await {
            None => failures = 0,
            Some(problem) => {
                failures += 1;
                missed(failures, problem);
            }
        }
        if failures == liveness.failures_max {
            return;
        }
        tokio::time::sleep_until(next).await;
    }
}

/// What is wrong with the answer to one question, if anything is.
async fn problem(address: SocketAddr, path: &str, within: Duration) -> Option<String> {
    match tokio::time::timeout(within, ask(address, path)).await {
        Ok(Some(status)) if status.is_server_error() => Some(format!("{path} answered {status}")),
        Ok(Some(_)) => None,
        Ok(None) => Some(format!("{path} cannot be asked")),
        Err(_) => Some(format!("no answer on {path} within {} s", within.as_secs_f32())),
    }
}

/// Asks again and again until the answer is 200. Bound it from outside.
pub(crate) async fn until_ready(address: SocketAddr, path: &str) {
    loop {
        if let Ok(Some(StatusCode::OK)) = tokio::time::timeout(ANSWER_WITHIN, ask(address, path)).await {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// One question on a connection of its own, so that a dying process cannot answer for its successor.
async fn ask(address: SocketAddr, path: &str) -> Option<StatusCode> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path)
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    // Driven beside us, and given up with us when the time for the answer is over.
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    sender.send_request(request).await.ok().map(|response| response.status())
}
