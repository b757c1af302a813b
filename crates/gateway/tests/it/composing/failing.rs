//! Each way to fail, and each thing that an author may want then.

use std::time::{Duration, Instant};

use serde_json::{Value, json as value};
use tradewind_gateway::compose::OnFailure;
use tradewind_gateway::{BreakerOptions, UpstreamOptions};

use super::{Shop, Wanted, json};
use crate::acting::{Acting, Does, header, ok};
use crate::status_of;

/// The ways to fail: what they are called, the status of the whole if the author does without nothing, and the service.
const WAYS: [(&str, u16, Option<Does>); 7] = [
    ("unavailable", 503, None),
    ("timeout", 504, Some(Does::Hangs)),
    ("timeout", 504, Some(Does::Dawdles(Duration::from_secs(3)))),
    ("unavailable", 503, Some(Does::BreaksOff)),
    ("garbage", 502, Some(Does::Babbles)),
    ("garbage", 502, Some(Does::Gibbers)),
    ("refused", 502, Some(Does::Fails)),
];

fn fail(acting: &Acting, does: Option<Does>) {
    match does {
        Some(does) => acting.does(does),
        None => acting.kill(),
    }
}

async fn after_failing(does: Option<Does>, on_failure: OnFailure) -> String {
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted { on_failure, ..Wanted::default() }).await;
    assert_eq!(header(&gateway.page("").await, "tradewind-fragments"), "product, stock");
    fail(&shop.inventory, does);
    let begun = Instant::now();
    let page = gateway.page("").await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{does:?} took {:?}", begun.elapsed());
    page
}

#[tokio::test]
async fn what_cannot_be_done_without_fails_the_whole() {
    for (_, status, does) in WAYS {
        let page = after_failing(does, OnFailure::ERROR).await;
        assert!(status_of(&page) == status && page.contains("\"TW-3032\""), "{does:?}: {page}");
        assert!(page.contains("stock") && page.contains("inventory"), "it names the call and its service: {page}");
    }
}

#[tokio::test]
async fn what_can_be_done_without_is_left_out() {
    for (why, _, does) in WAYS {
        let page = after_failing(does, OnFailure::OMIT).await;
        assert_eq!(json(&page), value!({ "product": { "name": "Tea" } }), "{does:?}");
        assert_eq!(header(&page, "tradewind-fragments"), format!("product, stock;missing={why}"), "{does:?}");
        assert_eq!(header(&page, "cache-control"), "no-store", "{does:?}");
    }
}

#[tokio::test]
async fn a_default_stands_in_its_place() {
    for (why, _, does) in WAYS {
        let page = after_failing(does, OnFailure::default_value(value!({ "available": 0 }))).await;
        assert_eq!(json(&page)["stock"]["available"], 0, "{does:?}");
        assert_eq!(header(&page, "tradewind-fragments"), format!("product, stock;missing={why}"), "{does:?}");
    }
}

#[tokio::test]
async fn a_stale_answer_stands_in_its_place_and_says_so() {
    for (_, _, does) in WAYS {
        let page = after_failing(does, OnFailure::ERROR.or_stale(Duration::from_secs(60))).await;
        assert_eq!(json(&page)["stock"]["available"], 3, "{does:?}: {page}");
        let fragments = header(&page, "tradewind-fragments");
        assert!(fragments.starts_with("product, stock;stale="), "{does:?}: {fragments}");
        assert_eq!(header(&page, "tradewind-position"), "catalog=42, inventory=5", "{does:?}");
    }
}

#[tokio::test]
async fn what_is_too_stale_is_as_good_as_nothing() {
    let shop = Shop::new().await;
    let on_failure = OnFailure::OMIT.or_stale(Duration::from_millis(1_500));
    let gateway = shop.gateway(&Wanted { on_failure, ..Wanted::default() }).await;
    gateway.page("").await;
    shop.inventory.kill();
    assert_eq!(json(&gateway.page("").await)["stock"]["available"], 3);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let page = gateway.page("").await;
    assert_eq!(json(&page)["stock"], Value::Null);
    assert_eq!(header(&page, "tradewind-fragments"), "product, stock;missing=unavailable");
}

