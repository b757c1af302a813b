use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

use super::latency::{Latencies, PeakEwma};
use super::{Deadline, Endpoint, OutlierDetection, UnderWay, Upstream, UpstreamOptions};

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

#[test]
fn what_is_treated_as_before_goes_on_and_what_is_counted_stays_counted() {
    let mut options = UpstreamOptions::default();
    (options.breaker.minimum, options.breaker.percent) = (1, 1);
    let upstream = Upstream::with_options("service", [at(1)], options.clone());
    upstream.treatment().breaker.enter().unwrap().0.tell(false);
    let known = || upstream.choose(&[]).unwrap();
    let (before, breaker) = (known(), || upstream.treatment().breaker.clone());

    options.balance.slow_start = Duration::from_secs(1);
    upstream.set_options(options.clone());
    assert!(Arc::ptr_eq(&before, &known()), "it is met as before");
    assert!(breaker().enter().is_err(), "the breaker is still open");

    options.breaker.minimum = 2;
    upstream.set_options(options.clone());
    assert!(breaker().enter().is_ok(), "another breaker is closed at first");
    assert_eq!(breaker().opened(), 1, "and counts on");

    options.connections.at_most = 3;
    upstream.set_options(options);
    assert!(!Arc::ptr_eq(&before, &known()), "other connections are another acquaintance");
    assert_eq!(upstream.addresses(), [at(1)]);
}

#[test]
fn an_instance_that_is_new_gets_a_tenth_at_first_and_all_in_the_end() {
    let (endpoint, window) = (Endpoint::new(at(1), &UpstreamOptions::default()), Duration::from_secs(10));
    let begun = Instant::now();
    let share = |seconds| endpoint.share(window, begun + Duration::from_secs(seconds));
    assert!((share(0) - 0.1).abs() < 0.01 && (share(5) - 0.5).abs() < 0.01 && share(10) > 0.99 && share(99) <= 1.0);
    assert!((endpoint.share(Duration::ZERO, begun) - 1.0).abs() < f64::EPSILON);
    // Who comes back after an ejection begins again.
    endpoint.eject(Duration::from_secs(20), begun);
    assert!((share(25) - 0.5).abs() < 0.01 && endpoint.is_well(begun + Duration::from_secs(21)));
    assert!(!endpoint.is_well(begun + Duration::from_secs(19)));
}

#[test]
fn who_is_back_is_left_out_no_longer_and_starts_slowly() {
    let (endpoint, window) = (Endpoint::new(at(1), &UpstreamOptions::default()), Duration::from_secs(10));
    let (now, outliers) = (Instant::now(), OutlierDetection::default());
    for _ in 1..outliers.consecutive {
        endpoint.record.add(false, &outliers, now);
    }
    endpoint.eject(Duration::from_secs(60), now);
    endpoint.rest(Duration::from_secs(60), now);
    let later = now + Duration::from_secs(30);
    endpoint.begin_anew(later);
    assert!(endpoint.is_well(later) && endpoint.share(window, later) < 0.2);
    assert!(!endpoint.record.add(false, &outliers, later), "it is the first failure");
}

#[test]
fn who_is_new_gets_less_than_others_while_it_starts_slowly() {
    let mut options = UpstreamOptions::default();
    options.balance.slow_start = Duration::from_millis(500);
    let upstream = Upstream::with_options("service", [at(1)], options);
    std::thread::sleep(Duration::from_millis(500));
    upstream.set_addresses([at(1), at(2)]);
    let under_way: Vec<UnderWay> = (0..100).map(|_| upstream.choose(&[]).unwrap().begin()).collect();
    let loads: Vec<usize> = upstream.endpoints().iter().map(|endpoint| endpoint.load()).collect();
    assert!(loads[0] > loads[1], "{loads:?}");
    drop(under_way);
}

