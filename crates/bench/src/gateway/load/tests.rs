use std::net::Ipv4Addr;

use tokio::net::TcpListener;
use tokio::task::LocalSet;

use super::*;
use crate::gateway::answers::{CACHED, Kind, PLAIN};
use crate::gateway::service::serve;

/// Has a load asked of the service, of which is known whether it is there.
async fn loaded(kind: Kind, expected: Option<&[u8]>, span: Span, is_there: bool) -> Result<Loaded, BenchError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let ask = Ask::get(format!("/{}/", kind.segment)).numbered();
    let load = Load { address, ask, connections: 8, expected: expected.map(Into::into) };
    let set = LocalSet::new();
    if is_there {
        set.spawn_local(serve(listener));
    } else {
        drop(listener);
    }
    set.run_until(load.run(span, || Duration::ZERO)).await
}

#[tokio::test]
async fn just_so_many_requests_are_answered_as_expected() {
    let span = Span::Requests { first: 7, count: 1_000 };
    let loaded = loaded(PLAIN, Some(&PLAIN.body()), span, true).await.unwrap();
    assert_eq!((loaded.good, loaded.bad, loaded.unanswered), (1_000, 0, 0));
    assert!(loaded.latency.quantile_us(0.5) > 0.0);
}

#[tokio::test]
async fn what_is_before_the_measured_time_does_not_count() {
    let (warm, measured) = (Duration::from_millis(50), Duration::from_millis(100));
    let loaded = loaded(PLAIN, Some(&PLAIN.body()), Span::Time { warm, measured }, true).await.unwrap();
    assert!(loaded.good > 10 && loaded.time >= measured && loaded.time < Duration::from_secs(5), "{loaded:?}");
}

#[tokio::test]
async fn another_answer_than_expected_ends_it() {
    let span = Span::Requests { first: 0, count: 1_000 };
    let wrong = loaded(PLAIN, Some(&CACHED.body()), span, true).await;
    assert!(matches!(wrong, Err(BenchError::Wrong(_))), "{wrong:?}");
    let nobody = loaded(PLAIN, Some(&PLAIN.body()), span, false).await;
    assert!(matches!(nobody, Err(BenchError::Engine(_))), "{nobody:?}");
}

#[tokio::test]
async fn where_anything_goes_what_does_not_is_counted() {
    let span = Span::Requests { first: 0, count: 100 };
    let none = loaded(PLAIN, None, span, false).await.unwrap();
    assert_eq!((none.good, none.bad, none.unanswered), (0, 0, 100));
    let unknown = loaded(Kind { segment: "unknown", cache_control: None }, None, span, true).await.unwrap();
    assert_eq!((unknown.good, unknown.bad, unknown.unanswered), (0, 100, 0));
}
