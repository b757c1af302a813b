use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{UnderWay, Upstream};

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn chosen(upstream: &Upstream, in_vain: &[SocketAddr]) -> SocketAddr {
    upstream.choose(in_vain).unwrap().address()
}

#[test]
fn who_has_less_to_do_gets_more() {
    let upstream = Upstream::new("service", [at(1), at(2)]);
    let mut under_way: Vec<UnderWay> = Vec::new();
    for _ in 0..100 {
        under_way.push(upstream.choose(&[]).unwrap().begin());
    }
    let loads: Vec<usize> = upstream.endpoints().iter().map(|endpoint| endpoint.load()).collect();
    assert_eq!(loads, [50, 50], "of two, the one with less is always among the two");
    under_way.clear();
    assert!(upstream.endpoints().iter().all(|endpoint| endpoint.load() == 0));
}

#[test]
fn all_of_many_get_something() {
    let upstream = Upstream::new("service", (1..=8).map(at));
    let (mut counts, mut under_way) = (BTreeMap::<SocketAddr, usize>::new(), Vec::new());
    for _ in 0..800 {
        let endpoint = upstream.choose(&[]).unwrap();
        *counts.entry(endpoint.address()).or_default() += 1;
        under_way.push(endpoint.begin());
    }
    assert!(counts.len() == 8 && counts.values().all(|count| (80..120).contains(count)), "{counts:?}");
}

#[test]
fn who_was_met_in_vain_comes_last() {
    let upstream = Upstream::new("service", [at(1), at(2), at(3)]);
    for _ in 0..50 {
        assert_eq!(chosen(&upstream, &[at(1), at(3)]), at(2));
    }
    assert!(!upstream.has_other_than(&[at(1), at(2), at(3)]));
    chosen(&upstream, &[at(1), at(2), at(3)]);
    assert!(Upstream::new("service", []).choose(&[]).is_none());
    assert_eq!(chosen(&Upstream::new("service", [at(1)]), &[at(1)]), at(1));
}

#[tokio::test]
async fn instances_come_and_go_and_those_that_stay_keep_their_count() {
    let upstream = Upstream::new("service", [at(1), at(2)]);
    let second = upstream.choose(&[at(1)]).unwrap();
    let _under_way = second.begin();
    let waiting = tokio::spawn({
        let upstream = upstream.clone();
        async move { upstream.wait_for_change(Duration::from_secs(60)).await }
    });
    tokio::task::yield_now().await;
    upstream.set_addresses([at(2), at(1)]);
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "nothing has changed");
    upstream.set_addresses([at(3), at(2)]);
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert_eq!(upstream.addresses(), [at(2), at(3)]);
    assert_eq!(upstream.choose(&[at(3)]).unwrap().load(), 1);
}