#[test]
fn who_is_slow_gets_less() {
    let upstream = Upstream::new("service", [at(1), at(2)]);
    let now = Instant::now();
    upstream.choose(&[at(2)]).unwrap().latency().add(Duration::from_millis(100), now);
    upstream.choose(&[at(1)]).unwrap().latency().add(Duration::from_millis(300), now);
    let under_way: Vec<UnderWay> = (0..100).map(|_| upstream.choose(&[]).unwrap().begin()).collect();
    let loads: Vec<usize> = upstream.endpoints().iter().map(|endpoint| endpoint.load()).collect();
    assert!((72..=78).contains(&loads[0]), "three times as many: {loads:?}");
    drop(under_way);
}

#[test]
fn a_peak_is_remembered_and_forgotten_slowly() {
    let (latency, now) = (PeakEwma::new(Duration::from_secs(10)), Instant::now());
    let at = |seconds| now + Duration::from_secs(seconds);
    assert_eq!(latency.seconds(now), None);
    latency.add(Duration::from_millis(10), now);
    latency.add(Duration::from_millis(500), now);
    assert_eq!(latency.seconds(now), Some(0.5), "up at once");
    latency.add(Duration::from_millis(10), at(1));
    assert!((0.4..0.5).contains(&latency.seconds(at(1)).unwrap()), "down slowly");
    assert!(latency.seconds(at(60)).unwrap() < 0.002, "and while nothing is measured");
    latency.add_at_least(Duration::from_millis(1), at(2));
    assert!(latency.seconds(at(2)).unwrap() > 0.3, "what was given up early says nothing");
}

#[test]
fn the_slowest_twentieth_is_told_when_enough_is_known() {
    let (latencies, now) = (Latencies::new(), Instant::now());
    for _ in 0..95 {
        latencies.add(Duration::from_millis(2), now);
    }
    assert_eq!(latencies.p95(), None);
    for _ in 0..5 {
        latencies.add(Duration::from_secs(1), now);
    }
    let p95 = latencies.p95().unwrap();
    assert!((2_000..2_200).contains(&p95.as_micros()), "{p95:?}");
    latencies.add(Duration::from_secs(1_000), now);
    assert!(latencies.p95().unwrap() > Duration::from_millis(900));
    latencies.add(Duration::ZERO, now + Duration::from_secs(11));
    latencies.add(Duration::ZERO, now + Duration::from_secs(22));
    assert_eq!(latencies.p95(), None, "it is long ago");
}

#[test]
fn when_few_are_in_health_all_are_asked_if_that_is_wanted() {
    let mut options = UpstreamOptions::default();
    options.balance.panic_percent = 50;
    for (panic_percent, wanted) in [(0, 1), (50, 3)] {
        options.balance.panic_percent = panic_percent;
        let upstream = Upstream::with_options("service", (1..=3).map(at), options.clone());
        for endpoint in &upstream.endpoints()[1..] {
            endpoint.set_sick(true, Instant::now());
        }
        let met: std::collections::BTreeSet<SocketAddr> = (0..200).map(|_| chosen(&upstream, &[])).collect();
        assert_eq!(met.len(), wanted);
    }
}

#[test]
fn deadlines_are_read_as_they_are_meant() {
    let read = |name: &'static str, value: &str| {
        let headers: HeaderMap = [(name.parse().unwrap(), value.parse().unwrap())].into_iter().collect();
        Deadline::of(&headers).map(|deadline| {
            deadline.at().unwrap().saturating_duration_since(Instant::now()).as_secs_f64().round() as u64
        })
    };
    assert_eq!(read("tradewind-deadline", "5000"), Ok(5));
    assert_eq!(read("tradewind-deadline", "999999999999999999"), Ok(86_400), "as good as none");
    for (value, seconds) in [("2H", 7_200), ("3M", 180), ("4S", 4), ("5000m", 5), ("6000000u", 6), ("99999999n", 0)] {
        assert_eq!(read("grpc-timeout", value), Ok(seconds), "{value}");
    }
    for value in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", " 1S", "123456789S", "1 S", "ÄS"] {
        assert!(read("grpc-timeout", value).is_err(), "{value}");
    }
    assert!(Deadline::of(&HeaderMap::new()).unwrap().at().is_none());
}
