//! Answers that are there before their requests are whole.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tradewind_http::Limits;

use crate::given::{Client, run};

const MIB: usize = 1 << 20;

/// Sends all of it before it reads a word, as plain clients do.
async fn upload(client: &mut Client, path: &str, size: usize) -> std::io::Result<String> {
    client.say(&format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n")).await;
    client.0.write_all(&vec![b'x'; size]).await?;
    let mut answer = String::new();
    let heard = tokio::time::timeout(Duration::from_secs(10), client.0.read_to_string(&mut answer)).await;
    heard.expect("the connection stays open").map(|_| answer)
}

#[tokio::test]
async fn a_client_that_sends_all_before_it_reads_gets_the_answer() {
    let server = run(Limits::default()).await;
    for _ in 0..5 {
        let mut client = Client::connect(server.address).await;
        let answer = upload(&mut client, "/", 10 * MIB).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("answered"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_sends_slowly_gets_it_too() {
    let server = run(Limits::default()).await;
    let mut client = Client::connect(server.address).await;
    client.say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n").await;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(60)).await;
        client.say("0123456789").await;
    }
    client.hear("answered").await;
    client.closed().await;
}

/// The head of a request with a body of ten bytes.
fn post(path: &str, line: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: x\r\n{line}content-length: 10\r\n\r\n")
}

#[tokio::test]
async fn a_connection_goes_on_behind_a_little_that_nobody_wants() {
    let server = run(Limits::default()).await;
    let mut client = Client::connect(server.address).await;
    for _ in 0..20 {
        client.say(&post("/", "")).await;
        // When the answer is known.
        tokio::time::sleep(Duration::from_millis(5)).await;
        client.say("0123456789").await;
        let answer = client.hear("answered").await;
        assert!(!answer.contains("connection: close"), "{answer}");
    }
    client.get("/").await;
    client.hear("answered").await;
}

#[tokio::test]
async fn or_says_that_it_does_not() {
    let server = run(Limits::default()).await;
    for (path, why) in [("/", "it does not come"), ("/keeps", "somebody reads it still")] {
        let mut client = Client::connect(server.address).await;
        client.say(&post(path, "")).await;
        let answer = client.hear("answered").await;
        assert!(answer.contains("connection: close\r\n"), "{why}: {answer}");
        // And is not cut off under a client that goes on.
        client.say("0123456789").await;
        client.0.shutdown().await.unwrap();
        client.closed().await;
    }
}

#[tokio::test]
async fn who_changes_the_protocol_does_not_wait_for_it() {
    let server = run(Limits::default()).await;
    let mut client = Client::connect(server.address).await;
    client.say(&post("/switches", "connection: upgrade\r\nupgrade: other\r\n")).await;
    client.hear("HTTP/1.1 101").await;
    // Nobody goes on with it here.
    client.closed().await;
}

#[tokio::test]
async fn who_asks_whether_to_send_and_is_answered_at_once_is_not_told_to() {
    let server = run(Limits::default()).await;
    let mut client = Client::connect(server.address).await;
    let begun = Instant::now();
    client.say(&post("/", "expect: 100-continue\r\n")).await;
    let answer = client.hear("answered").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("connection: close\r\n"), "{answer}");
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn what_a_client_goes_on_to_say_after_a_head_that_is_refused_is_read_too() {
    let server = run(Limits::default()).await;
    let mut client = Client::connect(server.address).await;
    client.say("GET / HTTP/7\r\n").await;
    client.0.write_all(&vec![b'x'; 4 * MIB]).await.unwrap();
    client.hear("400").await;
}

#[tokio::test]
async fn no_more_is_read_than_may_be_and_for_no_longer() {
    let server = run(Limits { unread_bytes_max: MIB as u64, ..Limits::default() }).await;
    let mut client = Client::connect(server.address).await;
    assert!(upload(&mut client, "/", 64 * MIB).await.is_err(), "all of it was read");

    let server = run(Limits { unread_within: Duration::from_millis(300), ..Limits::default() }).await;
    let mut client = Client::connect(server.address).await;
    client.say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n").await;
    let begun = Instant::now();
    while client.0.write_all(b"x").await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it is read for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn who_is_silent_is_not_waited_for_when_its_requests_were_whole() {
    let server = run(Limits::default()).await;
    let mut client = Client::connect(server.address).await;
    client.say("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nwhat").await;
    client.hear("answered").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    server.shutdown.cancel();
    server.ended.await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(400), "{:?}", begun.elapsed());
    client.closed().await;
}
