//! Routes whose answers are stored.

use std::sync::Arc;
use std::time::Duration;

use tradewind_events::{Position, SystemClock};
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy, OnFailure, Purge, PurgeEffect};
use tradewind_gateway::{Limits, Plan, Policies, PositionsOf, Route, RouteTable, Upstream};

use crate::acting::{Acting, Does, body, header, ok};
use crate::{Peer, Running, gateway_before, status_of};

const FRESH: Duration = Duration::from_millis(300);

fn rule(upstream: &Upstream) -> CachePolicy {
    let mut rule = CachePolicy::new("test", upstream.name());
    rule.fresh_for = Some(FRESH);
    rule
}

fn cache() -> Option<Cache> {
    Some(Cache::new(CacheOptions::default(), Arc::new(SystemClock)))
}

/// Everything under `/` is stored under this rule, what is under `/plain` is not.
fn plan(upstream: &Upstream, rule: CachePolicy) -> Plan {
    let policies = Policies { cache: Some(Arc::new(rule)), ..Policies::default() };
    let mut cached = Route::new("/", upstream.clone()).unwrap();
    cached.policies = Arc::new(policies);
    let plain = Route::new("/plain", upstream.clone()).unwrap();
    Plan { routes: RouteTable::new(vec![cached, plain]).unwrap(), cache: cache(), ..Plan::default() }
}

async fn before(acting: &Acting, change: impl FnOnce(&mut CachePolicy)) -> Running {
    let upstream = acting.upstream("test");
    let mut rule = rule(&upstream);
    change(&mut rule);
    gateway_before(plan(&upstream, rule), Limits::default()).await
}

impl Running {
    async fn get_with(&self, path: &str, lines: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\n{lines}x-rest:"), "").await
    }
}

async fn until_stale() {
    tokio::time::sleep(FRESH + Duration::from_millis(50)).await;
}

#[tokio::test]
async fn an_answer_comes_from_the_store_as_long_as_it_is_fresh() {
    let acting = Acting::answering("tradewind-position: 7\r\n", "tea").await;
    let gateway = before(&acting, |_| {}).await;
    let first = gateway.get("/a").await;
    assert_eq!(header(&first, "cache-status"), "tradewind; fwd=uri-miss; fwd-status=200; stored; ttl=0");
    let second = gateway.get("/a").await;
    assert_eq!((status_of(&second), body(&second)), (200, "tea"));
    assert!(header(&second, "cache-status").starts_with("tradewind; hit"), "{second}");
    assert_eq!((header(&second, "age"), header(&second, "tradewind-position")), ("0", "7"));
    assert_eq!((header(&second, "via"), header(&second, "tradewind-stale")), ("1.1 tradewind", ""));
    assert_eq!(acting.asked(), 1);
    gateway.get("/b").await;
    gateway.get("/plain").await;
    gateway.get("/plain").await;
    assert_eq!(acting.asked(), 4, "another target is another answer, and what no rule is for goes past");
    until_stale().await;
    gateway.get("/a").await;
    assert_eq!(acting.asked(), 5);
    assert!(gateway.get("/_gateway/metrics").await.contains("tradewind_gateway_cache_requests_total{route=\"test\""));
}

#[tokio::test]
async fn whatever_happens_to_the_service_a_stale_answer_stands_in_where_that_is_allowed() {
    for does in [Does::Hangs, Does::Gibbers, Does::Fails, Does::Dawdles(Duration::from_secs(3))] {
        let acting = Acting::answering("", "tea").await;
        let gateway = before(&acting, |rule| rule.on_failure = OnFailure::Stale(Duration::from_secs(60))).await;
        gateway.get("/a").await;
        until_stale().await;
        acting.does(does);
        let answer = gateway.get("/a").await;
        assert_eq!((status_of(&answer), body(&answer)), (200, "tea"), "{does:?}");
        assert!(header(&answer, "tradewind-stale").parse::<u64>().unwrap() < 5, "{answer}");
        assert!(header(&answer, "cache-status").contains("detail=stale-if-error"), "{answer}");
        assert!(status_of(&gateway.get("/b").await) >= 500, "{does:?}: nothing is stored for it");
    }
}

