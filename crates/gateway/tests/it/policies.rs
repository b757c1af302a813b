//! What is done with requests and answers on their way.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tradewind_gateway::{
    AuthRule, Authorizer, Cors, Denied, Head, HeaderMatch, Identity, Limits, Origin, Origins, Plan, Policies, RateKey,
    RateLimit, Route, RouteTable, SecurityHeaders, Sizes, Upstream, Verdict,
};

use crate::{Peer, Running, gateway_before, service, status_of};

/// A gateway with these policies before a service that says in its body what it hears, with these headers.
async fn gateway_with(policies: Policies, answer_headers: &'static str) -> Running {
    gateway_by(policies, answer_headers, None).await
}

async fn gateway_by(
    policies: Policies,
    answer_headers: &'static str,
    authorizer: Option<Arc<dyn Authorizer>>,
) -> Running {
    gateway_on(policies, answer_headers, authorizer, |_| {}).await
}

async fn gateway_on(
    policies: Policies,
    answer_headers: &'static str,
    authorizer: Option<Arc<dyn Authorizer>>,
    change: impl FnOnce(&mut Route),
) -> Running {
    let script = move |mut peer: Peer, _| async move {
        loop {
            let head = peer.hear_head().await;
            if head.contains("transfer-encoding: chunked") {
                peer.hear_until("0\r\n\r\n").await;
            }
            let length = head.len();
            peer.say(&format!("HTTP/1.1 200 OK\r\n{answer_headers}content-length: {length}\r\n\r\n{head}")).await;
        }
    };
    let mut route = Route::new("/", Upstream::new("test", [service(script).await.0])).unwrap();
    route.policies = Arc::new(policies);
    change(&mut route);
    let plan = Plan { routes: RouteTable::new(vec![route]).unwrap(), authorizer, ..Plan::default() };
    gateway_before(plan, Limits::default()).await
}

impl Running {
    /// A GET with these header lines.
    async fn with(&self, lines: &str) -> String {
        self.ask(&format!("GET / HTTP/1.1\r\n{lines}x-rest:"), "").await
    }
}

#[tokio::test]
async fn too_much_is_refused_before_the_service_sees_it() {
    let sizes =
        Sizes { body_bytes_max: Some(10), headers_max: Some(8), header_bytes_max: Some(300), ..Sizes::default() };
    let gateway = gateway_with(Policies { sizes, ..Policies::default() }, "").await;
    assert_eq!(status_of(&gateway.with("").await), 200);
    for (answer, status) in [
        (gateway.ask("POST /", "more than ten").await, 413),
        (gateway.with(&format!("x-long: {}\r\n", "x".repeat(300))).await, 431),
        (gateway.with("x-1: 1\r\nx-2: 2\r\nx-3: 3\r\nx-4: 4\r\nx-5: 5\r\nx-6: 6\r\nx-7: 7\r\n").await, 431),
    ] {
        assert_eq!(status_of(&answer), status, "{answer}");
        assert!(answer.contains("\"TW-3014\""), "{answer}");
    }
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n").await;
    peer.say("8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n").await;
    let answer = peer.hear_rest().await;
    assert!(status_of(&answer) == 413 && answer.contains("\"TW-3014\""), "{answer}");
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n").await;
    let answer = peer.hear_head().await;
    assert!(answer.contains("connection: close\r\n"), "nothing can be asked behind what is not read: {answer}");
}

#[tokio::test]
async fn an_answer_with_huge_headers_is_not_passed_on() {
    let sizes = Sizes { answer_header_bytes_max: Some(64), ..Sizes::default() };
    let gateway =
        gateway_with(Policies { sizes, ..Policies::default() }, "x-a: 0123456789012345678901234567890123456789\r\n")
            .await;
    let answer = gateway.with("").await;
    assert!(status_of(&answer) == 502 && answer.contains("\"TW-3014\""), "{answer}");
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let rate = RateLimit::new("asking", RateKey::Header("x-key".parse().unwrap()), 2, Duration::from_secs(60)).unwrap();
    let gateway = gateway_with(Policies { rate: Some(rate), ..Policies::default() }, "").await;
    for left in [1, 0] {
        let answer = gateway.with("x-key: a\r\n").await;
        assert_eq!(status_of(&answer), 200);
        assert!(answer.contains("ratelimit-policy: \"asking\";q=2;w=60\r\n"), "{answer}");
        assert!(answer.contains(&format!("ratelimit: \"asking\";r={left};t=")), "{answer}");
    }
    let refused = gateway.with("x-key: a\r\n").await;
    assert!(status_of(&refused) == 429 && refused.contains("\"TW-3013\""), "{refused}");
    assert!(refused.contains("retry-after: ") && refused.contains("ratelimit: \"asking\";r=0;t="), "{refused}");
    assert_eq!(status_of(&gateway.with("x-key: b\r\n").await), 200);
}

