//! What is answered when all goes well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json as value;
use tokio::net::TcpStream;
use tradewind_gateway::compose::OnFailure;
use tradewind_gateway::{AuthRule, Policies};

use super::{Shop, Wanted, json};
use crate::acting::{Acting, body, header};
use crate::status_of;

#[tokio::test]
async fn one_request_is_answered_by_several_services() {
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted::default()).await;
    let page = gateway.page("").await;
    assert_eq!(json(&page), value!({ "product": { "name": "Tea" }, "stock": { "available": 3 } }));
    assert_eq!(header(&page, "tradewind-position"), "catalog=42, inventory=5");
    assert_eq!(header(&page, "tradewind-fragments"), "product, stock");
    assert_eq!(header(&page, "content-type"), "application/json");
    assert!(!header(&page, "x-request-id").is_empty());
    let seen = shop.catalog.last();
    assert!(seen.contains("host: shop.example\r\n") && seen.contains("accept: application/json\r\n"), "{seen}");
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n") && seen.contains("traceparent: 00-"), "{seen}");
    assert!(seen.contains(&format!("x-request-id: {}\r\n", header(&page, "x-request-id"))), "{seen}");
    assert!(seen.contains("tradewind-deadline: "), "{seen}");
    assert_eq!(json(&gateway.get("/ios/products/7").await), value!({ "name": "Tea" }));
    assert_eq!(shop.inventory.asked(), 1, "what is not selected is not asked for");
}

#[tokio::test]
async fn what_is_not_there_or_not_said_is_the_client_s_to_know() {
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted::default()).await;
    let missing = gateway.get("/web/products/8").await;
    assert!(status_of(&missing) == 404 && missing.contains("\"TW-3032\""), "{missing}");
    assert!(missing.contains("product") && missing.contains("catalog"), "{missing}");
    let long = gateway.get(&format!("/web/products/{}", "7".repeat(300))).await;
    assert!(status_of(&long) == 400 && long.contains("\"TW-3033\""), "{long}");
    let posted = gateway.ask("POST /web/products/7", "x").await;
    assert_eq!((status_of(&posted), header(&posted, "allow")), (405, "GET, HEAD"));
    let number = gateway.page("tradewind-after: 7\r\n").await;
    assert!(status_of(&number) == 400 && number.contains("\"TW-3034\""), "{number}");
}

#[tokio::test]
async fn who_is_refused_is_told_what_the_service_says_for_that() {
    for (said, name, values) in [
        (
            "401 Unauthorized\r\nwww-authenticate: Bearer realm=\"shop\"\r\nwww-authenticate: Basic\r\nretry-after: 9\r\n",
            "www-authenticate",
            &["Bearer realm=\"shop\"", "Basic"][..],
        ),
        ("429 Too Many Requests\r\nretry-after: 7\r\nwww-authenticate: Basic\r\n", "retry-after", &["7"]),
        (
            "503 Service Unavailable\r\nretry-after: Fri, 31 Dec 2100 23:59:59 GMT\r\n",
            "retry-after",
            &["Fri, 31 Dec 2100 23:59:59 GMT"],
        ),
    ] {
        for fresh in [None, Some(Duration::from_secs(60))] {
            let shop = Shop::new().await;
            let answer = format!("HTTP/1.1 {said}content-length: 0\r\n\r\n");
            let refusing = Acting::begin(move |_| answer.clone()).await;
            let shop = Shop { upstreams: [refusing.upstream("catalog"), shop.upstreams[1].clone()], ..shop };
            let gateway = shop.gateway(&Wanted { fresh, ..Wanted::default() }).await;
            let page = gateway.page("").await;
            assert_eq!(status_of(&page).to_string(), said[..3], "{page}");
            let lines = page.lines().filter_map(|line| line.split_once(": "));
            let found: Vec<&str> = lines
                .filter(|(its, _)| ["www-authenticate", "retry-after"].contains(its))
                .map(|(_, value)| value)
                .collect();
            assert_eq!(found, values, "{page}");
            assert!(values.iter().all(|_| !header(&page, name).is_empty()), "{page}");
        }
    }
}

#[tokio::test]
async fn a_profile_sets_parameters_where_the_request_does_not() {
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted::default()).await;
    for (path, limit) in
        [("/all/products/7", 3), ("/all/products/7?limit=5", 5), ("/all/products/7?x=%31&limit=%34&limit=9", 4)]
    {
        assert_eq!(json(&gateway.get(path).await)["reviews"]["limit"], limit, "{path}");
    }
}

#[tokio::test]
async fn conditions_and_head_are_answered_for_the_whole() {
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted::default()).await;
    let etag = header(&gateway.page("").await, "etag").to_owned();
    let unchanged = gateway.page(&format!("if-none-match: {etag}\r\n")).await;
    assert_eq!((status_of(&unchanged), body(&unchanged)), (304, ""));
    assert_eq!(header(&unchanged, "etag"), etag);
    assert!(!shop.catalog.last().contains("if-none-match"), "no part is asked for on the whole's condition");
    let head = gateway.ask("HEAD /web/products/7", "").await;
    assert_eq!((status_of(&head), body(&head)), (200, ""));
}

