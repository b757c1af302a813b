//! HTTP/2 to a service, as gRPC needs it: many requests on one connection, streams both ways, trailers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2 as client;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tradewind_gateway::{Deadline, Limits, Policies, Protocol, Route, RouteTable, Sizes, UpstreamOptions};

use crate::calling::{get, policy, reaches, request, upstream};
use crate::failing::{figure_of, hasty};
use crate::{Peer, Running, gateway_before, status_of};

fn h2c() -> UpstreamOptions {
    UpstreamOptions { protocol: Protocol::H2c, ..UpstreamOptions::default() }
}

/// A service that speaks HTTP/2 alone, echoes the body and says in trailers how it went. It closes each connection in order
/// after so many requests.
async fn echoing(requests_each: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let heard = Arc::new(AtomicUsize::new(0));
                let counter = Arc::clone(&heard);
                let service = service_fn(move |request: Request<Incoming>| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    async move { Ok::<_, Infallible>(echo(request).await) }
                });
                let connection =
                    http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
                let mut connection = std::pin::pin!(connection);
                let mut look = tokio::time::interval(Duration::from_millis(1));
                loop {
                    tokio::select! {
                        _ = &mut connection => return,
                        _ = look.tick() => if heard.load(Ordering::SeqCst) >= requests_each {
                            connection.as_mut().graceful_shutdown();
                        }
                    }
                }
            });
        }
    });
    (address, connections)
}

async fn echo(request: Request<Incoming>) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
    let (version, uri, te) = (request.version(), request.uri().clone(), request.headers().get("te").cloned());
    let host = uri.authority().map(ToString::to_string).unwrap_or_default();
    // A body that breaks off is nothing to answer to.
    let Ok(heard) = request.into_body().collect().await else { return Response::default() };
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    if let Some(value) = heard.trailers().and_then(|trailers| trailers.get("x-checksum")) {
        trailers.insert("x-echoed", value.clone());
    }
    let body = Full::new(heard.to_bytes()).with_trailers(std::future::ready(Some(Ok(trailers)))).boxed_unsync();
    let told = format!("{version:?} {host} {}", te.is_some_and(|te| te == "trailers"));
    Response::builder().header("x-told", told).body(body).unwrap()
}

async fn gateway_to(address: SocketAddr) -> Running {
    let table = RouteTable::new(vec![Route::new("/", upstream(&[address], h2c())).unwrap()]).unwrap();
    gateway_before(table, Limits::default()).await
}

#[tokio::test]
async fn bodies_and_trailers_pass_both_ways() {
    let (address, _) = echoing(usize::MAX).await;
    let gateway = gateway_to(address).await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = client::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "7".parse().unwrap());
    let body = Full::new(Bytes::from("a message")).with_trailers(std::future::ready(Some(Ok(trailers))));
    let request = Request::post("http://shop.example/x.Y/Z").header("te", "trailers");
    let response = sender.send_request(request.body(body.boxed_unsync()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["x-told"], "HTTP/2.0 shop.example true");
    let heard = response.into_body().collect().await.unwrap();
    let trailers = heard.trailers().cloned().unwrap();
    assert_eq!((&trailers["grpc-status"], &trailers["x-echoed"]), (&"0".parse().unwrap(), &"7".parse().unwrap()));
    assert_eq!(heard.to_bytes(), "a message");
}

