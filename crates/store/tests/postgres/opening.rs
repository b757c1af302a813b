//! What a store in PostgreSQL is opened on and what not, and what is said.

use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tradewind_events::{Append, ExpectedRevision, Position, Query, Revision, StreamId};
use tradewind_store::{OpenError, OpenOptions, open};
use tradewind_testkit::servers::{Postgres, free_port, is_left_out};

use crate::load::{PATIENCE, event};

fn impatient() -> OpenOptions {
    let mut options = OpenOptions::default();
    options.postgres.open_within = Duration::from_millis(300);
    options
}

async fn refused(url: &str, options: OpenOptions) -> OpenError {
    match open(url, options).await {
        Ok(_) => panic!("{url} was opened"),
        Err(error) => error,
    }
}

fn append() -> Append {
    Append::to(StreamId::new("a-1").unwrap(), ExpectedRevision::Any, vec![event(&[])])
}

#[tokio::test]
async fn a_database_that_is_away_is_named_with_its_reason() {
    let url = format!("postgres://ann:secret@127.0.0.1:{}/shop?schema=orders", free_port());
    let error = refused(&url, impatient()).await;
    let said = error.to_string();
    assert_eq!(error.code().to_string(), "TW-1007");
    assert!(said.contains("/shop schema orders") && said.contains("refused") && !said.contains("secret"), "{said}");
}

#[tokio::test]
async fn what_cannot_be_trusted_or_is_not_there_is_refused() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::start("fsync = off");
    let error = refused(&server.url("a"), impatient()).await;
    assert_eq!(error.code().to_string(), "TW-1016");
    assert!(error.to_string().contains("fsync is off"), "{error}");
    let allowed = format!("{}&durability=unsafe", server.url("a"));
    open(&allowed, impatient()).await.unwrap();
    let nothing = refused(&allowed.replace("schema=a", "schema=b"), OpenOptions { create: false, ..impatient() }).await;
    assert_eq!(nothing.code().to_string(), "TW-1013");
    server.query("INSERT INTO a.versions VALUES (99, now())");
    let newer = refused(&allowed, impatient()).await;
    assert_eq!(newer.code().to_string(), "TW-1013");
    assert!(newer.to_string().contains("version 99"), "{newer}");
}

