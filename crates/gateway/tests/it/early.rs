//! Refusals of large uploads: who is still sending gets to read them.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use tradewind_gateway::{Gateway, Limits, Options, Policies, Protocol, Route, RouteTable, Sizes, Tls, Upstream};
use tradewind_http::{ClientBody, Server};

use crate::encrypted::{connect, place};
use crate::failing::{figure_of, hasty};
use crate::{Peer, Running, TIMEOUTS, named, status_of};

const UPLOAD_BYTES: usize = 10_000_000;

/// Takes bodies of at most a thousand bytes, under `/api` alone.
async fn gateway(tls: Option<Tls>) -> Running {
    let mut route = Route::new("/api", Upstream::new("test", [named("ok").await])).unwrap();
    let sizes = Sizes { body_bytes_max: Some(1_000), ..Sizes::default() };
    route.policies = Arc::new(Policies { sizes, ..Policies::default() });
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    (options.timeouts, options.tls) = (TIMEOUTS, tls);
    let gateway = Gateway::bind(options, RouteTable::new(vec![route]).unwrap()).await.unwrap();
    let (address, handle, shutdown) = (gateway.address(), gateway.handle(), CancellationToken::new());
    let ended = tokio::spawn(gateway.run(shutdown.clone()));
    Running { address, handle, shutdown, ended }
}

fn tls(folder: &Path) -> Tls {
    let (certificate, key) = place(folder, "first");
    Tls::read(certificate, key).unwrap()
}

/// Sends all before it reads a word, as plain clients do.
async fn upload(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nhost: shop.example\r\ncontent-length: {UPLOAD_BYTES}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; UPLOAD_BYTES]).await.expect("the connection was reset");
    let mut answer = Vec::new();
    let heard = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    heard.expect("the connection stays open").expect("the connection was reset");
    String::from_utf8(answer).unwrap()
}

const REFUSALS: [(&str, u16); 2] = [("/api", 413), ("/nowhere", 404)];

#[tokio::test]
async fn a_plain_client_that_sends_all_before_it_reads_is_told_why() {
    let gateway = gateway(None).await;
    for (path, status) in REFUSALS {
        assert_eq!(status_of(&upload(Peer::connect(gateway.address).await.0, path).await), status);
    }
}

#[tokio::test]
async fn so_is_one_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = gateway(Some(tls(folder.path()))).await;
    for (path, status) in REFUSALS {
        let stream = connect(gateway.address, "first.pem", &["http/1.1"]).await.unwrap();
        assert_eq!(status_of(&upload(stream, path).await), status);
    }
}

#[tokio::test]
async fn so_is_curl() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("upload");
    std::fs::write(&file, vec![b'x'; UPLOAD_BYTES]).unwrap();
    let (plain, encrypted) = (gateway(None).await, gateway(Some(tls(folder.path()))).await);
    for (gateway, scheme) in [(plain, "http"), (encrypted, "https")] {
        for (path, status) in REFUSALS {
            let port = gateway.address.port();
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--show-error", "--http1.1", "--max-time", "20", "--header", "expect:"]);
            curl.args(["--resolve", &format!("shop.example:{port}:127.0.0.1"), "--output", "-"]);
            curl.arg("--cacert").arg(folder.path().join("shop.pem"));
            curl.args(["--write-out", "%{http_code}", "--data-binary", &format!("@{}", file.display())]);
            curl.arg(format!("{scheme}://shop.example:{port}{path}"));
            let said = curl.output().await.expect("curl is not there: apt-get install curl");
            let (told, complaint) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
            assert!(said.status.success() && told.ends_with(&status.to_string()), "{scheme} {told} {complaint}");
        }
    }
}

/// Says this, and its last word a moment later, when the answer is known; and asks for something else behind it.
async fn goes_on(gateway: &Running, head: &str, body: &str, status: u16) {
    let mut peer = Peer::connect(gateway.address).await;
    for _ in 0..3 {
        peer.say(&format!("{head} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", body.len())).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        peer.say(body).await;
        let answer = peer.hear_head().await;
        assert!(status_of(&answer) == status && !answer.contains("connection: close"), "{head}: {answer}");
        let length = answer.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        peer.0.read_exact(&mut vec![0; length.expect("a length")]).await.unwrap();
    }
    peer.say("GET /_gateway/health/live HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(status_of(&peer.hear_head().await), 200, "{head}");
}

#[tokio::test]
async fn a_connection_goes_on_behind_a_little_that_nobody_wanted() {
    let gateway = gateway(None).await;
    goes_on(&gateway, "POST /_gateway/health/live", "some", 405).await;
    goes_on(&gateway, "GET /_gateway/health/live", "some", 200).await;
    goes_on(&gateway, "POST /nowhere", "some", 404).await;
    goes_on(&gateway, "TRACE /api", "some", 405).await;
}

#[tokio::test]
async fn a_service_that_refuses_a_large_upload_is_not_to_blame() {
    let limits = Limits::default();
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), limits).await.unwrap();
    let (address, stop) = (server.local_addr(), CancellationToken::new());
    let refuse = |_: Request<ClientBody>| async {
        let refused = Response::builder().status(415).body(Full::new(Bytes::from_static(b"no")));
        Ok::<_, Infallible>(refused.unwrap())
    };
    let serving = tokio::spawn(server.run(move |_| service_fn(refuse), stop.clone(), Duration::from_secs(1)));
    let gateway = hasty(address, Protocol::Http1).await;
    for _ in 0..20 {
        let answer = upload(Peer::connect(gateway.address).await.0, "/").await;
        assert!(status_of(&answer) == 415 && answer.contains("connection: close\r\n"), "{answer}");
    }
    assert!(figure_of(&gateway, "endpoint_bad_total", address).await == 0.0);
    stop.cancel();
    serving.await.unwrap();
}
