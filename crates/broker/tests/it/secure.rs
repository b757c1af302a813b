//! Kafka over TLS, and with a login.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tradewind_broker::conformance::event;
use tradewind_broker::{Broker, BrokerError, Group, Message, StartFrom, Subscribe, open};
use tradewind_events::Position;
use tradewind_testkit::servers::{Kafka, is_left_out};

use crate::given::{fresh_topic, options};

/// A certificate for `localhost`, and its key.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
    let made = openssl.output().expect("openssl is not installed: `apt-get install -y openssl`");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

/// What stands before a server and speaks TLS.
async fn terminate(listener: TcpListener, certificate: &Path, key: &Path, server_port: u16) {
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((client, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let mut client = acceptor.accept(client).await.ok()?;
            let mut server = TcpStream::connect(("127.0.0.1", server_port)).await.ok()?;
            tokio::io::copy_bidirectional(&mut client, &mut server).await.ok()
        });
    }
}

async fn goes_through(broker: &dyn Broker) {
    let (topic, group) = (fresh_topic(), Group::new("secure").unwrap());
    let mut publisher = broker.publisher(&topic).await.unwrap();
    publisher.publish(&[Message::of(&event(1), "/check", Position::START)]).await.unwrap();
    let mut consumer = broker.consumer(Subscribe { topic, group, from: StartFrom::Beginning }).await.unwrap();
    let came = tokio::time::timeout(Duration::from_secs(20), consumer.next(1)).await.unwrap().unwrap();
    assert_eq!(came[0].event.position(), Position(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_goes_over_tls_to_whom_is_trusted() {
    if is_left_out("kafka") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(folder.path());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Kafka::start_behind(port);
    let server_port = server.port();
    let (chain, private) = (certificate.clone(), key.clone());
    tokio::spawn(async move { terminate(listener, &chain, &private, server_port).await });
    let url = format!("kafkas://localhost:{port}?ca={}", certificate.display());
    goes_through(&*open(&url, options()).unwrap().unwrap()).await;
    // Nobody has told to trust it.
    let strangers = open(&format!("kafkas://localhost:{port}"), options()).unwrap().unwrap();
    let refused = strangers.publisher(&fresh_topic()).await.err().unwrap();
    assert!(matches!(refused, BrokerError::Refused(_)), "{refused:?}");
}

/// It is told, and not that the server is away; and nobody reads the password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_kafka_does_not_know_is_refused() {
    if is_left_out("kafka") {
        return;
    }
    let server = Kafka::start_closed();
    for mechanism in ["scram-sha-512", "scram-sha-256"] {
        let address = server.url().trim_start_matches("kafka://").to_owned();
        let url = format!("kafka://ann:so%20secret@{address}?sasl={mechanism}");
        let refused = open(&url, options()).unwrap().unwrap().publisher(&fresh_topic()).await.err().unwrap();
        assert!(matches!(&refused, BrokerError::Refused(told) if told.contains("uthentication")), "{refused:?}");
        assert!(!format!("{refused} {refused:?}").contains("secret"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kafka_that_is_away_is_told_at_once() {
    let begun = tokio::time::Instant::now();
    let nobody = format!("kafka://127.0.0.1:{}", tradewind_testkit::servers::free_port());
    let away = open(&nobody, options()).unwrap().unwrap().publisher(&fresh_topic()).await.err().unwrap();
    assert!(matches!(&away, BrokerError::Unavailable(why) if why.contains("Connection refused")), "{away:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "after {:?}", begun.elapsed());
}
