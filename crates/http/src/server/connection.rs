//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::idle::Idle;
use super::in_stages::InStages;
use super::progress::Progress;
use super::stream::{Streams, Taken};
use super::timer::HeadTimer;
use super::unread::ClientBody;

/// So many headers hyper parses on the stack; when told a number, even this one, it allocates for each request.
const HEADERS_ON_THE_STACK: usize = 100;
/// How often a silent HTTP/2 client is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// When it drains, so long a client may take that has connected and has not asked for anything yet: its request may be on
/// its way, and it has no reason to expect that nobody reads it.
const FIRST_WORDS: Duration = Duration::from_millis(250);

/// What all connections of a server share.
pub(super) struct Connections {
    http: auto::Builder<Streams>,
    limits: Limits,
    /// Requests whose answer has not begun.
    requests: Arc<AtomicUsize>,
    /// One of those below has been cancelled, or will be at once.
    ending: AtomicBool,
    drain: CancellationToken,
    cut: CancellationToken,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        let mut http = auto::Builder::new(Streams::new(limits.stalled_max));
        http.http1()
            .header_read_timeout(limits.head_within)
            // hyper refuses to work with less.
            .max_buf_size(limits.head_bytes_max.max(8 << 10));
        if limits.headers_max != HEADERS_ON_THE_STACK {
            http.http1().max_headers(limits.headers_max);
        }
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams_max)
            .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
            .keep_alive_interval(PING_INTERVAL);
        let (ending, drain, cut) = (AtomicBool::new(false), CancellationToken::new(), CancellationToken::new());
        Self { http, limits, requests: Arc::default(), ending, drain, cut }
    }

    /// How many requests have no answer yet.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Ends all connections as soon as nothing is under way on them.
    pub(super) fn drain(&self) {
        self.ending.store(true, Ordering::Release);
        self.drain.cancel();
    }

    /// Ends all connections, whatever is under way.
    pub(super) fn cut_off(&self) {
        self.ending.store(true, Ordering::Release);
        self.cut.cancel();
    }

    /// Waits for a connection to be as it should be before HTTP can begin on it, as long as for a request.
    #[cfg(feature = "tls")]
    pub(super) async fn prepared<C>(
        &self,
        client: SocketAddr,
        preparing: impl Future<Output = std::io::Result<C>>,
    ) -> Option<C> {
        tokio::select! {
            prepared = tokio::time::timeout(self.limits.head_within, preparing) => match prepared {
                Ok(Ok(stream)) => return Some(stream),
                Ok(Err(error)) => tracing::debug!(%client, %error, "a connection without a handshake"),
                Err(_) => tracing::debug!(%client, "closed a connection that did not finish its handshake"),
            },
            () = self.drained_for_long() => {}
            () = self.cut.cancelled() => {}
        }
        None
    }

    /// Waits until it has been draining for as long as a client may be about to speak.
    #[cfg(feature = "tls")]
    async fn drained_for_long(&self) {
        self.drain.cancelled().await;
        sleep(FIRST_WORDS).await;
    }

    /// Serves one connection to its end.
    pub(super) async fn serve<C, S, B>(self: Arc<Self>, stream: C, client: SocketAddr, service: S)
    where
        C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: Service<Request<ClientBody>, Response = Response<B>, Error = Infallible> + Send + 'static,
        S::Future: Send + 'static,
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let progress = Progress::new(&self.requests);
        let stream = InStages::new(stream, Arc::clone(&progress), &self.limits);
        let mut http = self.http.clone();
        http.http1().timer(HeadTimer::new(Arc::clone(&progress)));
        let begun = Arc::clone(&progress);
        let counting = service_fn(move |request: Request<Incoming>| {
            let unanswered = begun.begin();
            let under_way = (request.version() == Version::HTTP_2).then(|| begun.begin_stream());
            let (request, read_until) = ClientBody::lend(request, &begun);
            let answer = service.call(request);
            async move {
                let Ok(mut answer): Result<Response<B>, Infallible> = answer.await;
                let progress = unanswered.progress();
                if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                    progress.switch();
                    progress.unread().give_up();
                } else if let Some(until) = read_until
                    && progress.unread().is_open()
                {
                    // Boxed, since hardly any request comes here.
                    Box::pin(progress.unread().settle(until, answer.headers_mut())).await;
                }
                Ok::<_, Infallible>(answer.map(|body| Taken::new(body, under_way)))
            }
        });
        let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), counting);
        let mut connection = pin!(connection);
        let (mut drain, mut cut) = (pin!(self.drain.cancelled()), pin!(self.cut.cancelled()));
        // hyper's own time limit for a head begins when it knows the protocol, which it learns from the first bytes:
        // who sends none would keep its place for ever.
        let mut silent = pin!(sleep(self.limits.head_within));
        let (mut is_heard, mut is_draining) = (false, false);
        let (mut idle, mut leaving) = (Idle::new(self.limits.idle_max), Idle::new(self.limits.stalled_max));
        let mut last_chance: Option<Pin<Box<Sleep>>> = None;
        let ended = poll_fn(|context| {
            let mut polled = connection.as_mut().poll(context);
            // Signals that hardly ever come wake this task when they do. Looking whether they have whenever it wakes for
            // a request would cost a lock each.
            if polled.is_pending() && (!is_heard || self.ending.load(Ordering::Acquire)) {
                is_heard = true;
                if cut.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Ok(()));
                }
                if !is_draining
                    && drain.as_mut().poll(context).is_ready()
                    && (progress.has_begun() || {
                        let last_chance = last_chance.get_or_insert_with(|| Box::pin(sleep(FIRST_WORDS)));
                        last_chance.as_mut().poll(context).is_ready()
                    })
                {
                    is_draining = true;
                    connection.as_mut().graceful_shutdown();
                    polled = connection.as_mut().poll(context);
                }
            }
            if polled.is_pending() && !progress.has_begun() && silent.as_mut().poll(context).is_ready() {
                tracing::debug!(%client, "closed a connection that brought no request");
                return Poll::Ready(Ok(()));
            }
            if polled.is_pending() && !is_draining && idle.poll_over(&progress, context).is_ready() {
                // What the client is just asking for is answered still.
                is_draining = true;
                connection.as_mut().graceful_shutdown();
                polled = connection.as_mut().poll(context);
            }
            // What has been answered may lie here still, for a client that takes nothing: no stream is under way that
            // would tell.
            if polled.is_pending() && is_draining && leaving.poll_over(&progress, context).is_ready() {
                tracing::debug!(%client, "closed a connection whose client does not take the last of its answers");
                return Poll::Ready(Ok(()));
            }
            polled
        });
        if let Err(error) = ended.await {
            tracing::debug!(%client, %error, "a connection ended badly");
        }
    }
}
