//! What calls take along of the request, and what is kept apart.

use std::time::Duration;

use serde_json::json as value;
use tradewind_gateway::compose::OnFailure;
use tradewind_gateway::{Limits, Route, RouteTable};

use super::{Shop, Wanted, json};
use crate::acting::{Acting, header, ok};
use crate::{gateway_before, status_of};

const ANN: &str = "authorization: Bearer ann\r\ncookie: session=ann; tradewind-after.catalog=40\r\n";
const BOB: &str = "authorization: Bearer bob\r\ncookie: session=bob\r\n";

#[tokio::test]
async fn credentials_stay_here_unless_the_composition_hands_them_on() {
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted::default()).await;
    json(&gateway.page(ANN).await);
    let seen = shop.catalog.last();
    assert!(!seen.contains("ann") && !seen.contains("cookie") && !seen.contains("authorization"), "{seen}");
    let gateway = shop.gateway(&Wanted { credentials: true, ..Wanted::default() }).await;
    let page = gateway.page(ANN).await;
    let seen = shop.catalog.last();
    assert!(seen.contains("authorization: bearer ann\r\n") && seen.contains("cookie: session=ann\r\n"), "{seen}");
    assert!(header(&page, "cache-control").starts_with("private"), "{page}");
}

#[tokio::test]
async fn what_one_user_is_told_is_never_another_s() {
    let shop = Shop::new().await;
    // Services that say that anybody may store what they told this user.
    let said = |head: &str| {
        let who = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("nobody").to_owned();
        ok("cache-control: public, max-age=60\r\n", &format!("{{\"name\":\"{who}\",\"available\":\"{who}\"}}"))
    };
    let careless = Acting::begin(said).await;
    let upstreams = [careless.upstream("catalog"), careless.upstream("inventory")];
    let shop = Shop { upstreams, ..shop };
    let wanted = Wanted { credentials: true, fresh: Some(Duration::from_secs(60)), ..Wanted::default() };
    let gateway = shop.gateway(&wanted).await;
    let ann = "authorization: Bearer ann\r\ncookie: session=ann\r\n";
    for (who, name) in
        [(ann, "bearer ann"), (BOB, "bearer bob"), ("", "nobody"), (ann, "bearer ann"), (BOB, "bearer bob")]
    {
        let page = gateway.page(who).await;
        assert_eq!(json(&page)["product"]["name"], name);
        // Who signs in must not be given what was stored for nobody, by a browser or by a cache on the way.
        assert_eq!(header(&page, "vary"), "authorization, cookie, tradewind-actor", "{name}");
        let is_private = header(&page, "cache-control").starts_with("private, max-age=");
        assert_eq!(is_private, name != "nobody", "{page}");
        let etag = header(&page, "etag");
        let unchanged = gateway.page(&format!("{who}if-none-match: {etag}\r\n")).await;
        assert_eq!((status_of(&unchanged), header(&unchanged, "vary")), (304, header(&page, "vary")));
    }
    assert_eq!(careless.asked(), 6, "each is asked for once");
}