#[tokio::test]
async fn clients_of_http_1_reach_it_too() {
    let gateway = gateway_to(echoing(usize::MAX).await.0).await;
    let answer = gateway.ask("POST /x", "a message").await;
    assert!(answer.contains("x-told: HTTP/2.0 shop.example true\r\n") && answer.contains("a message"), "{answer}");
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let (address, connections) = echoing(usize::MAX).await;
    let upstream = upstream(&[address], h2c());
    let workers: Vec<_> = (0..50)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { get(&upstream, &policy()).await })
        })
        .collect();
    for worker in workers {
        assert_eq!(worker.await.unwrap().unwrap().0, 200);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_that_the_service_ends_in_order_costs_no_request() {
    let (address, connections) = echoing(5).await;
    let upstream = upstream(&[address], h2c());
    for _ in 0..100 {
        assert_eq!(get(&upstream, &policy()).await.unwrap().0, 200);
    }
    assert!(connections.load(Ordering::SeqCst) > 2, "none was ended, so nothing was tested");
}

#[tokio::test]
async fn a_body_that_its_client_breaks_off_or_that_is_too_large_is_not_the_services_fault() {
    let (address, connections) = echoing(usize::MAX).await;
    let mut route = Route::new("/", upstream(&[address], h2c())).unwrap();
    let sizes = Sizes { body_bytes_max: Some(10), ..Sizes::default() };
    route.policies = Arc::new(Policies { sizes, ..Policies::default() });
    let gateway = gateway_before(RouteTable::new(vec![route]).unwrap(), Limits::default()).await;
    for number in 0..30 {
        let (rest, status) = if number % 2 == 0 { ("no chunk", 400) } else { ("6\r\n666666", 413) };
        let mut peer = Peer::connect(gateway.address).await;
        peer.say("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n").await;
        peer.say("5\r\n55555\r\n").await;
        // The service has seen the first piece by then.
        tokio::time::sleep(Duration::from_millis(10)).await;
        peer.say(&format!("{rest}\r\n")).await;
        let answer = peer.hear_rest().await;
        assert_eq!(status_of(&answer), status, "{answer}");
    }
    assert_eq!(status_of(&gateway.ask("POST /", "a message").await), 200);
    let figures = gateway.get("/_gateway/metrics").await;
    let bad = format!("endpoint_bad_total{{service=\"test\",endpoint=\"{address}\"}} 0\n");
    assert!(figures.contains(&bad) && figures.contains("breaker_opened_total{service=\"test\"} 0\n"), "{figures}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_client_that_stops_sending_is_told_so_and_its_service_is_not_to_blame() {
    let (address, connections) = echoing(usize::MAX).await;
    let gateway = hasty(address, Protocol::H2c).await;
    for _ in 0..6 {
        let answer = gateway.ask("PUT / HTTP/1.1\r\ncontent-length: 10\r\nx-rest:", "").await;
        assert!(status_of(&answer) == 408 && answer.contains("\"TW-3004\""), "{answer}");
    }
    assert_eq!(status_of(&gateway.ask("POST /", "a message").await), 200);
    assert!(figure_of(&gateway, "endpoint_bad_total", address).await == 0.0);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// A service that speaks HTTP/2 and answers everything with a megabyte.
async fn large() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        let megabyte = Bytes::from(vec![b'x'; 1 << 20]);
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let megabyte = megabyte.clone();
            let service = service_fn(move |_| {
                let answer = Response::new(Full::new(megabyte.clone()));
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, connections)
}

/// A service that drops its first connection when so many requests are under way on it, and answers all that come later. How
/// many connections there were, and how many have ended.
async fn dropping_the_first(requests: usize) -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (connections, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (Arc::clone(&connections), Arc::clone(&ended));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let is_first = counters.0.fetch_add(1, Ordering::SeqCst) == 0;
            let (ended, heard) = (Arc::clone(&counters.1), Arc::new(AtomicUsize::new(0)));
            let counter = Arc::clone(&heard);
            let service = service_fn(move |_: Request<Incoming>| {
                counter.fetch_add(1, Ordering::SeqCst);
                async move {
                    if is_first {
                        std::future::pending::<()>().await;
                    }
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("ok"))))
                }
            });
            tokio::spawn(async move {
                let connection =
                    http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
                let all_there = async {
                    while !is_first || heard.load(Ordering::SeqCst) < requests {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                };
                tokio::select! {
                    _ = connection => {}
                    () = all_there => {}
                }
                ended.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    (address, connections, ended)
}

#[tokio::test]
async fn all_that_were_on_a_connection_that_died_meet_on_the_next_one() {
    let (address, connections, _) = dropping_the_first(50).await;
    let upstream = upstream(&[address], h2c());
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { get(&upstream, &policy()).await })
        })
        .collect();
    for asking in asking {
        assert_eq!(asking.await.unwrap(), Ok((200, "ok".to_owned())));
    }
    let opened = connections.load(Ordering::SeqCst);
    assert!((2..=3).contains(&opened), "{opened} connections");
}

#[tokio::test]
async fn a_connection_without_a_stream_for_long_is_closed_though_nobody_asks() {
    let (address, connections, ended) = dropping_the_first(usize::MAX).await;
    // The first one answers nobody.
    TcpStream::connect(address).await.unwrap();
    reaches(&ended, 1).await;
    let mut options = h2c();
    options.connections.idle = Duration::from_millis(200);
    let upstream = upstream(&[address], options);
    assert_eq!(get(&upstream, &policy()).await.unwrap().0, 200);
    assert_eq!(get(&upstream, &policy()).await.unwrap().0, 200);
    assert_eq!((connections.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (2, 1), "both on the same one");
    reaches(&ended, 2).await;
    assert_eq!(get(&upstream, &policy()).await.unwrap().0, 200, "on another one");
}

#[tokio::test]
async fn answers_that_nobody_reads_hold_up_no_other_on_their_connection() {
    let (address, connections) = large().await;
    let upstream = upstream(&[address], h2c());
    let at_most = upstream.options().connections.streams_at_most;
    let mut unread = Vec::new();
    for _ in 1..at_most {
        unread.push(upstream.call(request(Method::GET), Deadline::none(), &policy()).await.unwrap());
    }
    // In this time all of them have brought as much as they may.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let read = tokio::time::timeout(Duration::from_secs(20), get(&upstream, &policy())).await;
    let (status, body) = read.expect("it waits for those that are not read").unwrap();
    assert_eq!((status, body.len(), connections.load(Ordering::SeqCst)), (200, 1 << 20, 1));
    // And those come too when somebody reads them.
    let last = unread.pop().unwrap().into_body().collect();
    let last = tokio::time::timeout(Duration::from_secs(20), last).await.expect("it does not go on").unwrap();
    assert_eq!(last.to_bytes().len(), 1 << 20);
}
