//! Servers and networks that do not fail, but say nothing.

use std::time::Duration;

use futures_util::StreamExt as _;
use tradewind_events::{Append, Event, ExpectedRevision, Position, Query, StreamId, Subscription};
use tradewind_store::{OpenOptions, open};
use tradewind_testkit::servers::{Postgres, is_left_out};

use crate::load::{PATIENCE, event};
use crate::proxy::Proxy;

fn to(stream: &str, events: Vec<Event>) -> Append {
    Append::to(StreamId::new(stream).unwrap(), ExpectedRevision::Any, events)
}

async fn until(follower: &mut Subscription, position: u64) {
    let coming = async { while follower.next().await.unwrap().unwrap().through < Position(position) {} };
    let came = tokio::time::timeout(PATIENCE, coming).await;
    came.unwrap_or_else(|_| panic!("a follower does not come to {position}"));
}

/// As a machine whose power fails: it is still in the URL, and takes no part.
#[tokio::test]
async fn a_host_that_takes_connections_and_says_nothing_does_not_keep_the_next_from_being_asked() {
    if is_left_out("postgres") {
        return;
    }
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Postgres::shared();
    let url = server.fresh_url();
    let both = format!("127.0.0.1:{},127.0.0.1:{}", silent.local_addr().unwrap().port(), server.port());
    let url = url.replace(&format!("127.0.0.1:{}", server.port()), &both);
    let mut options = OpenOptions::default();
    options.postgres.connect_within = Duration::from_secs(4);
    let store = open(&url, options).await.unwrap();
    store.append(to("a-1", vec![event(&[])])).await.unwrap();
    let mut follower = store.subscribe(Position::START, Query::all()).await.unwrap();
    until(&mut follower, 1).await;
}

/// The server gets the append, and records it; nothing comes back. It takes as long as an answer may to notice that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_in_silence_is_sent_again_and_all_followers_are_told() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::shared();
    let proxy = Proxy::before(server.port()).await;
    let url = server.fresh_url();
    let schema = url.rsplit('=').next().unwrap();
    let mut options = OpenOptions::default();
    // Nobody looks by himself.
    options.postgres.poll_every = Duration::from_secs(600);
    let elsewhere = open(&url, options.clone()).await.unwrap();
    options.postgres.answer_within = Duration::from_secs(1);
    options.postgres.connect_within = Duration::from_secs(1);
    options.postgres.retry_for = Duration::from_millis(500);
    let store = open(&proxy.url(schema), options).await.unwrap();
    let mut here = store.subscribe(Position::START, Query::all()).await.unwrap();
    let mut there = elsewhere.subscribe(Position::START, Query::all()).await.unwrap();
    assert!(there.next().await.unwrap().unwrap().caught_up);
    let listens = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND query LIKE '%{}'";
    let begun = std::time::Instant::now();
    while server.query(&listens.replace("{}", schema)) != "2" {
        assert!(begun.elapsed() < PATIENCE, "they do not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.append(to("a-1", vec![event(&[])])).await.unwrap();
    until(&mut here, 1).await;
    until(&mut there, 1).await;
    proxy.lose_answers();
    let appended = store.append(to("a-1", vec![event(&[])])).await.unwrap();
    assert!(appended.duplicate, "it was not the second attempt that was answered");
    until(&mut here, 2).await;
    until(&mut there, 2).await;
}

#[tokio::test]
async fn a_server_that_falls_silent_while_a_store_is_made_is_not_waited_for_without_end() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::shared();
    let proxy = Proxy::before(server.port()).await;
    let url = server.fresh_url();
    let mut options = OpenOptions::default();
    options.postgres.answer_within = Duration::from_secs(2);
    options.postgres.connect_within = Duration::from_secs(1);
    proxy.lose_the_answer_to("pg_advisory_xact_lock");
    let through = proxy.url(url.rsplit('=').next().unwrap());
    let store = tokio::time::timeout(PATIENCE, open(&through, options)).await.expect("it waits without end").unwrap();
    assert!(proxy.has_lost_it());
    store.append(to("a-1", vec![event(&[])])).await.unwrap();
}

/// Nearly always everything is recorded, which is soon said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_answered_in_few_bytes() {
    if is_left_out("postgres") {
        return;
    }
    const APPENDS: u64 = 1_000;
    let server = Postgres::shared();
    let proxy = Proxy::before(server.port()).await;
    let url = server.fresh_url();
    let store = open(&proxy.url(url.rsplit('=').next().unwrap()), OpenOptions::default()).await.unwrap();
    store.append(to("a-0", vec![event(&[])])).await.unwrap();
    // First they are new, then they are known.
    for round in 0..2 {
        let before = proxy.answered();
        let appends = (1..=APPENDS).map(|number| store.append(to(&format!("a-{number}"), vec![event(&[])])));
        for appended in futures_util::future::join_all(appends).await {
            let revision = appended.unwrap().revisions[0].unwrap();
            assert_eq!(revision.0, round);
        }
        let each = (proxy.answered() - before) as f64 / APPENDS as f64;
        assert!(each < 10.0, "{each} bytes an append");
    }
}
