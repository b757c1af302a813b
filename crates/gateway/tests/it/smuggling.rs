//! Requests of which two readers could think differently where they end: raw bytes, and what the service hears of them.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

use crate::{Peer, Running, gateway, service, status_of};

/// A gateway before a service that hands over all that it hears and answers each head.
async fn overheard() -> (Running, mpsc::Receiver<String>) {
    let (heads, heard) = mpsc::channel(100);
    let script = move |mut peer: Peer, _| {
        let heads = heads.clone();
        async move {
            loop {
                let mut head = peer.hear_head().await;
                if head.contains("transfer-encoding: chunked") {
                    head += &peer.hear_until("0\r\n\r\n").await;
                } else if let Some((_, rest)) = head.split_once("content-length: ") {
                    let length: usize = rest.split("\r\n").next().unwrap().parse().unwrap();
                    for _ in 0..length {
                        head.push(char::from(peer.0.read_u8().await.unwrap()));
                    }
                }
                heads.send(head).await.unwrap();
                peer.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            }
        }
    };
    (gateway(&[("/", service(script).await.0)]).await, heard)
}

/// How long to listen for what should not come.
const SILENCE: Duration = Duration::from_millis(300);

/// Everything that is answered to these bytes, until the gateway closes the connection or says no more. The client
/// itself leaves it open, so that nothing is left unanswered for want of a reader.
async fn answers(gateway: &Running, bytes: &str) -> String {
    let mut peer = Peer::connect(gateway.address).await;
    peer.say(bytes).await;
    let mut told = Vec::new();
    while let Ok(Ok(1..)) = tokio::time::timeout(SILENCE, peer.0.read_buf(&mut told)).await {}
    String::from_utf8_lossy(&told).into_owned()
}

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn what_has_two_ends_is_refused_and_nothing_behind_it_is_heard() {
    let (gateway, mut heard) = overheard().await;
    for (name, head, status) in [
        ("two lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        ("a list of lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1, 2\r\n\r\n", 400),
        ("a signed length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\n", 400),
        ("a length in hexadecimal", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0x1\r\n\r\n", 400),
        ("a negative length", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", 400),
        ("another coding last", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n", 400),
        ("a coding that is none", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n", 400),
        ("a coding before", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        ("chunks in 1.0", "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("a folded line", "POST / HTTP/1.1\r\nhost: a\r\nx-a: 1\r\n transfer-encoding: chunked\r\n\r\n", 400),
        ("a space before the colon", "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n", 400),
        ("a bare carriage return", "POST / HTTP/1.1\r\nhost: a\r\nx-a: 1\rtransfer-encoding: chunked\r\n\r\n", 400),
        ("a zero byte", "POST / HTTP/1.1\r\nhost: a\r\nx-a: 1\0\r\n\r\n", 400),
        ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("two hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        ("a host that is none", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400),
        ("a host and another target", "GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        ("a user before the host", "GET http://me@a/ HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        ("a tunnel", "CONNECT b:80 HTTP/1.1\r\nhost: b:80\r\n\r\n", 501),
        ("a version that is none", "GET / HTTP/1.9\r\nhost: a\r\n\r\n", 400),
    ] {
        let ends_connection = status == 400 && !name.contains("host");
        let bytes = if ends_connection { format!("{head}{HIDDEN}") } else { head.to_owned() };
        let told = answers(&gateway, &bytes).await;
        assert_eq!(status_of(&told), status, "{name}: {told}");
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{name}: {told}");
        assert!(heard.try_recv().is_err(), "{name} was heard");
    }
}

#[tokio::test]
async fn of_length_and_chunks_the_chunks_count_and_the_connection_ends_behind_them() {
    let (gateway, mut heard) = overheard().await;
    for both in
        ["content-length: 3\r\ntransfer-encoding: chunked\r\n", "transfer-encoding: chunked\r\ncontent-length: 3\r\n"]
    {
        let told = answers(&gateway, &format!("POST / HTTP/1.1\r\nhost: a\r\n{both}\r\n0\r\n\r\n{HIDDEN}")).await;
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{told}");
        let head = heard.recv().await.unwrap();
        assert!(!head.contains("content-length: 3"), "{head}");
        assert!(heard.try_recv().is_err(), "what stood behind it was heard");
    }
}

#[tokio::test]
async fn bad_chunks_never_become_a_whole_request() {
    let (gateway, mut heard) = overheard().await;
    for chunks in [
        "zz\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcX0\r\n\r\n",
        "-1\r\n\r\n",
        "ffffffffffffffffff\r\n",
        "3 3\r\nabc\r\n0\r\n\r\n",
        "3;a\nb\r\nabc\r\n0\r\n\r\n",
        "3;a=\n0\n\nabc\r\n0\r\n\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc\r\n0\n\n",
    ] {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let told = answers(&gateway, &format!("{head}{chunks}{HIDDEN}")).await;
        assert!(told.is_empty() || status_of(&told) >= 400, "{chunks:?}: {told}");
        assert!(told.matches("HTTP/1.1 ").count() <= 1, "{chunks:?}: {told}");
        assert!(heard.try_recv().is_err(), "{chunks:?} was heard as a whole");
    }
}

#[tokio::test]
async fn two_equal_lengths_are_one_and_what_follows_is_a_request_of_its_own() {
    let (gateway, mut heard) = overheard().await;
    let twice = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc";
    let told = answers(&gateway, &format!("{twice}GET /next HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
    assert_eq!(told.matches("HTTP/1.1 200").count(), 2, "{told}");
    let first = heard.recv().await.unwrap();
    assert!(first.ends_with("abc") && first.matches("content-length").count() == 1, "{first}");
    assert!(heard.recv().await.unwrap().starts_with("get /next "));
}

#[tokio::test]
async fn what_ends_its_lines_with_a_line_feed_alone_is_one_request_and_goes_on_as_it_must() {
    let (gateway, mut heard) = overheard().await;
    for (name, bytes) in [
        ("all lines", "GET /a HTTP/1.1\nhost: a\nconnection: close\n\n".to_owned()),
        ("some lines", "GET /a HTTP/1.1\r\nhost: a\nx-a: 1\r\nconnection: close\r\n\n".to_owned()),
        // Who does not end lines so sees a value here, and a request behind it.
        (
            "a hidden coding",
            format!(
                "POST /a HTTP/1.1\r\nhost: a\r\nx-a: 1\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n{HIDDEN}"
            ),
        ),
    ] {
        let told = answers(&gateway, &bytes).await;
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{name}: {told}");
        if status_of(&told) == 200 {
            let head = heard.recv().await.unwrap();
            assert_eq!(head.matches('\n').count(), head.matches("\r\n").count(), "{name}: {head:?}");
            assert!(!head.contains("content-length: 5"), "{name}: {head:?}");
        }
        assert!(heard.try_recv().is_err(), "{name}: what stood behind it was heard");
    }
}

#[tokio::test]
async fn trailers_say_nothing_of_the_message_that_they_end() {
    let (gateway, mut heard) = overheard().await;
    let names = "content-length, transfer-encoding, host, authorization, x-forwarded-for, connection";
    let trailers = "content-length: 50\r\ntransfer-encoding: gzip\r\nhost: evil\r\nauthorization: Bearer evil\r\n\
                    x-forwarded-for: 6.6.6.6\r\nconnection: host\r\n";
    for announced in [String::new(), format!("trailer: {names}\r\n")] {
        let head = format!("POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n{announced}\r\n");
        let next = "GET /next HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let told = answers(&gateway, &format!("{head}3\r\nabc\r\n0\r\n{trailers}\r\n{next}")).await;
        assert_eq!(told.matches("HTTP/1.1 200").count(), 2, "{told}");
        let first = heard.recv().await.unwrap();
        assert!(first.contains("\r\nhost: a\r\n") && first.ends_with("3\r\nabc\r\n0\r\n\r\n"), "{first:?}");
        assert!(
            !first.contains("evil") && !first.contains("6.6.6.6") && !first.contains("content-length: "),
            "{first:?}"
        );
        let next = heard.recv().await.unwrap();
        assert!(next.starts_with("get /next ") && !next.contains("evil") && !next.contains("6.6.6.6"), "{next:?}");
    }
}
