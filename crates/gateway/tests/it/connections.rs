//! Connections to instances: kept, looked at before they are used, bounded.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tradewind_gateway::{CallPolicy, ConnectionLimits, Deadline, Limits, NoAnswer, RequestBody, UpstreamOptions};

use crate::calling::{OK, call, get, one_try, policy, reaches, request, silent, upstream};
use crate::{Peer, service, status_of};

fn limited(connections: ConnectionLimits) -> UpstreamOptions {
    UpstreamOptions { connections, ..UpstreamOptions::default() }
}

/// A service that answers one request on each connection, as if it kept it, and then closes it.
async fn closing_after_one() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say(OK).await;
    };
    service(script).await
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_no_request_not_even_one_that_must_not_be_repeated() {
    let (address, connections) = closing_after_one().await;
    let upstream = upstream(&[address], UpstreamOptions::default());
    for number in 1..=30 {
        assert_eq!(call(&upstream, request(Method::POST), &one_try()).await.unwrap().0, 200);
        tokio::time::sleep(Duration::from_millis(3)).await;
        assert_eq!(connections.load(Ordering::SeqCst), number);
    }
}

#[tokio::test]
async fn a_connection_that_closes_just_when_it_is_used_costs_no_repeatable_request() {
    let (address, connections) = closing_after_one().await;
    let upstream = upstream(&[address], UpstreamOptions::default());
    for _ in 0..200 {
        assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
    }
    assert!(connections.load(Ordering::SeqCst) >= 200);
}

#[tokio::test]
async fn a_body_that_can_be_sent_once_is_not_sent_on_a_connection_that_was_just_closed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (close, to_close) = std::sync::mpsc::sync_channel(1);
    let (closed, has_closed) = std::sync::mpsc::sync_channel(1);
    let service = std::thread::spawn(move || {
        let hear_until = |stream: &mut std::net::TcpStream, end: &[u8]| {
            let mut heard = Vec::new();
            while !heard.ends_with(end) {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                heard.extend(byte);
            }
        };
        let mut first = listener.accept().unwrap().0;
        hear_until(&mut first, b"\r\n\r\n");
        first.write_all(OK.as_bytes()).unwrap();
        to_close.recv().unwrap();
        drop(first);
        closed.send(()).unwrap();
        let mut second = listener.accept().unwrap().0;
        hear_until(&mut second, b"a body");
        second.write_all(OK.as_bytes()).unwrap();
    });
    let upstream = upstream(&[address], UpstreamOptions::default());
    let has_closed = std::sync::Mutex::new(has_closed);
    let passing_on = service_fn(|request: Request<Incoming>| {
        let (upstream, close, has_closed) = (&upstream, &close, &has_closed);
        async move {
            assert_eq!(get(upstream, &one_try()).await.unwrap().0, 200);
            // Until the connection is kept; then it is closed, and nobody has looked whether it is.
            tokio::time::sleep(Duration::from_millis(10)).await;
            close.send(()).unwrap();
            has_closed.lock().unwrap().recv().unwrap();
            let (mut head, body) = request.into_parts();
            head.headers.clear();
            let request = Request::from_parts(head, RequestBody::passing(body.into(), None));
            let (status, body) = call(upstream, request, &one_try()).await.unwrap();
            Ok::<_, NoAnswer>(Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap())
        }
    });
    let (ours, theirs) = tokio::io::duplex(1_024);
    let serving = http1::Builder::new().serve_connection(TokioIo::new(theirs), passing_on);
    let asking = async {
        let mut ours = ours;
        ours.write_all(b"PUT / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 6\r\n\r\na body")
            .await
            .unwrap();
        let mut answer = String::new();
        ours.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (served, answer) = tokio::join!(serving, asking);
    served.unwrap();
    assert_eq!(status_of(&answer), 200, "{answer}");
    service.join().unwrap();
}

/// A service that closes its connections after a short while without a request. How many it has heard, and how many came
/// before it closed and were too late all the same.
fn closing_when_idle() -> (SocketAddr, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard, late) = (listener.local_addr().unwrap(), Arc::default(), Arc::default());
    let counters: [Arc<AtomicUsize>; 2] = [Arc::clone(&heard), Arc::clone(&late)];
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let [heard, late] = counters.clone();
            std::thread::spawn(move || {
                let mut buffer = [0; 1_024];
                while let Ok(1..) = stream.read(&mut buffer) {
                    heard.fetch_add(1, Ordering::SeqCst);
                    if stream.write_all(OK.as_bytes()).is_err() {
                        return;
                    }
                    std::thread::sleep(Duration::from_micros(fastrand::u64(..300)));
                    stream.set_nonblocking(true).unwrap();
                    if stream.peek(&mut [0]).is_err() {
                        // From here on the system refuses what comes; what has come in the meantime it has acknowledged.
                        let _ = stream.shutdown(std::net::Shutdown::Both);
                        if matches!(stream.read(&mut buffer), Ok(1..)) {
                            late.fetch_add(1, Ordering::SeqCst);
                        }
                        return;
                    }
                    stream.set_nonblocking(false).unwrap();
                }
            });
        }
    });
    (address, heard, late)
}

