//! Answers made smaller for those who can read it.

use std::io::Read;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy};
use tradewind_gateway::{Limits, Plan, Policies, Route, RouteTable, Upstream};

use crate::acting::{Acting, ok};
use crate::{Peer, Running, gateway_before, service, status_of};

/// A gateway that packs, before a service that answers with this head and these pieces, one chunk each, when told to.
async fn packing(head: &'static str, pieces: &'static [&'static str]) -> (Running, mpsc::Sender<()>) {
    let (go, wait) = mpsc::channel(100);
    let wait = Arc::new(tokio::sync::Mutex::new(wait));
    let script = move |mut peer: Peer, _| {
        let wait = Arc::clone(&wait);
        async move {
            loop {
                peer.hear_head().await;
                if head.contains("content-length") {
                    peer.say(&format!("HTTP/1.1 200 OK\r\n{head}\r\n{}", pieces.concat())).await;
                    continue;
                }
                peer.say(&format!("HTTP/1.1 200 OK\r\n{head}transfer-encoding: chunked\r\n\r\n")).await;
                for piece in pieces {
                    wait.lock().await.recv().await;
                    peer.say(&format!("{:x}\r\n{piece}\r\n", piece.len())).await;
                }
                peer.say("0\r\n\r\n").await;
            }
        }
    };
    let mut route = Route::new("/", Upstream::new("test", [service(script).await.0])).unwrap();
    route.policies = Arc::new(Policies { compress: true, ..Policies::default() });
    (gateway_before(RouteTable::new(vec![route]).unwrap(), Limits::default()).await, go)
}

/// Head and body of the answer to a request with this line.
async fn ask(gateway: &Running, method: &str, line: &str) -> (String, Vec<u8>) {
    let mut peer = Peer::connect(gateway.address).await;
    peer.say(&format!("{method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{line}\r\n")).await;
    let head = peer.hear_head().await;
    let mut body = Vec::new();
    peer.0.read_to_end(&mut body).await.unwrap();
    let body = if head.contains("transfer-encoding: chunked") { joined(&body) } else { body };
    (head, body)
}

/// What chunks hold.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let end = chunks.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return all;
        }
        all.extend(&chunks[end + 2..end + 2 + length]);
        chunks = &chunks[end + 4 + length..];
    }
}

fn unpacked(coding: &str, packed: &[u8]) -> String {
    let mut text = String::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(packed).read_to_string(&mut text),
        "br" => brotli::Decompressor::new(packed, 4_096).read_to_string(&mut text),
        "zstd" => zstd::stream::read::Decoder::new(packed).unwrap().read_to_string(&mut text),
        other => panic!("{other}"),
    }
    .unwrap();
    text
}

const TEXT: &str = concat!(
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef",
);
const JSON: &str = "content-type: application/json\r\netag: \"1\"\r\naccept-ranges: bytes\r\ncontent-length: 1040\r\n";

#[tokio::test]
async fn each_coding_holds_what_the_service_said() {
    let (gateway, _) = packing(JSON, &[TEXT]).await;
    for coding in ["gzip", "br", "zstd"] {
        let (head, body) = ask(&gateway, "GET", &format!("accept-encoding: {coding}\r\n")).await;
        assert!(head.contains(&format!("content-encoding: {coding}\r\n")), "{head}");
        assert!(head.contains("vary: accept-encoding\r\n") && head.contains("etag: w/\"1\"\r\n"), "{head}");
        assert!(!head.contains("content-length") && !head.contains("accept-ranges"), "{head}");
        assert!(body.len() < 200, "{} bytes", body.len());
        assert_eq!(unpacked(coding, &body), TEXT);
    }
    let (head, body) = ask(&gateway, "GET", "").await;
    assert!(!head.contains("content-encoding") && head.contains("vary: accept-encoding\r\n"), "{head}");
    assert!(head.contains("etag: \"1\"\r\n") && body == TEXT.as_bytes(), "{head}");
}

#[tokio::test]
async fn what_must_or_need_not_be_packed_passes_as_it_is() {
    const TYPE: &str = "content-type: application/json\r\n";
    for (head, text) in [
        ("content-type: application/json\r\ncontent-length: 5\r\n", "small"),
        ("content-type: image/png\r\ncontent-length: 1040\r\n", TEXT),
        ("content-length: 1040\r\n", TEXT),
        ("content-type: text/plain\r\ncache-control: max-age=1, no-transform\r\ncontent-length: 1040\r\n", TEXT),
        ("content-type: text/plain\r\ncontent-encoding: br\r\ncontent-length: 1040\r\n", TEXT),
        ("content-type: text/event-stream\r\ncontent-length: 1040\r\n", TEXT),
        ("content-type: text/plain\r\ncontent-range: bytes 0-1039/2000\r\ncontent-length: 1040\r\n", TEXT),
    ] {
        let pieces: &'static [&'static str] = Box::leak(Box::new([text]));
        let (gateway, _) = packing(head, pieces).await;
        let (told, body) = ask(&gateway, "GET", "accept-encoding: gzip\r\n").await;
        assert!(!told.contains("gzip") && body == text.as_bytes(), "{head}: {told}");
    }
    assert!(JSON.contains(TYPE));
}

