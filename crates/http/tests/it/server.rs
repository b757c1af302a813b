//! What a server puts up with, and how it ends.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tradewind_http::{CutOff, Limits};

use crate::given::{Client, run};

fn limits() -> Limits {
    Limits { head_within: Duration::from_millis(300), ..Limits::default() }
}

#[tokio::test]
async fn a_connection_that_brings_no_request_gives_its_place_back() {
    let server = run(Limits { connections_max: 4, ..limits() }).await;
    let begun = Instant::now();
    let mut silent = Vec::new();
    for said in ["", "G", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"] {
        let mut client = Client::connect(server.address).await;
        client.say(said).await;
        silent.push(client);
    }
    let mut late = Client::connect(server.address).await;
    late.get("/").await;
    late.hear("answered").await;
    assert!(begun.elapsed() >= Duration::from_millis(250), "it was served beside the others: nothing was tested");
    for mut client in silent {
        client.closed().await;
    }
}

#[tokio::test]
async fn a_connection_that_has_brought_a_request_stays_for_as_long_as_the_answer_takes() {
    let server = run(Limits { head_within: Duration::from_millis(100), ..limits() }).await;
    let mut client = Client::connect(server.address).await;
    client.get("/slow").await;
    client.hear("answered").await;
    // And no longer than that, if it brings no other.
    client.closed().await;
}

#[tokio::test]
async fn more_connections_than_may_be_wait_for_a_place() {
    let server = run(Limits { connections_max: 1, head_within: Duration::from_secs(60), ..limits() }).await;
    let mut first = Client::connect(server.address).await;
    first.get("/").await;
    first.hear("answered").await;
    let mut second = Client::connect(server.address).await;
    second.get("/").await;
    let early = tokio::time::timeout(Duration::from_millis(200), second.0.readable()).await;
    assert!(early.is_err(), "there is one place");
    drop(first);
    second.hear("answered").await;
}

#[tokio::test]
async fn a_full_server_still_hears_that_it_is_to_stop() {
    let server = run(Limits { connections_max: 1, head_within: Duration::from_secs(60), ..limits() }).await;
    let _first = Client::connect(server.address).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(5), server.ended).await.unwrap().unwrap();
    assert_eq!(ended, CutOff::default());
}

#[tokio::test]
async fn whoever_has_connected_is_served_though_nobody_has_taken_the_connection_yet() {
    let server = run(limits()).await;
    let mut queued = Vec::new();
    // The runtime of this test is the server's too: it takes none of them as long as nothing is awaited here.
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(server.address).unwrap();
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        queued.push(stream);
    }
    let about_to_ask = std::net::TcpStream::connect(server.address).unwrap();
    server.shutdown.cancel();
    let client = |stream: std::net::TcpStream| {
        stream.set_nonblocking(true).unwrap();
        Client(TcpStream::from_std(stream).unwrap())
    };
    let mut late = client(about_to_ask);
    tokio::time::sleep(Duration::from_millis(100)).await;
    late.get("/").await;
    late.hear("answered").await;
    for stream in queued {
        let mut client = client(stream);
        client.hear("answered").await;
        client.closed().await;
    }
    assert_eq!(server.ended.await.unwrap(), CutOff::default());
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn draining_lets_requests_end_and_cuts_off_what_does_not() {
    let server = run(limits()).await;
    let (mut slow, mut never) = (Client::connect(server.address).await, Client::connect(server.address).await);
    slow.get("/slow").await;
    never.get("/never").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.cancel();
    slow.hear("answered").await;
    never.closed().await;
    assert_eq!(server.ended.await.unwrap(), CutOff { connections: 1, requests: 1 });
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}