#[tokio::test]
async fn head_is_answered_without_content_over_http_2_too() {
    let shop = Shop::new().await;
    let policies = Policies { compress: true, ..Policies::default() };
    let gateway = shop.gateway(&Wanted { policies, ..Wanted::default() }).await;
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for (path, status) in [
        ("/web/products/7", 200),
        ("/web/products/8", 404),
        ("/nowhere", 404),
        ("/_gateway/routes", 200),
        ("/_gateway/nothing", 404),
    ] {
        let mut ask = async |method: &str| {
            let request = Request::builder().method(method).uri(format!("http://shop.example{path}"));
            let request = request.header("x-request-id", "one").header("accept-encoding", "br");
            let answer = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
            let (head, body) = answer.into_parts();
            let body = body.collect().await.unwrap_or_else(|error| panic!("{method} {path}: {error}")).to_bytes();
            (head, body)
        };
        let (whole, content) = ask("GET").await;
        let (head, nothing) = ask("HEAD").await;
        assert_eq!((whole.status.as_u16(), head.status.as_u16(), &nothing[..]), (status, status, &b""[..]), "{path}");
        assert_eq!(head.headers["content-length"], content.len().to_string(), "{path}");
        for name in ["content-type", "etag", "vary", "content-encoding"] {
            assert_eq!(head.headers.get(name), whole.headers.get(name), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn policies_hold_for_what_is_composed_too() {
    let shop = Shop::new().await;
    let policies = Policies { auth: Some(AuthRule::default()), ..Policies::default() };
    let gateway = shop.gateway(&Wanted { policies, ..Wanted::default() }).await;
    assert_eq!(status_of(&gateway.page("").await), 401);
    assert_eq!(shop.catalog.asked(), 0);
    let policies = Policies { deadline: Some(Duration::from_millis(100)), ..Policies::default() };
    let gateway = shop.gateway(&Wanted { policies, ..Wanted::default() }).await;
    shop.catalog.does(crate::acting::Does::Hangs);
    let begun = std::time::Instant::now();
    assert_eq!(status_of(&gateway.page("").await), 504);
    assert!(begun.elapsed() < Duration::from_millis(400));
}

#[tokio::test]
async fn a_call_s_answer_is_stored_once_for_all_profiles() {
    let shop = Shop::new().await;
    let wanted = Wanted { fresh: Some(Duration::from_secs(60)), ..Wanted::default() };
    let gateway = shop.gateway(&wanted).await;
    for path in ["/web/products/7", "/ios/products/7", "/web/products/7"] {
        json(&gateway.get(path).await);
    }
    assert_eq!((shop.catalog.asked(), shop.inventory.asked()), (1, 1));
    let purge = tradewind_gateway::cache::Purge {
        source: "catalog".into(),
        tags: vec!["product:7".to_owned()],
        position: Some(tradewind_events::Position(43)),
        effect: Default::default(),
    };
    assert_eq!(gateway.handle.purge(&purge), 2);
    json(&gateway.page("").await);
    assert_eq!((shop.catalog.asked(), shop.inventory.asked()), (2, 2));
}

#[tokio::test]
async fn who_wants_only_what_is_stored_makes_no_service_work() {
    let only_stored = "cache-control: only-if-cached\r\n";
    let shop = Shop::new().await;
    let gateway = shop.gateway(&Wanted { fresh: Some(Duration::from_secs(60)), ..Wanted::default() }).await;
    let asked = || (shop.catalog.asked(), shop.inventory.asked());
    let page = gateway.page(only_stored).await;
    assert!(status_of(&page) == 504 && page.contains("\"TW-3031\"") && page.contains("only-if-cached"), "{page}");
    assert_eq!((header(&page, "retry-after"), asked()), ("", (0, 0)));
    json(&gateway.page("").await);
    assert_eq!(json(&gateway.page(only_stored).await)["stock"]["available"], 3);
    assert_eq!(asked(), (1, 1));

    // Of the product nothing is stored, ever.
    let on_failure = OnFailure::ERROR.or_stale(Duration::from_secs(60));
    let gateway = shop.gateway(&Wanted { on_failure, ..Wanted::default() }).await;
    json(&gateway.page("").await);
    assert_eq!((status_of(&gateway.page(only_stored).await), asked()), (504, (2, 2)));
}

#[tokio::test]
async fn no_composed_answer_is_lost_when_the_plan_changes_under_load() {
    let shop = Shop::new().await;
    let wanted = [
        Wanted { fresh: Some(Duration::from_millis(5)), ..Wanted::default() },
        Wanted { timeout: Duration::from_secs(5), ..Wanted::default() },
    ];
    let gateway = Arc::new(shop.gateway(&wanted[0]).await);
    let (done, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (gateway, done, answers) = (Arc::clone(&gateway), Arc::clone(&done), Arc::clone(&answers));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(json(&gateway.page("").await)["product"]["name"], "Tea");
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..100 {
        gateway.handle.replace(shop.plan(&wanted[round % 2]));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert!(answers.load(Ordering::Relaxed) > 100, "too few to show anything: {answers:?}");
}