#[tokio::test]
async fn what_is_made_slowly_arrives_as_it_is_made() {
    let (gateway, go) = packing("content-type: text/plain\r\n", &["first", "second"]).await;
    for coding in ["gzip", "br", "zstd"] {
        let mut peer = Peer::connect(gateway.address).await;
        peer.say(&format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\naccept-encoding: {coding}\r\n\r\n")).await;
        peer.hear_head().await;
        go.send(()).await.unwrap();
        // A chunk comes before the service has said anything more.
        let mut heard = peer.hear_until("\r\n").await.into_bytes();
        assert_ne!(heard, b"0\r\n", "{coding}");
        go.send(()).await.unwrap();
        peer.0.read_to_end(&mut heard).await.unwrap();
        assert_eq!(unpacked(coding, &joined(&heard)), "firstsecond");
    }
}

/// A gateway that packs, and stores if it is told to, before a service that knows conditions and ranges.
async fn before(kind: &'static str, stores: bool) -> Running {
    let script = move |head: &str| {
        let headers = format!("content-type: {kind}\r\netag: \"1\"\r\ncache-control: max-age=60\r\n");
        let said = |name: &str| head.lines().any(|line| line.starts_with(name));
        if said("if-none-match: ") {
            "HTTP/1.1 304 Not Modified\r\netag: \"1\"\r\n\r\n".to_owned()
        } else if said("range: ") {
            let part = format!("{headers}content-range: bytes 0-9/{}\r\ncontent-length: 10\r\n", TEXT.len());
            format!("HTTP/1.1 206 Partial Content\r\n{part}\r\n{}", &TEXT[..10])
        } else {
            ok(&headers, TEXT)
        }
    };
    let upstream = Acting::begin(script).await.upstream("test");
    let rule = stores.then(|| Arc::new(CachePolicy::new("test", "test")));
    let mut route = Route::new("/", upstream).unwrap();
    route.policies = Arc::new(Policies { compress: true, cache: rule, ..Policies::default() });
    let cache = stores.then(|| Cache::new(CacheOptions::default(), Arc::new(SystemClock)));
    let plan = Plan { routes: RouteTable::new(vec![route]).unwrap(), cache, ..Plan::default() };
    gateway_before(plan, Limits::default()).await
}

#[tokio::test]
async fn what_is_said_of_an_answer_that_could_be_packed_depends_on_what_the_client_reads_as_well() {
    for stores in [true, false] {
        let gateway = before("text/plain", stores).await;
        for coding in ["accept-encoding: gzip\r\n", ""] {
            for (line, status) in [("", 200), ("if-none-match: \"1\"\r\n", 304), ("range: bytes=0-9\r\n", 206)] {
                let (head, _) = ask(&gateway, "GET", &format!("{coding}{line}")).await;
                assert_eq!(status_of(&head), status, "{head}");
                assert!(head.contains("vary: accept-encoding\r\n"), "{stores} {coding:?}: {head}");
            }
        }
        let image = before("image/png", stores).await;
        for (line, status) in [("", 200), ("range: bytes=0-9\r\n", 206)] {
            let (head, _) = ask(&image, "GET", &format!("accept-encoding: gzip\r\n{line}")).await;
            assert!(status_of(&head) == status && !head.contains("vary: "), "{head}");
        }
    }
}

#[tokio::test]
async fn a_client_that_has_what_was_packed_on_its_way_is_told_so_by_the_tag_that_it_knows() {
    for stores in [true, false] {
        let gateway = before("text/plain", stores).await;
        let (head, _) = ask(&gateway, "GET", "accept-encoding: gzip\r\n").await;
        assert!(head.contains("etag: w/\"1\"\r\n"), "{head}");
        for (known, told) in [("W/\"1\"", "w/\"1\""), ("\"1\"", "\"1\""), ("W/\"1\", \"1\"", "\"1\"")] {
            let lines = format!("accept-encoding: gzip\r\nif-none-match: {known}\r\n");
            let (head, _) = ask(&gateway, "GET", &lines).await;
            assert!(status_of(&head) == 304 && head.contains(&format!("\r\netag: {told}\r\n")), "{known}: {head}");
        }
    }
}

#[tokio::test]
async fn who_has_read_something_packed_may_edit_it() {
    let script = move |mut peer: Peer, _| async move {
        while let Some(head) = peer.hear_head_or_end().await {
            let own = if head.contains(" /weak ") { "w/\"1\"" } else { "\"1\"" };
            let wanted = crate::acting::header(&head, "if-match");
            // Both must be strong, and the same.
            let matches = wanted.split(", ").any(|tag| tag == own && tag.starts_with('"'));
            let (status, text) = match (head.starts_with("get "), matches) {
                (true, _) => ("200 OK", "x".repeat(2_000)),
                (false, true) => ("200 OK", "edited".to_owned()),
                (false, false) => ("412 Precondition Failed", wanted.to_owned()),
            };
            let own = own.replace('w', "W");
            let kind = "content-type: text/plain\r\n";
            peer.say(&format!(
                "HTTP/1.1 {status}\r\n{kind}etag: {own}\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            ))
            .await;
        }
    };
    let mut route = Route::new("/", Upstream::new("test", [service(script).await.0])).unwrap();
    route.policies = Arc::new(Policies { compress: true, ..Policies::default() });
    let gateway = gateway_before(RouteTable::new(vec![route]).unwrap(), Limits::default()).await;
    let (head, _) = ask(&gateway, "GET", "accept-encoding: gzip\r\n").await;
    assert!(head.contains("content-encoding: gzip\r\n") && head.contains("etag: w/\"1\"\r\n"), "{head}");
    let put = async |path: &str, tags: &str| {
        gateway.ask(&format!("PUT {path} HTTP/1.1\r\nif-match: {tags}\r\nx-rest:"), "text").await
    };
    for tags in ["W/\"1\"", "\"0\", W/\"1\"", "\"1\""] {
        let answer = put("/", tags).await;
        assert!(answer.ends_with("edited"), "{tags}: {answer}");
    }
    for (path, tags) in [("/", "W/\"2\""), ("/", "\"W/\""), ("/weak", "W/\"1\""), ("/weak", "\"1\"")] {
        assert_eq!(status_of(&put(path, tags).await), 412, "{path} {tags}");
    }
}
