//! What is told of a request is what becomes of it, and what is told of a dead service is what happens when it is dead.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, Request};
use serde_json::json;
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy, OnFailure as WhenStale};
use tradewind_gateway::compose::OnFailure;
use tradewind_gateway::{
    Cors, Explained, HeaderMatch, HostPattern, Limits, Origins, Plan, Policies, Rewrite, Route, RouteTable, Upstream,
};

use crate::acting::{Acting, header};
use crate::composing::{Shop, Wanted};
use crate::{Peer, TIMEOUTS, gateway_before, status_of};

#[tokio::test]
async fn of_a_composed_answer() {
    let stale = Duration::from_secs(60);
    for on_failure in [
        OnFailure::ERROR,
        OnFailure::OMIT,
        OnFailure::default_value(json!({ "available": 0 })),
        OnFailure::ERROR.or_stale(stale),
    ] {
        let shop = Shop::new().await;
        let wanted = Wanted { on_failure: on_failure.clone(), timeout: Duration::from_secs(5), ..Wanted::default() };
        let outlook = shop.plan(&wanted).without("inventory").unwrap();
        assert_eq!(outlook.routes.len(), 1, "only one of the profiles selects the stock");
        let told = &outlook.routes[0];
        let gateway = shop.gateway(&wanted).await;
        assert_eq!(status_of(&gateway.page("").await), 200);
        shop.inventory.kill();
        let page = gateway.page("").await;
        let (answered, fragment) = match &told.stored {
            Some(stored) => (stored.answered, "stock;stale="),
            None => (told.otherwise, "stock;missing=unavailable"),
        };
        assert_eq!(status_of(&page), answered.status.as_u16(), "{on_failure:?}: {page}");
        if answered.is_ok() {
            assert!(header(&page, "tradewind-fragments").contains(fragment), "{on_failure:?}: {page}");
        } else {
            assert!(page.contains(&answered.code.unwrap().to_string()), "{on_failure:?}: {page}");
        }
    }
}

#[tokio::test]
async fn of_plain_routes() {
    let service = Acting::answering("cache-control: max-age=0\r\netag: \"1\"\r\n", "all is well").await;
    let upstream = service.upstream("catalog");
    let route = |path: &str, policies: Policies| {
        let mut route = Route::new(path, upstream.clone()).unwrap();
        route.policies = Arc::new(policies);
        route
    };
    let mut rule = CachePolicy::new("stale", "catalog");
    rule.on_failure = WhenStale::Stale(Duration::from_secs(60));
    let routes = vec![
        route("/plain", Policies::default()),
        route("/short", Policies { deadline: Some(Duration::from_millis(200)), ..Policies::default() }),
        route("/stale", Policies { cache: Some(Arc::new(rule)), ..Policies::default() }),
    ];
    let cache = Some(Cache::new(CacheOptions::default(), Arc::new(SystemClock)));
    let plan = Plan { cache, ..Plan::from(RouteTable::new(routes).unwrap()) };
    let outlook = plan.without("catalog").unwrap();
    let gateway = gateway_before(plan, Limits::default()).await;
    assert_eq!(status_of(&gateway.get("/stale/1").await), 200);
    service.kill();
    for told in &outlook.routes {
        let never_asked = gateway.get(&format!("{}/2", told.route.name)).await;
        assert_eq!(status_of(&never_asked), told.otherwise.status.as_u16(), "{never_asked}");
        assert!(never_asked.contains(&told.otherwise.code.unwrap().to_string()), "{never_asked}");
        if told.stored.is_some() {
            let stored = gateway.get(&format!("{}/1", told.route.name)).await;
            assert!(status_of(&stored) == 200 && stored.contains("tradewind-stale: "), "{stored}");
        }
        if let Some(changes) = told.changes {
            // The service is waited for, as nothing stands in for what a command does.
            let begun = Instant::now();
            let command = gateway.ask(&format!("POST {}/2", told.route.name), "{}").await;
            assert_eq!(status_of(&command), changes.status.as_u16(), "{command}");
            assert!(begun.elapsed() >= TIMEOUTS.unreachable, "{:?}", begun.elapsed());
        }
    }
    assert_eq!(outlook.routes.iter().filter(|told| told.stored.is_some() && told.changes.is_some()).count(), 1);
}