#[tokio::test]
async fn a_killed_service_is_told_where_it_is_an_error_and_bridged_where_it_is_not() {
    for (on_failure, status) in [(OnFailure::Error, 503), (OnFailure::Stale(Duration::from_secs(60)), 200)] {
        let acting = Acting::answering("", "tea").await;
        let gateway = before(&acting, |rule| rule.on_failure = on_failure).await;
        gateway.get("/a").await;
        acting.kill();
        assert_eq!(status_of(&gateway.get("/a").await), 200, "it is fresh");
        until_stale().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let answer = gateway.get("/a").await;
        assert_eq!(status_of(&answer), status, "{answer}");
        let stale: u64 = header(&answer, "tradewind-stale").parse().unwrap_or(0);
        assert!(status == 503 || (1..10).contains(&stale), "{answer}");
    }
}

#[tokio::test]
async fn a_stale_answer_has_a_bound() {
    let acting = Acting::answering("", "tea").await;
    let gateway = before(&acting, |rule| rule.on_failure = OnFailure::Stale(Duration::from_millis(500))).await;
    gateway.get("/a").await;
    acting.does(Does::Fails);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(status_of(&gateway.get("/a").await), 500, "the service's own answer");
}

#[tokio::test]
async fn what_is_changed_is_forgotten_whichever_route_changes_it() {
    let acting = Acting::answering("", "tea").await;
    let gateway = before(&acting, |_| {}).await;
    gateway.get("/plain/a").await;
    gateway.get("/a").await;
    gateway.get("/a").await;
    assert_eq!(acting.asked(), 2);
    let posted = gateway.ask("POST /a", "more").await;
    assert_eq!(header(&posted, "cache-status"), "tradewind; fwd=method; fwd-status=200");
    gateway.get("/a").await;
    assert_eq!(acting.asked(), 4);
    acting.does(Does::Fails);
    gateway.ask("DELETE /a", "").await;
    gateway.get("/a").await;
    assert_eq!(acting.asked(), 5, "what was refused has changed nothing");
}

#[tokio::test]
async fn what_is_changed_is_forgotten_whatever_it_is_to_be_answered_with() {
    for lines in ["accept: text/event-stream\r\n", "connection: upgrade\r\nupgrade: websocket\r\n"] {
        let acting = Acting::answering("cache-control: max-age=60\r\n", "tea").await;
        let gateway = before(&acting, |_| {}).await;
        gateway.get("/a").await;
        let posted = gateway.ask(&format!("POST /a HTTP/1.1\r\n{lines}x-rest:"), "more").await;
        assert_eq!((status_of(&posted), body(&posted)), (200, "tea"), "{lines}");
        assert!(!acting.last().contains("upgrade"), "only what is read becomes a WebSocket: {}", acting.last());
        gateway.get("/a").await;
        assert_eq!(acting.asked(), 3, "{lines}");
    }
}

