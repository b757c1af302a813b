//! A second instance is asked while the first has not answered.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::Method;
use tradewind_gateway::{
    CallPolicy, Hedge, NoAnswer, OutlierDetection, RetryBudget, RetryPolicy, Upstream, UpstreamOptions,
};

use crate::calling::{OK, call, get, policy, reaches, request, saying, silent, upstream};

fn hedged(hedge: Hedge) -> CallPolicy {
    CallPolicy { hedge: Some(hedge), retry: RetryPolicy::never(), ..policy() }
}

/// Nobody is left out for being cancelled, so that chance meets the slow one again and again.
fn without_memory() -> UpstreamOptions {
    let outliers = OutlierDetection { consecutive: 0, percent: 101, ..OutlierDetection::default() };
    let budget = RetryBudget { percent: 100, floor_per_second: 100 };
    UpstreamOptions { outliers, budget, ..UpstreamOptions::default() }
}

#[tokio::test]
async fn the_quicker_one_answers_and_the_other_is_told_that_nobody_listens() {
    let ((slow, heard, gone), (quick, _)) = (silent().await, saying(OK).await);
    let upstream = upstream(&[slow, quick], without_memory());
    let mut longest = Duration::ZERO;
    for _ in 0..30 {
        let begun = Instant::now();
        assert_eq!(get(&upstream, &hedged(Hedge::After(Duration::from_millis(50)))).await.unwrap().0, 200);
        longest = longest.max(begun.elapsed());
    }
    assert!(longest < Duration::from_millis(450), "without it, the slow one costs 500 ms: {longest:?}");
    let heard = heard.load(Ordering::SeqCst);
    assert!(heard > 0, "chance never met it");
    reaches(&gone, heard).await;
}

#[tokio::test]
async fn what_must_not_be_repeated_is_not_hedged_and_nor_is_what_the_budget_does_not_allow() {
    let policy = hedged(Hedge::After(Duration::from_millis(20)));
    let ((one, first, _), (other, second, _)) = (silent().await, silent().await);
    let both = |options: UpstreamOptions| -> Upstream { upstream(&[one, other], options) };
    let heard = || first.load(Ordering::SeqCst) + second.load(Ordering::SeqCst);
    let posted = call(&both(without_memory()), request(Method::POST), &policy).await;
    assert_eq!((posted, heard()), (Err(NoAnswer::Timeout), 1));
    let budget = RetryBudget { percent: 0, floor_per_second: 0 };
    let stingy = both(UpstreamOptions { budget, ..without_memory() });
    assert_eq!((get(&stingy, &policy).await, heard()), (Err(NoAnswer::Timeout), 2));
    assert_eq!((get(&both(without_memory()), &policy).await, heard()), (Err(NoAnswer::Timeout), 4));
}

#[tokio::test]
async fn the_slowest_twentieth_is_hedged_once_enough_is_known() {
    let ((quick, _), (slow, heard, _)) = (saying(OK).await, silent().await);
    let upstream = upstream(&[quick], without_memory());
    let policy = hedged(Hedge::P95 { at_least: Duration::from_millis(50) });
    for _ in 0..150 {
        get(&upstream, &policy).await.unwrap();
    }
    upstream.set_addresses([quick, slow]);
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(get(&upstream, &policy).await.unwrap().0, 200);
    }
    assert!(heard.load(Ordering::SeqCst) > 0 && begun.elapsed() < Duration::from_secs(5));
}
