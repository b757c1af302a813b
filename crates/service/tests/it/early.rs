//! Answers to requests whose bodies nobody has read.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tradewind_testkit::memory_store::MemoryStore;

use crate::web::{host, start_ready};

const UPLOAD_BYTES: usize = 10_000_000;

/// Sends all before it reads a word, as plain clients do.
async fn upload(address: SocketAddr, kind: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!("POST /admin/projections/none/retry HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n");
    stream.write_all(format!("{head}content-length: {UPLOAD_BYTES}\r\n\r\n").as_bytes()).await?;
    stream.write_all(&vec![b'x'; UPLOAD_BYTES]).await?;
    let mut answer = String::new();
    let heard = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await;
    heard.expect("the connection stays open").map(|_| answer)
}

#[tokio::test]
async fn who_is_refused_while_it_sends_much_gets_to_read_why() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let running = start_ready(host(&store, folder.path())).await;
    for (kind, status) in [("text/plain", 415), ("application/json", 404)] {
        for _ in 0..10 {
            let answer = upload(running.handle.address(), kind).await.expect("the connection was reset");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains("connection: close\r\n"), "{answer}");
        }
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn whoever_asks_a_service_that_goes_down_is_told_that_the_connection_ends_too() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let running = start_ready(host(&store, folder.path())).await;
    let mut stream = TcpStream::connect(running.handle.address()).await.unwrap();
    let stopped = tokio::spawn(running.stop());
    // A client that has connected before may ask still.
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("connection: close\r\n"), "{answer}");
    drop(stream);
    stopped.await.unwrap().unwrap();
}