#[tokio::test]
async fn what_a_route_that_stores_nothing_changes_is_noted_under_whose_positions_it_tells() {
    let script = |head: &str| match head.starts_with("post") {
        true => ok("tradewind-position: 9\r\n", ""),
        false => ok("cache-control: max-age=60\r\ntradewind-position: 8\r\n", "what was before"),
    };
    for (positions, asked) in [(PositionsOf::Of("ordering".into()), 3), (PositionsOf::Nobody, 2)] {
        let acting = Acting::begin(script).await;
        let upstream = acting.upstream("catalog");
        let mut rule = rule(&upstream);
        let source = positions.of("catalog");
        (rule.source, rule.tells_positions) = (source.unwrap_or("catalog").into(), source.is_some());
        let stored = Policies { cache: Some(Arc::new(rule)), positions: positions.clone(), ..Policies::default() };
        let mut queries = Route::new("/", upstream.clone()).unwrap();
        (queries.methods, queries.policies) = (vec![http::Method::GET], Arc::new(stored));
        let mut commands = Route::new("/", upstream).unwrap();
        commands.methods = vec![http::Method::POST];
        commands.policies = Arc::new(Policies { positions, ..Policies::default() });
        let routes = RouteTable::new(vec![queries, commands]).unwrap();
        let gateway = gateway_before(Plan { routes, cache: cache(), ..Plan::default() }, Limits::default()).await;
        gateway.ask("POST /a", "more").await;
        for _ in 0..2 {
            assert_eq!(body(&gateway.get("/a").await), "what was before");
        }
        assert_eq!(acting.asked(), asked, "what does not show it yet is not stored, if that is told");
    }
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_what_it_has_changed_leaves_nothing_behind() {
    let acting = Acting::answering("cache-control: max-age=60\r\n", "tea").await;
    let gateway = before(&acting, |_| {}).await;
    gateway.get("/a").await;
    acting.does(Does::Hangs);
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("POST /a HTTP/1.1\r\nhost: shop.example\r\ncontent-length: 4\r\n\r\nmore").await;
    acting.until_asked(2).await;
    drop(peer);
    acting.does(Does::Answers);
    let gone = async {
        while header(&gateway.get("/a").await, "cache-status").contains("; hit") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("what may have been changed is still given");
}

#[tokio::test]
async fn what_is_stored_stays_when_the_plan_changes() {
    let acting = Acting::answering("cache-control: max-age=60\r\n", "tea").await;
    let upstream = acting.upstream("test");
    let gateway = gateway_before(plan(&upstream, rule(&upstream)), Limits::default()).await;
    gateway.get("/a").await;
    gateway.handle.replace(plan(&upstream, rule(&upstream)));
    gateway.get("/a").await;
    assert_eq!(acting.asked(), 1);
    let options = CacheOptions { bytes_max: 1 << 20, ..CacheOptions::default() };
    let smaller = Cache::new(options, Arc::new(SystemClock));
    gateway.handle.replace(Plan { cache: Some(smaller), ..plan(&upstream, rule(&upstream)) });
    gateway.get("/a").await;
    assert_eq!(acting.asked(), 2, "a cache of another size begins anew");
}

#[tokio::test]
async fn what_is_stored_is_not_given_under_tags_that_it_does_not_carry() {
    let acting = Acting::answering("cache-control: max-age=60\r\n", "tea").await;
    let upstream = acting.upstream("test");
    let gateway = gateway_before(plan(&upstream, rule(&upstream)), Limits::default()).await;
    gateway.get("/a").await;
    let mut tagged = rule(&upstream);
    tagged.tags = vec!["tea".parse().unwrap()];
    gateway.handle.replace(plan(&upstream, tagged));
    for _ in 0..2 {
        gateway.get("/a").await;
    }
    assert_eq!(acting.asked(), 2);
    let (source, tags) = ("test".into(), vec!["tea".to_owned()]);
    assert_eq!(gateway.handle.purge(&Purge { source, tags, position: None, effect: PurgeEffect::Outdate }), 1);
    gateway.get("/a").await;
    assert_eq!(acting.asked(), 3);
}

#[tokio::test]
async fn streams_of_events_go_past_and_nobody_waits_for_another_s() {
    let script = |_: &str| {
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
            .to_owned()
    };
    let acting = Acting::begin(script).await;
    let gateway = before(&acting, |rule| rule.fresh_for = Some(Duration::from_secs(60))).await;
    for accept in ["accept: text/event-stream\r\n", "", ""] {
        let mut peer = Peer::connect(gateway.address).await;
        peer.say(&format!("GET /live HTTP/1.1\r\nhost: shop.example\r\n{accept}\r\n")).await;
        tokio::time::timeout(Duration::from_secs(2), peer.hear_until("one")).await.expect("it waits for another's");
        std::mem::forget(peer);
    }
    assert_eq!(acting.asked(), 3);
}

#[tokio::test]
async fn a_header_that_does_not_reach_the_service_chooses_no_answer() {
    let script = |head: &str| {
        let lang = head.lines().find_map(|line| line.strip_prefix("x-lang: ")).unwrap_or("none").to_owned();
        ok("vary: x-lang\r\ncache-control: max-age=60\r\n", &lang)
    };
    let acting = Acting::begin(script).await;
    let gateway = before(&acting, |_| {}).await;
    let hidden = "GET /a HTTP/1.1\r\nx-lang: fr\r\nconnection: x-lang\r\nx-rest:";
    assert_eq!(body(&gateway.ask(hidden, "").await), "none");
    assert_eq!(body(&gateway.get_with("/a", "x-lang: fr\r\n").await), "fr", "the poisoned answer is another's");
    assert_eq!(body(&gateway.get_with("/a", "x-lang: fr\r\n").await), "fr");
    assert_eq!(acting.asked(), 2);
}

#[tokio::test]
async fn what_depends_on_who_asks_is_not_shared() {
    let who = |head: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix("x-forwarded-for: ")).unwrap_or_default().to_owned();
        ok("vary: x-forwarded-for\r\ncache-control: max-age=60\r\n", &line)
    };
    let acting = Acting::begin(who).await;
    let gateway = before(&acting, |_| {}).await;
    for _ in 0..2 {
        assert_eq!(body(&gateway.get("/a").await), "127.0.0.1");
    }
    assert_eq!(acting.asked(), 2, "clients do not say what it was chosen by");

    let acting = Acting::answering("", "mine").await;
    let gateway = before(&acting, |_| {}).await;
    for lines in
        ["authorization: Bearer a\r\n", "authorization: Bearer b\r\n", "cookie: session=a\r\n", "cookie: b=c\r\n"]
    {
        gateway.get_with("/a", lines).await;
    }
    assert_eq!(acting.asked(), 4);
}

