//! Instances come, go and die under load, and no request fails.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tradewind_gateway::{Deadline, Upstream, UpstreamOptions};

use crate::calling::{OK, call, get, policy, request, upstream};
use crate::{Peer, service};

/// An instance that can be killed: its listener and all its connections end in the midst of whatever they do.
struct Killable {
    address: SocketAddr,
    running: tokio::task::JoinHandle<()>,
}

impl Killable {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let running = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut heard = Vec::new();
                    while let Ok(read) = stream.read_buf(&mut heard).await
                        && read > 0
                    {
                        if heard.ends_with(b"\r\n\r\n") {
                            heard.clear();
                            tokio::time::sleep(Duration::from_micros(fastrand::u64(..500))).await;
                            if stream.write_all(OK.as_bytes()).await.is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
        Self { address, running }
    }

    /// Dropping the task drops all of its connections.
    async fn kill(self) {
        self.running.abort();
        let _ = self.running.await;
    }
}

/// Asks until told to stop; how many were answered.
fn load(upstream: &Upstream, method: &Method, stop: &Arc<AtomicBool>) -> JoinSet<usize> {
    let mut clients = JoinSet::new();
    for _ in 0..12 {
        let (upstream, method, stop) = (upstream.clone(), method.clone(), Arc::clone(stop));
        clients.spawn(async move {
            let mut answered = 0;
            while !stop.load(Ordering::SeqCst) {
                let answer = call(&upstream, request(method.clone()), &policy()).await;
                assert_eq!(answer.map(|(status, _)| status), Ok(200), "after {answered}");
                answered += 1;
            }
            answered
        });
    }
    clients
}

async fn stopped(clients: JoinSet<usize>, stop: &AtomicBool) -> usize {
    stop.store(true, Ordering::SeqCst);
    clients.join_all().await.into_iter().sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_are_drained_and_replaced_without_a_failed_request_of_any_kind() {
    let mut instances = vec![Killable::start().await, Killable::start().await];
    let upstream = upstream(&[instances[0].address, instances[1].address], UpstreamOptions::default());
    let stop = Arc::new(AtomicBool::new(false));
    let clients = load(&upstream, &Method::POST, &stop);
    for _ in 0..4 {
        instances.push(Killable::start().await);
        let old = instances.remove(0);
        upstream.set_addresses(instances.iter().map(|instance| instance.address));
        // What is under way there is finished in this time, and nothing new comes.
        tokio::time::sleep(Duration::from_millis(800)).await;
        old.kill().await;
    }
    let answered = stopped(clients, &stop).await;
    assert!(answered > 200, "{answered}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_treated_otherwise_without_a_failed_request_of_any_kind() {
    let instances = [Killable::start().await, Killable::start().await];
    let upstream = upstream(&instances.each_ref().map(|instance| instance.address), UpstreamOptions::default());
    let stop = Arc::new(AtomicBool::new(false));
    let clients = load(&upstream, &Method::POST, &stop);
    for round in 1..=40 {
        let mut options = UpstreamOptions::default();
        // Every other time what is kept of the instances goes on.
        options.connections.idle_at_most = round / 2;
        options.balance.slow_start = Duration::from_millis(round as u64);
        options.breaker.in_flight_at_most = 1_000 + round;
        options.budget.percent = 10;
        upstream.set_options(options);
        upstream.set_addresses(instances.iter().skip(round % 2).map(|instance| instance.address));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answered = stopped(clients, &stop).await;
    assert!(answered > 200, "{answered}");
    assert_eq!(upstream.options().connections.idle_at_most, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_die_without_a_failed_query() {
    let steady = Killable::start().await;
    let upstream = upstream(&[steady.address], UpstreamOptions::default());
    let stop = Arc::new(AtomicBool::new(false));
    let clients = load(&upstream, &Method::GET, &stop);
    for _ in 0..8 {
        let doomed = Killable::start().await;
        upstream.set_addresses([steady.address, doomed.address]);
        tokio::time::sleep(Duration::from_millis(100)).await;
        doomed.kill().await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answered = stopped(clients, &stop).await;
    assert!(answered > 200, "{answered}");
}

#[tokio::test]
async fn one_that_is_taken_away_finishes_what_is_under_way_gets_nothing_new_and_is_left() {
    let heard = Arc::new(AtomicUsize::new(0));
    let (counter, (go, wait)) = (Arc::clone(&heard), tokio::sync::watch::channel(false));
    let (gone, mut told) = tokio::sync::mpsc::channel(4);
    let script = move |mut peer: Peer, _| {
        let (heard, mut wait, gone) = (Arc::clone(&counter), wait.clone(), gone.clone());
        async move {
            peer.hear_head().await;
            heard.fetch_add(1, Ordering::SeqCst);
            peer.say("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf").await;
            wait.wait_for(|go| *go).await.unwrap();
            peer.say("half").await;
            peer.hear_rest().await;
            gone.send(()).await.unwrap();
        }
    };
    let (old, _) = service(script).await;
    let upstream = upstream(&[old], UpstreamOptions::default());
    let under_way = upstream.call(request(Method::GET), Deadline::none(), &policy()).await.unwrap();
    upstream.set_addresses([Killable::start().await.address]);
    for _ in 0..20 {
        assert_eq!(get(&upstream, &policy()).await.unwrap().0, 200);
    }
    go.send(true).unwrap();
    assert_eq!(under_way.into_body().collect().await.unwrap().to_bytes(), "halfhalf");
    assert_eq!(heard.load(Ordering::SeqCst), 1);
    tokio::time::timeout(Duration::from_secs(5), told.recv()).await.expect("its connection is kept");
}