#[tokio::test]
async fn pages_of_others_may_ask_if_they_are_named() {
    let cors = Cors::new(
        Origins::These(vec![Origin::parse("https://shop.example:443").unwrap()]),
        &[Method::GET, Method::PUT],
        &["content-type".to_owned()],
        &["tradewind-position".to_owned()],
        true,
        Duration::from_secs(600),
    );
    let cors = cors.unwrap();
    let policies = Policies { cors: Some(Arc::new(cors.clone())), ..Policies::default() };
    let gateway = gateway_with(policies, "access-control-allow-origin: *\r\n").await;
    let question = "access-control-request-method: PUT\r\naccess-control-request-headers: content-type\r\n";
    let preflight = async |origin: &str| {
        gateway.ask(&format!("OPTIONS / HTTP/1.1\r\norigin: {origin}\r\n{question}x-rest:"), "").await
    };
    let allowed = preflight("https://shop.example").await;
    assert_eq!(status_of(&allowed), 204, "{allowed}");
    for line in [
        "access-control-allow-origin: https://shop.example",
        "access-control-allow-credentials: true",
        "access-control-allow-methods: GET, PUT",
        "access-control-allow-headers: content-type",
        "access-control-max-age: 600",
        "vary: origin",
    ] {
        assert!(allowed.contains(&format!("{line}\r\n")), "{line}: {allowed}");
    }
    let refused = preflight("https://other.example").await;
    assert!(status_of(&refused) == 204 && !refused.contains("access-control-allow"), "{refused}");

    let narrow = |route: &mut Route| route.methods = vec![Method::PUT];
    let putting_pages = cors.clone();
    let policies = Policies { cors: Some(Arc::new(cors)), ..Policies::default() };
    let putting = gateway_on(policies, "", None, narrow).await;
    let asked =
        putting.ask(&format!("OPTIONS / HTTP/1.1\r\norigin: https://shop.example\r\n{question}x-rest:"), "").await;
    assert_eq!(status_of(&asked), 204, "asked about PUT, which the route takes: {asked}");

    let versioned = |route: &mut Route| route.headers = vec![HeaderMatch::new("x-version", Some("2")).unwrap()];
    let policies = Policies { cors: Some(Arc::new(putting_pages)), ..Policies::default() };
    let by_header = gateway_on(policies, "", None, versioned).await;
    let ask = async |named: &str| {
        let lines = format!("origin: https://shop.example\r\naccess-control-request-method: PUT\r\n{named}");
        status_of(&by_header.ask(&format!("OPTIONS / HTTP/1.1\r\n{lines}x-rest:"), "").await)
    };
    assert_eq!(ask("access-control-request-headers: x-version\r\n").await, 204, "what it asks about has it");
    assert_eq!(ask("access-control-request-headers: x-other\r\n").await, 404);

    let own = gateway.with("origin: https://shop.example\r\n").await;
    assert!(own.contains("access-control-allow-origin: https://shop.example\r\n"), "{own}");
    assert!(own.contains("access-control-expose-headers: tradewind-position\r\n") && own.contains("vary: origin\r\n"));
    let other = gateway.with("origin: https://other.example\r\n").await;
    assert!(!other.contains("access-control-allow") && other.contains("vary: origin\r\n"), "{other}");
}

#[tokio::test]
async fn what_anybodys_pages_may_read_says_so_to_everybody() {
    let exposed = ["tradewind-position".to_owned()];
    let cors = Cors::new(Origins::Any, &[], &[], &exposed, false, Duration::from_secs(600)).unwrap();
    let gateway = gateway_with(Policies { cors: Some(Arc::new(cors)), ..Policies::default() }, "").await;
    for asks in ["", "origin: https://any.example\r\n"] {
        let answer = gateway.with(asks).await;
        assert!(answer.contains("access-control-allow-origin: *\r\n"), "what is kept of it others get too: {answer}");
        assert!(answer.contains("access-control-expose-headers: tradewind-position\r\n"), "{answer}");
        assert!(!answer.contains("vary: origin"), "{answer}");
    }
}

#[tokio::test]
async fn nobody_is_echoed_unless_a_route_says_so() {
    let gateway = gateway_with(Policies::default(), "").await;
    let refused = gateway.ask("TRACE / HTTP/1.1\r\nx-rest:", "").await;
    assert!(
        status_of(&refused) == 405 && refused.contains("allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"),
        "{refused}"
    );
    let echoing = gateway_on(Policies::default(), "", None, |route| route.methods = vec![Method::TRACE]).await;
    assert_eq!(status_of(&echoing.ask("TRACE / HTTP/1.1\r\nx-rest:", "").await), 200);
}

#[tokio::test]
async fn who_asks_for_the_options_of_the_next_one_is_answered_by_it() {
    let gateway = gateway_with(Policies::default(), "x-service: yes\r\n").await;
    let options =
        async |left: &str| gateway.ask(&format!("OPTIONS / HTTP/1.1\r\nmax-forwards: {left}\r\nx-rest:"), "").await;
    let ours = options("0").await;
    assert!(status_of(&ours) == 204 && !ours.contains("x-service"), "{ours}");
    let its = options("1").await;
    assert!(status_of(&its) == 200 && its.contains("x-service: yes"), "{its}");
}