#[tokio::test]
async fn a_service_that_is_well_is_asked_when_what_is_stored_is_staler_than_may_be() {
    for (said, asks) in [("max-age=1, stale-while-revalidate=600", ""), ("max-age=1", "cache-control: max-stale\r\n")] {
        let shop = Shop::new().await;
        let counted = std::sync::atomic::AtomicUsize::new(0);
        let inventory = Acting::begin(move |_| {
            let number = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            ok(&format!("cache-control: {said}\r\n"), &format!("{{\"available\":{number}}}"))
        });
        let inventory = inventory.await;
        let upstreams = [shop.upstreams[0].clone(), inventory.upstream("inventory")];
        let shop = Shop { upstreams, ..shop };
        let on_failure = OnFailure::ERROR.or_stale(Duration::from_millis(500));
        let gateway = shop.gateway(&Wanted { on_failure, ..Wanted::default() }).await;
        assert_eq!(json(&gateway.page("").await)["stock"]["available"], 0);
        // Stale by two seconds or more then.
        tokio::time::sleep(Duration::from_millis(3_100)).await;
        let page = gateway.page(asks).await;
        assert_eq!(json(&page)["stock"]["available"], 1, "{said} {asks:?}: {page}");
        assert_eq!(header(&page, "tradewind-fragments"), "product, stock", "{said} {asks:?}");
    }
}

#[tokio::test]
async fn garbage_takes_no_good_answer_s_place() {
    let shop = Shop::new().await;
    let on_failure = OnFailure::ERROR.or_stale(Duration::from_secs(60));
    let gateway = shop.gateway(&Wanted { on_failure, ..Wanted::default() }).await;
    gateway.page("").await;
    for does in [Does::Babbles, Does::BreaksOff, Does::Babbles, Does::Hangs] {
        shop.inventory.does(does);
        assert_eq!(json(&gateway.page("").await)["stock"]["available"], 3, "{does:?}");
    }
}

#[tokio::test]
async fn who_waits_for_another_s_question_gets_a_stale_answer_in_time() {
    let shop = Shop::new().await;
    let on_failure = OnFailure::ERROR.or_stale(Duration::from_secs(60));
    let gateway = shop.gateway(&Wanted { on_failure, ..Wanted::default() }).await;
    gateway.page("").await;
    shop.inventory.does(Does::Hangs);
    let (first, second) = tokio::join!(gateway.page(""), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        gateway.page("tradewind-deadline: 300\r\n").await
    });
    for page in [first, second] {
        assert!(header(&page, "tradewind-fragments").contains("stock;stale="), "{page}");
    }
}

#[tokio::test]
async fn a_client_in_a_hurry_costs_those_who_wait_with_it_nothing() {
    let shop = Shop::new().await;
    let on_failure = OnFailure::ERROR.or_stale(Duration::from_secs(60));
    let gateway = shop.gateway(&Wanted { on_failure, ..Wanted::default() }).await;
    gateway.page("").await;
    shop.inventory.does(Does::Dawdles(Duration::from_millis(300)));
    let (_, patient) = tokio::join!(gateway.page("tradewind-deadline: 100\r\n"), async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        gateway.page("").await
    });
    assert_eq!(header(&patient, "tradewind-fragments"), "product, stock", "{patient}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_none() {
    let shop = Shop::new().await;
    let large = Acting::answering("", &format!("{{\"available\":\"{}\"}}", "x".repeat(20_000))).await;
    let upstreams = [shop.upstreams[0].clone(), large.upstream("inventory")];
    let shop = Shop { upstreams, ..shop };
    let gateway = shop.gateway(&Wanted { on_failure: OnFailure::OMIT, ..Wanted::default() }).await;
    assert_eq!(header(&gateway.page("").await, "tradewind-fragments"), "product, stock;missing=too-large");
}

#[tokio::test]
async fn a_service_that_hangs_is_left_alone_but_not_for_clients_who_gave_it_no_time() {
    let shop = Shop::new().await;
    let breaker = BreakerOptions { minimum: 5, open: Duration::from_secs(60), ..BreakerOptions::default() };
    shop.upstreams[1].set_options(UpstreamOptions { breaker, ..UpstreamOptions::default() });
    let timeout = Duration::from_millis(400);
    let gateway = shop.gateway(&Wanted { on_failure: OnFailure::OMIT, timeout, ..Wanted::default() }).await;
    shop.inventory.does(Does::Hangs);
    for _ in 0..10 {
        gateway.page("tradewind-deadline: 100\r\n").await;
    }
    for why in ["timeout", "timeout", "timeout", "timeout", "timeout", "unavailable"] {
        let page = gateway.page("").await;
        assert_eq!(header(&page, "tradewind-fragments"), format!("product, stock;missing={why}"));
    }
}
