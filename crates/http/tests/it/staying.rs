//! How long connections stay, and how many of them from one address.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Frame};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tradewind_http::{ClientBody, CutOff, Limits, Network, Server};

use crate::given::{Client, run};

const IDLE: Duration = Duration::from_millis(200);

/// An HTTP/2 client, which answers pings, and how its connection ends.
async fn connect(address: std::net::SocketAddr) -> (SendRequest<Empty<Bytes>>, JoinHandle<hyper::Result<()>>) {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    (sender, tokio::spawn(connection))
}

fn get(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://x{path}")).body(Empty::new()).unwrap()
}

async fn ends(connection: JoinHandle<hyper::Result<()>>) {
    let ended = tokio::time::timeout(Duration::from_secs(10), connection).await.expect("the connection stays");
    ended.unwrap().expect("it ended badly");
}

#[tokio::test]
async fn an_http2_connection_on_which_nothing_is_under_way_is_closed_in_good_order() {
    let server = run(Limits { idle_max: IDLE, ..Limits::default() }).await;
    let (mut sender, connection) = connect(server.address).await;
    let mut last = Instant::now();
    for _ in 0..4 {
        tokio::time::sleep(IDLE / 2).await;
        last = Instant::now();
        sender.send_request(get("/")).await.unwrap();
    }
    ends(connection).await;
    assert!(last.elapsed() >= IDLE, "{:?}", last.elapsed());
}

#[tokio::test]
async fn as_long_as_an_answer_is_awaited_it_stays() {
    let server = run(Limits { idle_max: IDLE, ..Limits::default() }).await;
    let (mut sender, connection) = connect(server.address).await;
    let never = tokio::spawn(sender.send_request(get("/never")));
    tokio::time::sleep(IDLE * 3).await;
    sender.send_request(get("/")).await.unwrap();
    assert!(!connection.is_finished());
    never.abort();
    ends(connection).await;
}

/// A body that says one thing, and ends when it is told to.
struct Lasting(Option<Bytes>, Pin<Box<WaitForCancellationFutureOwned>>);

impl Body for Lasting {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(said) => Poll::Ready(Some(Ok(Frame::data(said)))),
            None => self.1.as_mut().poll(context).map(|()| None),
        }
    }
}

#[tokio::test]
async fn as_long_as_an_answer_is_sent_it_stays() {
    let limits = Limits { idle_max: IDLE, ..Limits::default() };
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), limits).await.unwrap();
    let (address, enough, shutdown) = (server.local_addr(), CancellationToken::new(), CancellationToken::new());
    let told = enough.clone();
    let lasting = move |_: Request<ClientBody>| {
        let body = Lasting(Some(Bytes::from_static(b"one")), Box::pin(told.clone().cancelled_owned()));
        async move { Ok::<_, Infallible>(Response::new(body)) }
    };
    let stop = shutdown.clone();
    let running =
        tokio::spawn(
            async move { server.run(move |_| service_fn(lasting.clone()), stop, Duration::from_secs(1)).await },
        );
    let (mut sender, connection) = connect(address).await;
    let mut answer = sender.send_request(get("/")).await.unwrap().into_body();
    assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    tokio::time::sleep(IDLE * 3).await;
    assert!(!connection.is_finished());
    let mut other = sender.send_request(get("/")).await.expect("it takes no more requests").into_body();
    enough.cancel();
    while answer.frame().await.is_some() || other.frame().await.is_some() {}
    ends(connection).await;
    shutdown.cancel();
    running.await.unwrap();
}

/// A client that takes one byte of an answer and no more, though it answers pings; and its answer, which it does not read.
async fn stingy(address: std::net::SocketAddr) -> (JoinHandle<hyper::Result<()>>, impl Sized) {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let mut builder = http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = builder.initial_stream_window_size(1).handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(get("/")).await.unwrap();
    (connection, (sender, answer))
}

#[tokio::test]
async fn an_answer_that_nobody_takes_keeps_no_connection_whose_time_is_over() {
    let stalled = Duration::from_millis(300);
    let server = run(Limits { idle_max: IDLE, stalled_max: stalled, ..Limits::default() }).await;
    let begun = Instant::now();
    let (connection, _answer) = stingy(server.address).await;
    let ended = tokio::time::timeout(Duration::from_secs(10), connection).await;
    assert!(ended.is_ok(), "the connection stays");
    assert!(begun.elapsed() >= IDLE + stalled, "{:?}", begun.elapsed());

    // Nor does it hold up a server that stops.
    let server = run(Limits { stalled_max: Duration::from_millis(100), ..Limits::default() }).await;
    let (_connection, _answer) = stingy(server.address).await;
    server.shutdown.cancel();
    assert_eq!(server.ended.await.unwrap(), CutOff::default());
}

#[tokio::test]
async fn one_address_takes_no_more_places_than_it_may() {
    let limits = Limits { connections_per_address_max: 2, ..Limits::default() };
    let server = run(limits).await;
    let mut within = [Client::connect(server.address).await, Client::connect(server.address).await];
    for client in &mut within {
        client.get("/").await;
        client.hear("answered").await;
    }
    Client::connect(server.address).await.closed().await;
    for client in &mut within {
        client.get("/").await;
        client.hear("answered").await;
    }
    drop(within);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut later = Client::connect(server.address).await;
    later.get("/").await;
    later.hear("answered").await;
}

#[tokio::test]
async fn who_is_exempt_may_take_all() {
    let limits = Limits { connections_per_address_max: 1, ..Limits::default() };
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), limits).await.unwrap();
    let (address, shutdown) = (server.local_addr(), CancellationToken::new());
    let server = server.with_unlimited(Network::loopback().into());
    let service = |_| service_fn(|_| async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) });
    let running = tokio::spawn(server.run(service, shutdown.clone(), Duration::from_secs(1)));
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::connect(address).await;
        client.get("/").await;
        client.hear("200 OK").await;
        clients.push(client);
    }
    drop(clients);
    shutdown.cancel();
    running.await.unwrap();
}