#[tokio::test]
async fn security_headers_stand_where_the_service_set_none() {
    let security =
        SecurityHeaders::usual().with("strict-transport-security".parse().unwrap(), "max-age=60".parse().unwrap());
    let policies = Policies { security: Some(security), ..Policies::default() };
    let answer = gateway_with(policies, "x-frame-options: DENY\r\n").await.with("").await;
    assert!(answer.contains("x-content-type-options: nosniff\r\n"), "{answer}");
    assert!(answer.contains("x-frame-options: DENY\r\n") && !answer.contains("SAMEORIGIN"), "{answer}");
    assert!(!answer.contains("strict-transport-security"), "only over TLS: {answer}");
}

#[tokio::test]
async fn a_trace_is_begun_or_passed_on() {
    let gateway = gateway_with(Policies::default(), "").await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-";
    let passed = gateway.with(&format!("traceparent: {trace}00f067aa0ba902b7-01\r\ntracestate: a=1\r\n")).await;
    assert!(passed.contains(&format!("\r\ntraceparent: {trace}")) && passed.contains("tracestate: a=1"), "{passed}");
    assert!(!passed.contains("00f067aa0ba902b7"), "the call has a span of its own: {passed}");
    let begun = gateway.with("traceparent: nonsense\r\ntracestate: a=1\r\n").await;
    assert!(begun.contains("\r\ntraceparent: 00-") && !begun.contains("tracestate"), "{begun}");
}

/// Knows one token for each kind of client.
#[derive(Debug)]
struct Tokens;

impl Authorizer for Tokens {
    fn authorize<'a>(&'a self, request: Head<'a>, rule: &'a AuthRule) -> Verdict<'a> {
        let token = request.headers.get("authorization").map(|value| value.as_bytes().to_vec());
        Box::pin(async move {
            let client = match token.as_deref() {
                None => return Err(Denied::NoToken),
                Some(b"Bearer reads") => "reader",
                Some(b"Bearer writes") => "writer",
                Some(b"Bearer hangs") => std::future::pending().await,
                Some(_) => return Err(Denied::InvalidToken("it is \"over\"".to_owned())),
            };
            let may = rule.scopes.iter().all(|scope| scope == "write" && client == "writer");
            if may { Ok(Identity { client: client.to_owned() }) } else { Err(Denied::MissingScope) }
        })
    }
}

fn guarded() -> Policies {
    let auth = Some(AuthRule { scopes: vec!["write".to_owned()] });
    let rate = RateLimit::new("asking", RateKey::Client, 1, Duration::from_secs(60)).ok();
    Policies { auth, rate, ..Policies::default() }
}

#[tokio::test]
async fn only_who_may_asks() {
    let gateway = gateway_by(guarded(), "", Some(Arc::new(Tokens))).await;
    for (line, status, code, told) in [
        ("", 401, "TW-3011", "www-authenticate: Bearer realm=\"tradewind\", scope=\"write\"\r\n"),
        (
            "authorization: Bearer old\r\n",
            401,
            "TW-3011",
            "error=\"invalid_token\", error_description=\"it is 'over'\"",
        ),
        ("authorization: Bearer reads\r\n", 403, "TW-3012", "error=\"insufficient_scope\", scope=\"write\"\r\n"),
        ("authorization: Bearer hangs\r\n", 503, "TW-3011", "retry-after: 1\r\n"),
    ] {
        let answer = gateway.with(line).await;
        assert_eq!(status_of(&answer), status, "{answer}");
        assert!(answer.contains(code) && answer.contains(told), "{answer}");
    }
    assert_eq!(status_of(&gateway.with("authorization: Bearer writes\r\n").await), 200);
    assert_eq!(status_of(&gateway.with("authorization: Bearer writes\r\n").await), 429, "counted by client");
}

#[tokio::test]
async fn what_does_not_reach_the_service_counts_for_no_policy() {
    let gateway = gateway_by(guarded(), "", Some(Arc::new(Tokens))).await;
    let answer = gateway.with("connection: authorization\r\nauthorization: Bearer writes\r\n").await;
    assert!(status_of(&answer) == 401 && answer.contains("TW-3011"), "{answer}");
    let rate = RateLimit::new("asking", RateKey::Header("x-key".parse().unwrap()), 1, Duration::from_secs(60)).ok();
    let gateway = gateway_with(Policies { rate, ..Policies::default() }, "").await;
    for (key, status) in [("a", 200), ("b", 429)] {
        let answer = gateway.with(&format!("connection: x-key\r\nx-key: {key}\r\n")).await;
        assert_eq!(status_of(&answer), status, "{answer}");
    }
}

#[tokio::test]
async fn without_anybody_who_could_tell_nobody_may() {
    let gateway = gateway_with(guarded(), "").await;
    for line in ["", "authorization: Bearer writes\r\n", "authorization: Basic eDp5\r\n"] {
        let answer = gateway.with(line).await;
        assert!(status_of(&answer) == 401 && answer.contains("www-authenticate: Bearer"), "{answer}");
    }
}