#[tokio::test]
async fn what_is_told_to_a_token_is_its_bearer_s_also_if_no_service_has_seen_it() {
    let must = Acting::answering("cache-control: max-age=60, must-revalidate\r\n", r#"{"name":"Tea","available":3}"#);
    let must = must.await;
    let shop = Shop { upstreams: [must.upstream("catalog"), must.upstream("inventory")], ..Shop::new().await };
    let gateway = shop.gateway(&Wanted::default()).await;
    for (who, start) in [(ANN, "private, max-age="), ("", "max-age=")] {
        let page = gateway.page(who).await;
        let control = header(&page, "cache-control");
        assert!(control.starts_with(start) && control.ends_with(", must-revalidate"), "{page}");
    }
}

#[tokio::test]
async fn what_depends_on_who_asks_says_so_beside_what_its_parts_say() {
    let shop = Shop::new().await;
    let careful = Acting::answering("vary: Accept-Language, Cookie\r\n", r#"{"available":3}"#).await;
    let shop = Shop { upstreams: [shop.upstreams[0].clone(), careful.upstream("inventory")], ..shop };
    for (credentials, vary) in
        [(false, "accept-language, cookie"), (true, "accept-language, cookie, authorization, tradewind-actor")]
    {
        let gateway = shop.gateway(&Wanted { credentials, ..Wanted::default() }).await;
        assert_eq!(header(&gateway.page("").await, "vary"), vary);
    }
}

#[tokio::test]
async fn what_is_changed_is_forgotten_as_each_user_was_told_it() {
    let headers = "cache-control: public, max-age=60\r\ntradewind-position: 42\r\n";
    let both = Acting::answering(headers, "{\"name\":\"Tea\",\"available\":3}").await;
    let upstreams = [both.upstream("catalog"), both.upstream("inventory")];
    let shop = Shop { upstreams, ..Shop::new().await };
    let wanted = Wanted { credentials: true, fresh: Some(Duration::from_secs(60)), ..Wanted::default() };
    let mut plan = shop.plan(&wanted);
    let commands = Route::new("/products", shop.upstreams[0].clone()).unwrap();
    let routes = plan.routes.routes().iter().map(|route| (**route).clone()).chain([commands]);
    plan.routes = RouteTable::new(routes.collect()).unwrap();
    let gateway = gateway_before(plan, Limits::default()).await;
    let three = [ANN, BOB, ""];
    for _ in 0..2 {
        for who in three {
            json(&gateway.page(who).await);
        }
        assert_eq!(both.asked(), 6, "each is told of two services");
    }
    assert_eq!(status_of(&gateway.ask("PUT /products/7", "{}").await), 200);
    for who in three {
        json(&gateway.page(who).await);
    }
    assert_eq!(both.asked(), 6 + 1 + 3, "nobody is told what the one of them said before");
}

#[tokio::test]
async fn each_call_is_told_how_far_its_own_service_must_have_come() {
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted { fresh: Some(Duration::from_secs(60)), ..Wanted::default() }).await;
    json(&gateway.page("").await);
    // The catalog's stored answer shows 42, the inventory's shows 5.
    json(&gateway.page("tradewind-after: catalog=42, inventory=5\r\n").await);
    assert_eq!((shop.catalog.asked(), shop.inventory.asked()), (1, 1));
    json(&gateway.page("tradewind-after: catalog=42, inventory=6\r\n").await);
    assert_eq!((shop.catalog.asked(), shop.inventory.asked()), (1, 2));
    assert!(shop.inventory.last().contains("tradewind-after: 6\r\n"), "{}", shop.inventory.last());
    json(&gateway.page("cookie: tradewind-after.catalog=43\r\n").await);
    assert_eq!((shop.catalog.asked(), shop.inventory.asked()), (2, 2));
    let seen = shop.catalog.last();
    assert!(seen.contains("tradewind-after: 43\r\n") && !seen.contains("cookie"), "{seen}");
}

#[tokio::test]
async fn positions_are_told_under_the_name_of_the_service_whose_they_are() {
    let shop = Shop::new().await;
    let of_ordering = |service: &str| (service == "inventory").then(|| "ordering".into());
    let gateway = shop.gateway(&Wanted { positions: of_ordering, ..Wanted::default() }).await;
    let page = gateway.page("tradewind-after: ordering=4, inventory=9, catalog=2\r\n").await;
    assert_eq!(header(&page, "tradewind-position"), "ordering=5", "the catalog's are none to wait for");
    assert!(shop.inventory.last().contains("tradewind-after: 4\r\n"), "{}", shop.inventory.last());
    assert!(!shop.catalog.last().contains("tradewind-after"), "{}", shop.catalog.last());
}

/// Services of which one can look back, and the other too if it is to.
async fn looking_back(both: bool) -> Shop {
    let answer = |looks_back: bool, body: &'static str| {
        move |head: &str| {
            let moment = head.lines().find_map(|line| line.strip_prefix("tradewind-as-of: ")).filter(|_| looks_back);
            let told = moment.map(|moment| format!("tradewind-as-of: {moment}t23:59:59z\r\n")).unwrap_or_default();
            ok(&format!("vary: tradewind-as-of\r\n{told}"), body)
        }
    };
    let catalog = Acting::begin(answer(true, r#"{"name":"Tea"}"#)).await;
    let inventory = Acting::begin(answer(both, r#"{"available":3}"#)).await;
    let upstreams = [catalog.upstream("catalog"), inventory.upstream("inventory")];
    Shop { catalog, inventory, upstreams }
}

#[tokio::test]
async fn a_whole_that_is_asked_for_as_of_another_day_says_that_it_is() {
    let shop = looking_back(true).await;
    let gateway = shop.gateway(&Wanted { fresh: Some(Duration::from_secs(60)), ..Wanted::default() }).await;
    assert_eq!(header(&gateway.page("").await, "tradewind-as-of"), "");
    for (query, lines) in [
        ("", "tradewind-as-of: 2017-03-31\r\n"),
        ("?as_of=2017-03-31", ""),
        ("?as_of=2017-03-31", "tradewind-as-of: 2017-03-31\r\n"),
    ] {
        let page = gateway.ask(&format!("GET /web/products/7{query} HTTP/1.1\r\n{lines}x-rest:"), "").await;
        assert_eq!(json(&page)["stock"]["available"], 3, "{page}");
        assert_eq!(header(&page, "tradewind-as-of"), "2017-03-31t23:59:59z", "{page}");
        assert_eq!(header(&page, "vary"), "tradewind-as-of", "{page}");
    }
    assert_eq!((shop.catalog.asked(), shop.inventory.asked()), (2, 2), "each day's answers are stored");
    assert_eq!(header(&gateway.page("").await, "tradewind-as-of"), "");
    for (path, status, word) in [
        ("/web/products/7?as_of=4711", 400, "position"),
        ("/ios/products/7?as_of=4711", 200, "4711t23"),
        ("/web/products/7?as_of=", 400, "says nothing"),
        ("/web/products/7?as_of=%00", 400, "no moment"),
        ("/web/products/7?as_of=2017-03-31 HTTP/1.1\r\ntradewind-as-of: 2017-03-30\r\nx-rest:", 400, "several moments"),
    ] {
        let page = gateway.get(path).await;
        assert!(status_of(&page) == status && page.contains(word), "{path}: {page}");
    }
}

#[tokio::test]
async fn todays_part_is_no_part_of_another_days_whole() {
    let shop = looking_back(false).await;
    let then = "tradewind-as-of: 2017-03-31\r\n";
    let gateway = shop.gateway(&Wanted { on_failure: OnFailure::OMIT, ..Wanted::default() }).await;
    let page = gateway.page(then).await;
    assert_eq!(json(&page), value!({ "product": { "name": "Tea" } }));
    assert_eq!(header(&page, "tradewind-fragments"), "product, stock;missing=timeless");
    assert_eq!(header(&page, "tradewind-as-of"), "2017-03-31t23:59:59z");
    assert_eq!(json(&gateway.page("").await)["stock"]["available"], 3);
    let gateway = shop.gateway(&Wanted::default()).await;
    let page = gateway.page(then).await;
    assert!(status_of(&page) == 400 && page.contains("\"TW-3032\"") && page.contains("inventory"), "{page}");
    assert_eq!(header(&page, "retry-after"), "", "it never will");
}

#[tokio::test]
async fn each_call_is_a_span_of_its_own_in_the_trace_of_the_page() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted::default()).await;
    let page = gateway.page(&format!("traceparent: 00-{TRACE}-{SPAN}-01\r\nx-request-id: mine-1\r\n")).await;
    assert_eq!(header(&page, "x-request-id"), "mine-1", "{page}");
    let heads = [shop.catalog.last(), shop.inventory.last()];
    let spans = heads.each_ref().map(|head| {
        assert_eq!(header(head, "x-request-id"), "mine-1", "{head}");
        let parts: Vec<&str> = header(head, "traceparent").split('-').collect();
        assert_eq!((parts[0], parts[1], parts[3]), ("00", TRACE, "01"), "{head}");
        parts[2].to_owned()
    });
    assert!(spans[0] != spans[1] && !spans.contains(&SPAN.to_owned()), "{spans:?}");
}