#[tokio::test]
async fn a_client_that_wants_a_stored_answer_only_is_told_that_there_is_none() {
    let acting = Acting::answering("", "tea").await;
    let gateway = before(&acting, |_| {}).await;
    let answer = gateway.get_with("/a", "cache-control: only-if-cached\r\n").await;
    assert!(status_of(&answer) == 504 && answer.contains("\"TW-3031\""), "{answer}");
    assert_eq!(acting.asked(), 0);
}

#[tokio::test]
async fn an_event_purges_what_carries_its_tag() {
    let acting = Acting::answering("cache-control: max-age=60\r\ntradewind-position: 7\r\n", "tea").await;
    let upstream = acting.upstream("catalog");
    let mut rule = rule(&upstream);
    rule.tags = vec!["product:{id}".parse().unwrap()];
    let mut route = Route::new("/products/{id}", upstream.clone()).unwrap();
    route.policies = Arc::new(Policies { cache: Some(Arc::new(rule)), ..Policies::default() });
    let plan = Plan { routes: RouteTable::new(vec![route]).unwrap(), cache: cache(), ..Plan::default() };
    let gateway = gateway_before(plan, Limits::default()).await;
    // However the path is written, it is the same product.
    for path in ["/products/7", "/products/%37", "/products/8"] {
        gateway.get(path).await;
    }
    let purge = |position| Purge {
        source: "catalog".into(),
        tags: vec!["product:7".to_owned()],
        position: Some(Position(position)),
        effect: PurgeEffect::Outdate,
    };
    assert_eq!(gateway.handle.purge(&purge(7)), 0, "they show it");
    assert_eq!(gateway.handle.purge(&purge(8)), 2);
    for path in ["/products/7", "/products/%37", "/products/8"] {
        gateway.get(path).await;
    }
    assert_eq!(acting.asked(), 5);
}

#[tokio::test]
async fn a_client_in_a_hurry_costs_those_who_wait_with_it_nothing() {
    let acting = Acting::answering("", "tea").await;
    let gateway = before(&acting, |rule| rule.on_failure = OnFailure::Stale(Duration::from_secs(60))).await;
    gateway.get("/a").await;
    until_stale().await;
    acting.does(Does::Dawdles(Duration::from_millis(300)));
    let (hurried, patient) = tokio::join!(gateway.get_with("/a", "tradewind-deadline: 100\r\n"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        gateway.get("/a").await
    });
    assert!(header(&hurried, "cache-status").contains("detail=stale-if-error"), "{hurried}");
    assert_eq!((status_of(&patient), header(&patient, "tradewind-stale")), (200, ""), "{patient}");
    assert_eq!(acting.asked(), 3, "each of them has asked");
}

