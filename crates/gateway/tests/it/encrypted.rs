//! TLS, and a certificate that changes while it runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tradewind_gateway::{Gateway, Options, Tls, TlsError};

use crate::{Peer, TIMEOUTS, service, table};

const PATIENCE: Duration = Duration::from_secs(30);

fn given(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/certificates").join(file)
}

/// Files for a gateway to read.
pub(crate) fn place(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("shop.pem"), folder.join("shop.key"));
    std::fs::copy(given(&format!("{name}.pem")), &certificate).unwrap();
    std::fs::copy(given(&format!("{name}.key")), &key).unwrap();
    (certificate, key)
}

/// A service that says in its body what it hears.
async fn echoing() -> SocketAddr {
    let script = |mut peer: Peer, _| async move {
        loop {
            let head = peer.hear_head().await;
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{head}", head.len())).await;
        }
    };
    service(script).await.0
}

async fn gateway(folder: &Path, name: &str, head_within: Duration) -> (SocketAddr, CancellationToken) {
    let (certificate, key) = place(folder, name);
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.tls = Some(Tls::read(certificate, key).unwrap());
    options.timeouts = TIMEOUTS;
    options.limits.head_within = head_within;
    let gateway = Gateway::bind(options, table(&[("/", echoing().await)])).await.unwrap();
    let (address, shutdown) = (gateway.address(), CancellationToken::new());
    tokio::spawn(gateway.run(shutdown.clone()));
    (address, shutdown)
}

/// A client that trusts one certificate alone.
pub(crate) async fn connect(
    address: SocketAddr,
    trusted: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(given(trusted)).unwrap()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("shop.example").unwrap(), stream).await
}

#[tokio::test]
async fn both_protocols_are_offered_and_the_service_learns_that_it_was_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _shutdown) = gateway(folder.path(), "first", PATIENCE).await;

    let stream = connect(address, "first.pem", &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://shop.example/").body(Empty::<Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    let heard = answer.into_body().collect().await.unwrap().to_bytes();
    let heard = std::str::from_utf8(&heard).unwrap();
    assert!(heard.contains("x-forwarded-proto: https\r\n") && heard.contains(";proto=https\r\n"), "{heard}");

    let stream = connect(address, "first.pem", &["http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/").header("host", "shop.example").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn another_certificate_is_served_when_the_files_change_and_a_bad_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _shutdown) = gateway(folder.path(), "first", PATIENCE).await;
    let before = connect(address, "first.pem", &["http/1.1"]).await.unwrap();
    assert!(connect(address, "second.pem", &[]).await.is_err());

    // Only one of the two is there yet.
    std::fs::copy(given("second.pem"), folder.path().join("shop.pem")).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(connect(address, "first.pem", &[]).await.is_ok(), "the pair that it has goes on");

    std::fs::copy(given("second.key"), folder.path().join("shop.key")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while connect(address, "second.pem", &[]).await.is_err() {
        assert!(Instant::now() < deadline, "the new certificate is never served");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (mut sender, connection) = http1::handshake(TokioIo::new(before)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/").header("host", "shop.example").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status().as_u16(), 200, "connections stay");
}

#[tokio::test]
async fn who_shakes_no_hands_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let (address, _shutdown) = gateway(folder.path(), "first", Duration::from_millis(500)).await;
    for words in ["", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let mut peer = Peer::connect(address).await;
        peer.say(words).await;
        let mut heard = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(3), peer.0.read_to_end(&mut heard)).await;
        assert!(ended.is_ok(), "{words:?} keeps its place");
        assert!(!String::from_utf8_lossy(&heard).contains("HTTP/"), "answered without TLS");
    }
}

#[tokio::test]
async fn what_is_no_pair_is_refused_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = place(folder.path(), "first");
    let mixed = Tls::read(certificate.clone(), given("second.key"));
    assert!(matches!(mixed, Err(TlsError::Key { .. })), "{mixed:?}");
    let swapped = Tls::read(key, certificate.clone()).unwrap_err().to_string();
    assert!(swapped.contains("shop.key"), "{swapped}");
    let missing = Tls::read(certificate, folder.path().join("none.key")).unwrap_err().to_string();
    assert!(missing.contains("none.key"), "{missing}");
}
