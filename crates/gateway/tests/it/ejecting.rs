//! Passive health: who fails is left out for a while, and never all are.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tradewind_gateway::{BreakerOptions, OutlierDetection, UpstreamOptions};

use crate::calling::{OK, call, get, one_try, policy, request, saying, upstream};

const WRONG: &str = "HTTP/1.1 502 Wrong\r\ncontent-length: 0\r\n\r\n";

fn options() -> UpstreamOptions {
    let outliers = OutlierDetection { ejection: Duration::from_millis(400), ..OutlierDetection::default() };
    let breaker = BreakerOptions { percent: 101, ..BreakerOptions::default() };
    UpstreamOptions { outliers, breaker, ..UpstreamOptions::default() }
}

#[tokio::test]
async fn who_fails_five_times_is_left_out_and_asked_again_later() {
    let ((bad, heard), (good, _)) = (saying(WRONG).await, saying(OK).await);
    let upstream = upstream(&[bad, good], options());
    for _ in 0..60 {
        let _ = get(&upstream, &one_try()).await.unwrap();
    }
    assert_eq!(heard.load(Ordering::SeqCst), 5);
    tokio::time::sleep(Duration::from_millis(450)).await;
    for _ in 0..60 {
        let _ = get(&upstream, &one_try()).await.unwrap();
    }
    assert_eq!(heard.load(Ordering::SeqCst), 10);
    tokio::time::sleep(Duration::from_millis(450)).await;
    for _ in 0..20 {
        assert_eq!(get(&upstream, &one_try()).await.unwrap().0, 200, "the second time is twice as long");
    }
    tokio::time::sleep(Duration::from_millis(450)).await;
    for _ in 0..60 {
        let _ = get(&upstream, &one_try()).await.unwrap();
    }
    assert_eq!(heard.load(Ordering::SeqCst), 15);
}

#[tokio::test]
async fn no_more_than_a_part_is_left_out_and_the_last_one_never() {
    let (alone, heard) = saying(WRONG).await;
    let one = upstream(&[alone], options());
    for _ in 0..20 {
        assert_eq!(get(&one, &one_try()).await.unwrap().0, 502);
    }
    assert_eq!(heard.load(Ordering::SeqCst), 20);

    let bad = [saying(WRONG).await, saying(WRONG).await, saying(WRONG).await, saying(WRONG).await];
    let mut lasting = options();
    lasting.outliers.ejection = Duration::from_secs(60);
    let four = upstream(&bad.clone().map(|(address, _)| address), lasting);
    for _ in 0..60 {
        assert_eq!(get(&four, &one_try()).await.unwrap().0, 502);
    }
    let left = bad.iter().filter(|(_, heard)| heard.load(Ordering::SeqCst) > 5).count();
    assert_eq!(left, 2, "half of them");
}

#[tokio::test]
async fn who_fails_half_of_the_time_is_left_out_though_never_five_times_in_succession() {
    use std::sync::atomic::AtomicUsize;
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let script = |mut peer: crate::Peer, _| async move {
        loop {
            peer.hear_head().await;
            let even = TURN.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
            peer.say(if even { WRONG } else { OK }).await;
        }
    };
    let ((moody, _), (good, _)) = (crate::service(script).await, saying(OK).await);
    let upstream = upstream(&[moody, good], options());
    for _ in 0..120 {
        let _ = get(&upstream, &one_try()).await.unwrap();
    }
    assert!(TURN.load(Ordering::SeqCst) <= 21, "{}", TURN.load(Ordering::SeqCst));
}

#[tokio::test]
async fn who_has_not_come_as_far_as_somebody_wants_is_not_left_out() {
    let behind = "HTTP/1.1 503 Behind\r\ntradewind-position: 7\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
    for (after, is_behind) in [("9000000000000000000", true), ("8", true), ("7", false)] {
        let ((late, heard), (good, _)) = (saying(behind).await, saying(OK).await);
        // Both are as fast as can be told, so that chance alone says who is asked.
        let mut options = options();
        options.balance.noise = Duration::from_secs(60);
        let upstream = upstream(&[late, good], options);
        for _ in 0..60 {
            let mut request = request(http::Method::GET);
            request.headers_mut().insert("tradewind-after", after.parse().unwrap());
            assert!(matches!(call(&upstream, request, &policy()).await.unwrap().0, 200 | 503));
        }
        let heard = heard.load(Ordering::SeqCst);
        assert!(if is_behind { heard > 10 } else { heard <= 5 }, "{after}: {heard}");
    }
}