#[tokio::test]
async fn what_is_asked_anew_behind_a_hurried_client_takes_its_time() {
    let acting = Acting::answering("", "tea").await;
    let gateway = before(&acting, |rule| rule.stale_while_revalidate = Some(Duration::from_secs(60))).await;
    gateway.get("/a").await;
    until_stale().await;
    acting.does(Does::Dawdles(Duration::from_millis(100)));
    let stale = gateway.get_with("/a", "tradewind-deadline: 20\r\ngrpc-timeout: 20m\r\n").await;
    assert_eq!((status_of(&stale), header(&stale, "tradewind-stale")), (200, "0"), "{stale}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let fresh = gateway.get("/a").await;
    assert!(is_hit(&fresh) && header(&fresh, "tradewind-stale").is_empty(), "{fresh}");
    assert_eq!(acting.asked(), 2);
    assert!(!acting.last().contains("tradewind-deadline") && !acting.last().contains("grpc-timeout"));
}

fn is_hit(answer: &str) -> bool {
    header(answer, "cache-status").starts_with("tradewind; hit")
}

#[tokio::test]
async fn what_comes_before_the_final_answer_is_neither_passed_on_nor_stored() {
    let early = "HTTP/1.1 103 Early Hints\r\nlink: </styles.css>; rel=preload\r\ncache-control: max-age=60\r\n\r\n";
    let processing = "HTTP/1.1 102 Processing\r\n\r\n";
    let answer = [early, processing, early, &ok("cache-control: max-age=60\r\n", "tea")].concat();
    let acting = Acting::begin(move |_| answer.clone()).await;
    let gateway = before(&acting, |_| {}).await;
    for hit in [false, true] {
        let got = gateway.get("/a").await;
        assert_eq!((status_of(&got), body(&got), header(&got, "link")), (200, "tea", ""), "{got}");
        assert_eq!(header(&got, "cache-status").contains("; hit"), hit, "{got}");
    }
    assert_eq!(acting.asked(), 1);
}

#[tokio::test]
async fn who_cannot_wait_for_another_s_fetch_gets_what_is_stale() {
    let acting = Acting::answering("", "tea").await;
    let gateway = before(&acting, |rule| rule.on_failure = OnFailure::Stale(Duration::from_secs(60))).await;
    gateway.get("/a").await;
    until_stale().await;
    acting.does(Does::Dawdles(Duration::from_millis(400)));
    let (patient, hurried) = tokio::join!(gateway.get("/a"), async {
        acting.until_asked(2).await;
        gateway.get_with("/a", "tradewind-deadline: 50\r\n").await
    });
    assert_eq!((status_of(&patient), header(&patient, "tradewind-stale")), (200, ""), "{patient}");
    assert_eq!((status_of(&hurried), header(&hurried, "tradewind-stale")), (200, "0"), "{hurried}");
    assert!(header(&hurried, "cache-status").contains("detail=stale-if-error"), "{hurried}");
    assert_eq!(acting.asked(), 2, "it has waited for the other's");
}

#[tokio::test]
async fn a_command_waits_for_a_service_that_comes_back_soon_also_where_queries_need_not() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let upstream = Upstream::new("test", [address]);
    let mut rule = rule(&upstream);
    rule.on_failure = OnFailure::Stale(Duration::from_secs(60));
    let gateway = gateway_before(plan(&upstream, rule), Limits::default()).await;
    let late = tokio::spawn(async move {
        // Longer than a query would wait, and less than the service is waited for.
        tokio::time::sleep(Duration::from_millis(250)).await;
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let mut peer = Peer(listener.accept().await.unwrap().0);
        peer.hear_until("the order").await;
        peer.say(&ok("", "done")).await;
    });
    let posted = gateway.ask("POST /a", "the order").await;
    assert_eq!((status_of(&posted), body(&posted)), (200, "done"), "{posted}");
    late.await.unwrap();
}

#[tokio::test]
async fn what_was_chosen_by_what_the_gateway_says_is_told_to_be_for_nobody_else() {
    for (name, told) in [
        ("Forwarded", "*"),
        ("grpc-timeout", "*"),
        ("accept, traceparent", "*"),
        ("tracestate", "*"),
        ("tradewind-deadline", "*"),
        ("via", "*"),
        ("X-Forwarded-For", "*"),
        ("x-request-id,accept", "*"),
        ("accept", "accept"),
    ] {
        let acting = Acting::answering(&format!("vary: {name}\r\ncache-control: max-age=60\r\n"), "tea").await;
        let gateway = before(&acting, |_| {}).await;
        assert_eq!(header(&gateway.get("/a").await, "vary"), told, "{name}");
    }
}