/// Routes with something of all that decides what becomes of a request.
fn routes(upstream: &Upstream) -> RouteTable {
    let route = |path: &str| Route::new(path, upstream.clone()).unwrap();
    let mut rewritten = route("/w/{x}");
    rewritten.rewrite = Some(Rewrite::parse("/{x}", &rewritten.path).unwrap());
    let mut asked_by_pages = route("/c");
    asked_by_pages.methods = vec![Method::POST];
    let cors = Cors::new(Origins::Any, &[], &[], &[], false, Duration::from_secs(1)).unwrap();
    asked_by_pages.policies = Arc::new(Policies { cors: Some(cors.into()), ..Policies::default() });
    let mut read_only = route("/r");
    read_only.methods = vec![Method::GET];
    let mut of_host = route("/h");
    (of_host.hosts, of_host.rewrite) =
        (vec![HostPattern::parse("shop.example").unwrap()], Some(Rewrite::parse("/of-host", &of_host.path).unwrap()));
    let by_header = |path: &str, name: &str, rewrite: &str| {
        let mut route = route(path);
        route.headers = vec![HeaderMatch::new(name, None).unwrap()];
        route.rewrite = Some(Rewrite::parse(rewrite, &route.path).unwrap());
        route
    };
    let beta = by_header("/h", "x-beta", "/beta");
    let (told, socket) = (by_header("/f", "x-forwarded-for", "/told"), by_header("/u", "upgrade", "/socket"));
    RouteTable::new(vec![rewritten, asked_by_pages, read_only, of_host, beta, told, socket]).unwrap()
}

#[tokio::test]
async fn of_requests() {
    let service = Acting::answering("", "{}").await;
    let plan = Plan::from(routes(&service.upstream("test")));
    let told = Arc::new(plan.clone());
    let gateway = gateway_before(plan, Limits::default()).await;
    let page = "origin: https://a.example\r\naccess-control-request-method: ";
    for (line, headers, becomes) in [
        ("GET /_gateway/health/live", "host: a.example\r\n", "own"),
        ("GET /_gateway/health/live", "host: a.example\r\nhost: b.example\r\n", "400"),
        ("GET /w/7?x=1", "host: a.example\r\n", "/7?x=1"),
        ("GET /w/admin", "host: a.example\r\n", "404"),
        ("GET /w/%41dmin", "host: a.example\r\n", "404"),
        ("OPTIONS /c", &format!("host: a.example\r\n{page}POST\r\n"), "204"),
        ("OPTIONS /c", &format!("host: a.example\r\n{page}DELETE\r\n"), "405"),
        ("OPTIONS /w/7", "host: a.example\r\nmax-forwards: 0\r\n", "204"),
        ("POST /r", "host: a.example\r\ncontent-length: 0\r\n", "405"),
        ("TRACE /w/7", "host: a.example\r\n", "405"),
        ("GET /r", "host: a.example\r\n", "/r"),
        ("GET /r/../w/7", "host: a.example\r\n", "400"),
        ("GET /none", "host: a.example\r\n", "404"),
        ("GET /h", "host: SHOP.example:8080\r\n", "/of-host"),
        ("GET /h", "host: a.example\r\nx-beta: 1\r\n", "/beta"),
        ("GET /h", "host: a.example\r\nconnection: x-beta\r\nx-beta: 1\r\n", "404"),
        ("GET /f", "host: a.example\r\nx-forwarded-for: 192.0.2.1\r\n", "404"),
        ("GET /u", "host: a.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n", "/socket"),
        ("GET /u", "host: a.example\r\nupgrade: websocket\r\n", "404"),
        ("GET /r", "host: a.example\r\nhost: b.example\r\n", "400"),
        ("CONNECT a.example:443", "host: a.example:443\r\n", "501"),
    ] {
        let (method, target) = line.split_once(' ').unwrap();
        let pairs = headers.lines().map(|line| line.split_once(": ").unwrap());
        let request =
            pairs.fold(Request::builder().method(method).uri(target), |it, (name, value)| it.header(name, value));
        let explained = match Arc::clone(&told).explain(request.body(()).unwrap(), false) {
            Explained::Own => "own".to_owned(),
            Explained::ByPolicies(_) => "204".to_owned(),
            Explained::Refused(why) => why.status.as_str().to_owned(),
            Explained::Routed { target, .. } => target,
        };
        assert_eq!(explained, becomes, "{line} {headers}");

        let before = service.asked();
        let mut peer = Peer::connect(gateway.address).await;
        let close = if headers.contains("connection: ") { "" } else { "connection: close\r\n" };
        peer.say(&format!("{line} HTTP/1.1\r\n{headers}{close}\r\n")).await;
        let answer = match close {
            "" => peer.hear_head().await,
            _ => peer.hear_rest().await,
        };
        let asked = service.asked() - before;
        match becomes {
            "own" => assert_eq!((status_of(&answer), asked), (200, 0), "{answer}"),
            target if target.starts_with('/') => {
                assert_eq!((status_of(&answer), asked), (200, 1), "{line} {headers}: {answer}");
                let wanted = format!("{method} {target} http/1.1\r\n").to_lowercase();
                assert!(service.last().starts_with(&wanted), "{}", service.last());
            }
            status => assert_eq!((status_of(&answer).to_string(), asked), (status.to_owned(), 0), "{line} {headers}"),
        }
    }
}