#[tokio::test]
async fn what_must_not_be_repeated_is_sent_again_if_nobody_has_heard_it_and_never_otherwise() {
    let (address, heard, late) = closing_when_idle();
    let upstream = upstream(&[address], UpstreamOptions::default());
    let (mut answered, mut lost) = (0, 0);
    let patient = CallPolicy { try_timeout: Duration::from_secs(10), ..one_try() };
    for _ in 0..3_000 {
        match call(&upstream, request(Method::POST), &patient).await {
            Ok((status, _)) => {
                assert_eq!(status, 200);
                answered += 1;
            }
            Err(why) => {
                assert_eq!(why, NoAnswer::Broken);
                lost += 1;
            }
        }
        // As long as the service waits: about half of the connections are closed then.
        let begun = Instant::now();
        let pause = Duration::from_micros(fastrand::u64(..300));
        while begun.elapsed() < pause {
            std::hint::spin_loop();
        }
    }
    assert_eq!(heard.load(Ordering::SeqCst), answered, "something was done twice, or without an answer");
    // What the service's system has acknowledged might have been heard, as far as anybody else can tell.
    assert_eq!(lost, late.load(Ordering::SeqCst), "of 3,000 requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_race_is_won_by_many_at_once_too() {
    let (address, _) = closing_after_one().await;
    let upstream = upstream(&[address], UpstreamOptions::default());
    let workers: Vec<_> = (0..16)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200);
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn what_a_service_says_unasked_is_nobodys_answer() {
    let script = |mut peer: Peer, number| async move {
        peer.hear_head().await;
        peer.say(&format!("{OK}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")).await;
        peer.hear_rest().await;
        assert!(number < 100);
    };
    let (address, connections) = service(script).await;
    let upstream = upstream(&[address], UpstreamOptions::default());
    for number in 1..=10 {
        assert_eq!(get(&upstream, &policy()).await.unwrap(), (200, "ok".to_owned()));
        assert_eq!(connections.load(Ordering::SeqCst), number, "it was used again");
    }
}

#[tokio::test]
async fn a_connection_is_there_for_others_when_its_answer_was_read_and_closed_when_not() {
    let (gone, mut told) = tokio::sync::mpsc::channel(1);
    let script = move |mut peer: Peer, _| {
        let gone = gone.clone();
        async move {
            for _ in 0..20 {
                peer.hear_head().await;
                peer.say(OK).await;
            }
            peer.hear_head().await;
            peer.say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegun").await;
            peer.hear_rest().await;
            gone.send(()).await.unwrap();
        }
    };
    let (address, connections) = service(script).await;
    let upstream = upstream(&[address], UpstreamOptions::default());
    for _ in 0..20 {
        get(&upstream, &policy()).await.unwrap();
    }
    let mut half = upstream.call(request(Method::GET), Deadline::none(), &policy()).await.unwrap().into_body();
    assert_eq!(half.frame().await.unwrap().unwrap().into_data().unwrap(), "begun");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    drop(half);
    tokio::time::timeout(Duration::from_secs(5), told.recv()).await.expect("the service was left waiting");
}

#[tokio::test]
async fn no_more_connections_than_may_be_and_who_waits_waits_a_bounded_time_in_a_bounded_queue() {
    let (address, heard, _) = silent().await;
    let limits = ConnectionLimits {
        at_most: 2,
        waiting_at_most: 1,
        wait: Duration::from_millis(300),
        ..ConnectionLimits::default()
    };
    let upstream = upstream(&[address], limited(limits));
    let in_background = || {
        let upstream = upstream.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            let patient = CallPolicy { try_timeout: Duration::from_secs(30), ..one_try() };
            (get(&upstream, &patient).await, begun.elapsed())
        })
    };
    let _busy = [in_background(), in_background()];
    reaches(&heard, 2).await;
    let waiting = in_background();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    assert_eq!(get(&upstream, &one_try()).await, Err(NoAnswer::Busy));
    assert!(begun.elapsed() < Duration::from_millis(200), "the queue is full, so there is nothing to wait for");
    let (answer, waited) = waiting.await.unwrap();
    assert_eq!(answer, Err(NoAnswer::Busy));
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
    assert_eq!(heard.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn who_waits_gets_the_next_connection_that_is_free() {
    let script = |mut peer: Peer, _| async move {
        loop {
            peer.hear_head().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            peer.say(OK).await;
        }
    };
    let (address, connections) = service(script).await;
    let upstream = upstream(&[address], limited(ConnectionLimits { at_most: 3, ..ConnectionLimits::default() }));
    let workers: Vec<_> = (0..30)
        .map(|_| {
            let upstream = upstream.clone();
            tokio::spawn(async move { get(&upstream, &policy()).await })
        })
        .collect();
    for worker in workers {
        assert_eq!(worker.await.unwrap().unwrap().0, 200);
    }
    assert!(connections.load(Ordering::SeqCst) <= 3, "{}", connections.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_is_idle_for_long_is_closed_though_nobody_asks() {
    let (gone, mut told) = tokio::sync::mpsc::channel(1);
    let script = move |mut peer: Peer, _| {
        let gone = gone.clone();
        async move {
            peer.hear_head().await;
            peer.say(OK).await;
            peer.hear_rest().await;
            gone.send(()).await.unwrap();
        }
    };
    let (address, _) = service(script).await;
    let limits = ConnectionLimits { idle: Duration::from_millis(200), ..ConnectionLimits::default() };
    let upstream = upstream(&[address], limited(limits));
    get(&upstream, &policy()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), told.recv()).await.expect("it stays open");
}

#[test]
fn idle_connections_are_closed_here_before_services_of_ours_close_theirs() {
    let (kept, by_services) = (ConnectionLimits::default().idle, Limits::default().head_within);
    // More than a request needs to arrive there, on however busy a machine.
    assert!(by_services - kept >= Duration::from_secs(5), "{kept:?} and {by_services:?}");
}