#[tokio::test]
async fn a_session_waits_for_the_disk_whatever_the_server_says() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::start("synchronous_commit = off\ndefault_transaction_isolation = 'serializable'");
    let store = open(&server.url("hurried"), OpenOptions::default()).await.unwrap();
    let before = server.query("SELECT wal_sync FROM pg_stat_wal").parse::<u64>().unwrap();
    for _ in 0..20 {
        store.append(append()).await.unwrap();
    }
    // The server counts when a session is idle or every second.
    let begun = Instant::now();
    while server.query("SELECT wal_sync FROM pg_stat_wal").parse::<u64>().unwrap() < before + 20 {
        assert!(begun.elapsed() < PATIENCE, "appends were acknowledged without a sync each");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn processes_that_open_a_new_store_at_once_make_it_once() {
    if is_left_out("postgres") {
        return;
    }
    let url = Postgres::shared().fresh_url();
    let opening = (0..8).map(|_| open(&url, OpenOptions::default()));
    let stores = futures_util::future::join_all(opening).await;
    for store in &stores {
        store.as_ref().unwrap().append(append()).await.unwrap();
    }
    assert_eq!(stores[0].as_ref().unwrap().head().await.unwrap(), Position(8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_is_told_of_what_another_process_appends_and_looks_by_itself_when_it_is_not() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::shared();
    let url = server.fresh_url();
    let mut options = OpenOptions::default();
    options.postgres.poll_every = Duration::from_secs(600);
    let (reader, writer) = (open(&url, options).await.unwrap(), open(&url, OpenOptions::default()).await.unwrap());
    let mut told = reader.subscribe(Position::START, Query::all()).await.unwrap();
    assert!(told.next().await.unwrap().unwrap().caught_up);
    let polling = open(&url, OpenOptions::default()).await.unwrap();
    let mut looks = polling.subscribe(Position::START, Query::all()).await.unwrap();
    assert!(looks.next().await.unwrap().unwrap().caught_up);
    let schema = url.rsplit('=').next().unwrap();
    let listens = format!("SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN tradewind_{schema}'");
    until(|| server.query(&listens) == "2", "they do not listen").await;
    writer.append(append()).await.unwrap();
    let delivery = tokio::time::timeout(PATIENCE, told.next()).await.expect("no notification came").unwrap().unwrap();
    assert_eq!(delivery.through, Position(1));
    // Nobody notifies of what somebody else's program records.
    server.query(&format!(
        "INSERT INTO {schema}.events SELECT 2, stream, 1, time, recorded_at, kind, edges, gen_random_uuid(), tags,
         metadata, data FROM {schema}.events"
    ));
    loop {
        let delivery = tokio::time::timeout(PATIENCE, looks.next()).await.expect("it does not look").unwrap().unwrap();
        if delivery.through == Position(2) {
            break;
        }
    }
}

#[tokio::test]
async fn connections_are_secret_when_the_url_says_so_and_ask_for_a_certificate_when_it_says_that() {
    if is_left_out("postgres") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("certificate.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
    let made = openssl.output().expect("openssl is not installed: `apt-get install -y openssl`");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Postgres::start("");
    server.take_file(&key, "server.key");
    server.take_file(&certificate, "server.crt");
    server.query("ALTER SYSTEM SET ssl = on");
    server.query("SELECT pg_reload_conf()");
    until(|| server.query("SHOW ssl") == "on", "the server takes no certificate").await;
    let url = |host: &str, mode: &str| {
        let name = mode.split('&').next().unwrap();
        let place = format!("postgres://postgres@{host}:{}/postgres", server.port());
        format!("{place}?schema=secret&application_name={name}&sslmode={mode}")
    };
    let trusted = format!("verify-full&sslrootcert={}", certificate.display());
    // Whether any, and whether all of a store's connections are secret.
    let secret = |name: &str| {
        server.query(&format!(
            "SELECT count(*) > 0, coalesce(bool_and(s.ssl), false) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
             WHERE a.application_name = '{name}'"
        ))
    };
    for (mode, expected) in [("prefer", "t|t"), ("require", "t|t"), (&*trusted, "t|t"), ("disable", "t|f")] {
        let store = open(&url("localhost", mode), impatient()).await.unwrap();
        store.head().await.unwrap();
        assert_eq!(secret(mode.split('&').next().unwrap()), expected, "sslmode={mode}");
    }
    // Neither a name that is not in the certificate nor an issuer whom nobody trusts.
    refused(&url("127.0.0.1", &trusted), impatient()).await;
    refused(&url("localhost", "verify-full"), impatient()).await;
    let bare = Postgres::shared();
    let error = refused(&format!("{}&sslmode=require", bare.url("x")), impatient()).await;
    assert!(error.to_string().to_lowercase().contains("tls"), "{error}");
}

/// The names of tables would do as names of stores, and of what shops have.
#[tokio::test]
async fn a_schema_may_be_called_by_a_reserved_word() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::start("");
    for name in ["order", "user", "table"] {
        let store = open(&server.url(name), impatient()).await.unwrap();
        let mut follower = store.subscribe(Position::START, Query::all()).await.unwrap();
        store.append(append()).await.unwrap();
        store.truncate(&StreamId::new("a-1").unwrap(), Revision::END).await.unwrap();
        while follower.next().await.unwrap().unwrap().through < Position(1) {}
        assert_eq!(store.read(Position::START, &Query::category("a"), 5).await.unwrap().events.len(), 1);
    }
}

#[tokio::test]
async fn a_schema_that_is_there_needs_no_right_to_make_one() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::start("");
    server.query("CREATE ROLE tenant LOGIN");
    server.query("CREATE SCHEMA given AUTHORIZATION tenant");
    let url = |schema: &str| server.url(schema).replace("postgres@", "tenant@");
    let store = open(&url("given"), impatient()).await.unwrap();
    store.append(append()).await.unwrap();
    // Also a repetition, which only writes that it was there.
    let again = append();
    assert!(!store.append(again.clone()).await.unwrap().duplicate);
    assert!(store.append(again).await.unwrap().duplicate);
    let error = refused(&url("another"), impatient()).await;
    assert!(error.to_string().contains("permission denied"), "{error}");
}

async fn until(mut is_so: impl FnMut() -> bool, otherwise: &str) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{otherwise}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
