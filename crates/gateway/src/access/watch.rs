//! A request that is to be logged, from its head to the end of its answer.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use tradewind_events::Timestamp;

use super::AccessLog;
use super::line::{End, Line};
use crate::Route;
use crate::body::{BodyError, ResponseBody};
use crate::headers::RequestId;
use crate::policy::trace;
use crate::upstream::Trail;

/// More of a path or a query is left out of its line.
const TEXT_BYTES_MAX: usize = 4_096;

/// A request that is to be logged. Dropped before its answer's head was there, it is one whose client has left.
pub(crate) struct Watch(Option<Seen>);

/// What is known of a request before anything is done with it.
struct Seen {
    log: AccessLog,
    time: Timestamp,
    begun: Instant,
    client: IpAddr,
    method: Method,
    path: String,
    query: Option<String>,
    host: Option<String>,
    route: Option<Arc<Route>>,
    request_id: RequestId,
    trace_id: Option<String>,
    trail: Trail,
}

impl Watch {
    /// Looks at a request before anything is done with it. It begins a trace if it has none, so that its line tells which
    /// one its service was told.
    pub(crate) fn begin<B>(
        log: &AccessLog,
        request: &mut Request<B>,
        client: IpAddr,
        route: Option<&Arc<Route>>,
        request_id: &RequestId,
    ) -> Self {
        trace::pass_on(request.headers_mut());
        let trail = Trail::default();
        request.extensions_mut().insert(trail.clone());
        let (uri, headers) = (request.uri(), request.headers());
        let in_target = uri.authority().map(http::uri::Authority::as_str);
        let host = in_target.or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()));
        Self(Some(Seen {
            time: log.0.clock.now(),
            begun: Instant::now(),
            client,
            method: request.method().clone(),
            path: cut(uri.path()),
            query: uri.query().filter(|_| log.0.options.query).map(cut),
            host: host.map(cut),
            route: route.map(Arc::clone),
            request_id: request_id.clone(),
            trace_id: trace::id(headers).map(str::to_owned),
            trail,
            log: log.clone(),
        }))
    }

    /// Goes with the answer from here on.
    pub(crate) fn follow(mut self, answer: Response<ResponseBody>) -> Response<ResponseBody> {
        let Some(seen) = self.0.take() else { return answer };
        let fragments = answer.headers().get("tradewind-fragments");
        let fragments = fragments.and_then(|told| told.to_str().ok()).map(cut);
        let (status, cache, after) = (answer.status(), cache_outcome(answer.headers()), seen.begun.elapsed());
        answer.map(|body| {
            let entry = Entry { seen, head: Head { status, cache, fragments, after } };
            ResponseBody::Watched(Box::new(Watched { body, entry: Some(entry), bytes: 0, broken: false }))
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(seen) = self.0.take() {
            seen.log(None, 0, End::Left);
        }
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}

/// What our cache did: it is nearest to the client, and so the last one that tells.
fn cache_outcome(headers: &HeaderMap) -> Option<&'static str> {
    let told = headers.get_all("cache-status").iter().next_back()?.to_str().ok()?;
    let told = told.rsplit(',').find_map(|member| member.trim().strip_prefix("tradewind"))?;
    let says = |parameter: &str| told.split(';').any(|said| said.trim() == parameter);
    Some(match () {
        () if says("hit") && told.contains("ttl=-") => "stale",
        () if says("hit") => "hit",
        () if says("detail=stale-if-error") => "stale-if-error",
        () if says("collapsed") => "collapsed",
        () if says("fwd=stale") && says("fwd-status=304") => "revalidated",
        () if says("fwd=bypass") || says("fwd=method") => "bypass",
        () => "miss",
    })
}

/// An answer's head.
struct Head {
    status: StatusCode,
    cache: Option<&'static str>,
    fragments: Option<String>,
    /// How long it took.
    after: Duration,
}

/// What will be logged.
struct Entry {
    seen: Seen,
    head: Head,
}

impl Seen {
    fn log(&self, head: Option<&Head>, bytes: u64, end: End) {
        self.log.log(&Line {
            time: self.time,
            client: self.client,
            method: self.method.as_str(),
            path: &self.path,
            query: self.query.as_deref(),
            host: self.host.as_deref(),
            route: self.route.as_ref().map(|route| &*route.name),
            service: self.route.as_ref().map(|route| &**route.to.service()),
            instance: self.trail.instance(),
            tries: self.trail.tries(),
            status: head.map(|head| head.status.as_u16()),
            bytes,
            head_ms: head.map(|head| millis(head.after)),
            took_ms: millis(self.begun.elapsed()),
            cache: head.and_then(|head| head.cache),
            fragments: head.and_then(|head| head.fragments.as_deref()),
            end,
            request_id: self.request_id.as_str(),
            trace_id: self.trace_id.as_deref(),
        });
    }
}

/// To the microsecond.
fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1_000.0
}

/// An answer's body that is counted on its way, and logged when it ends.
pub(crate) struct Watched {
    body: ResponseBody,
    entry: Option<Entry>,
    bytes: u64,
    broken: bool,
}

impl Watched {
    pub(crate) fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
            Poll::Ready(Some(Err(_))) => self.broken = true,
            Poll::Ready(None) => self.end(End::Whole),
            Poll::Pending => {}
        }
        polled
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }

    fn end(&mut self, end: End) {
        if let Some(entry) = self.entry.take() {
            entry.seen.log(Some(&entry.head), self.bytes, end);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // A body that is known to be over is not asked for its end, and one that answers HEAD for nothing.
        let is_head = self.entry.as_ref().is_some_and(|entry| entry.seen.method == Method::HEAD);
        self.end(match () {
            () if self.broken => End::Broken,
            () if is_head || self.body.is_end_stream() => End::Whole,
            () => End::Left,
        });
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::cache_outcome;

    #[test]
    fn what_the_cache_did_is_one_word() {
        let outcome = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("cache-status", text.parse().unwrap());
            cache_outcome(&headers)
        };
        for (told, word) in [
            ("tradewind; hit; ttl=5", "hit"),
            ("tradewind; hit; ttl=-5", "stale"),
            ("other; hit, tradewind; fwd=uri-miss; stored", "miss"),
            ("tradewind; fwd=stale; fwd-status=304; ttl=5", "revalidated"),
            ("tradewind; fwd=uri-miss; collapsed", "collapsed"),
            ("tradewind; fwd=stale; ttl=-9; detail=stale-if-error", "stale-if-error"),
            ("tradewind; fwd=method", "bypass"),
        ] {
            assert_eq!(outcome(told), Some(word), "{told}");
        }
        assert_eq!(outcome("other; hit"), None);
        assert_eq!(cache_outcome(&HeaderMap::new()), None);
    }
}
