//! Calling an upstream without a gateway before it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, Request};
use http_body_util::BodyExt;
use tradewind_gateway::{CallPolicy, Deadline, NoAnswer, RequestBody, RetryPolicy, Upstream, UpstreamOptions};

use crate::{Peer, TIMEOUTS, service};

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

pub(crate) fn policy() -> CallPolicy {
    CallPolicy::new(TIMEOUTS)
}

/// One try, and no waiting for what cannot be reached.
pub(crate) fn one_try() -> CallPolicy {
    CallPolicy { retry: RetryPolicy::never(), unreachable: Duration::ZERO, ..policy() }
}

pub(crate) fn upstream(addresses: &[SocketAddr], options: UpstreamOptions) -> Upstream {
    Upstream::with_options("test", addresses.iter().copied(), options)
}

pub(crate) fn request(method: Method) -> Request<RequestBody> {
    Request::builder().method(method).uri("/x").body(RequestBody::empty()).unwrap()
}

/// The status and the whole body.
pub(crate) async fn call(
    upstream: &Upstream,
    request: Request<RequestBody>,
    policy: &CallPolicy,
) -> Result<(u16, String), NoAnswer> {
    let answer = upstream.call(request, Deadline::none(), policy).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map_err(|_| NoAnswer::Broken)?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

pub(crate) async fn get(upstream: &Upstream, policy: &CallPolicy) -> Result<(u16, String), NoAnswer> {
    call(upstream, request(Method::GET), policy).await
}

/// A service that gives the same bytes to every request, and counts them.
pub(crate) async fn saying(answer: impl Into<String>) -> (SocketAddr, Arc<AtomicUsize>) {
    let (heard, answer) = (Arc::new(AtomicUsize::new(0)), answer.into());
    let counter = Arc::clone(&heard);
    let script = move |mut peer: Peer, _| {
        let (heard, answer) = (Arc::clone(&counter), answer.clone());
        async move {
            loop {
                peer.hear_head().await;
                heard.fetch_add(1, Ordering::SeqCst);
                peer.say(&answer).await;
            }
        }
    };
    (service(script).await.0, heard)
}

/// A service that hears a request, counts it, and then says nothing until its peer has gone; then it counts that.
pub(crate) async fn silent() -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let counters = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
    let counted = counters.clone();
    let script = move |mut peer: Peer, _| {
        let [heard, gone] = counted.clone();
        async move {
            peer.hear_head().await;
            heard.fetch_add(1, Ordering::SeqCst);
            peer.hear_rest().await;
            gone.fetch_add(1, Ordering::SeqCst);
        }
    };
    let [heard, gone] = counters;
    (service(script).await.0, heard, gone)
}

/// Waits until a count is reached.
pub(crate) async fn reaches(counter: &AtomicUsize, wanted: usize) {
    for _ in 0..500 {
        if counter.load(Ordering::SeqCst) >= wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} instead of {wanted}", counter.load(Ordering::SeqCst));
}
