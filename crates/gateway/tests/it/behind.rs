//! The gateway behind another proxy, which tells it who the client is and how it has asked.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Cache, CacheOptions};
use tradewind_gateway::{
    AccessLogOptions, Gateway, HeaderMatch, Limits, Options, PathPattern, Plan, Policies, RateKey, RateLimit, Route,
    RouteTable, SecurityHeaders, Upstream,
};

use crate::acting::{Acting, header, ok};
use crate::logging::{logging, told};
use crate::{Peer, Running, TIMEOUTS, gateway_with, named, status_of};

/// A service that takes commands, once for each address.
fn plan(acting: &Acting) -> Plan {
    let mut route = Route::new("/", acting.upstream("test")).unwrap();
    let rate = RateLimit::new("asking", RateKey::Address, 1, Duration::from_secs(60)).ok();
    let security = SecurityHeaders::usual().with("strict-transport-security".parse().unwrap(), "m".parse().unwrap());
    route.policies = Arc::new(Policies { rate, security: Some(security), ..Policies::default() });
    let cache = Some(Cache::new(CacheOptions::default(), Arc::new(SystemClock)));
    let own_writes = Some(Duration::from_secs(600));
    Plan { routes: RouteTable::new(vec![route]).unwrap(), cache, own_writes, ..Plan::default() }
}

async fn gateway(options: Options, plan: Plan) -> Running {
    let gateway = Gateway::bind(Options { timeouts: TIMEOUTS, ..options }, plan).await.unwrap();
    let (address, handle, shutdown) = (gateway.address(), gateway.handle(), CancellationToken::new());
    let ended = tokio::spawn(gateway.run(shutdown.clone()));
    Running { address, handle, shutdown, ended }
}

async fn command(gateway: &Running, lines: &str) -> String {
    gateway.ask(&format!("POST / HTTP/1.1\r\n{lines}x-rest:"), "").await
}

const OF_A_CLIENT: &str =
    "x-forwarded-for: 198.51.100.9, 192.0.2.1\r\nx-forwarded-proto: https\r\nx-forwarded-host: shop.example\r\n";

#[tokio::test]
async fn what_a_trusted_proxy_says_of_a_client_counts_everywhere() {
    let acting = Acting::begin(|_| ok("tradewind-position: 7\r\n", "done")).await;
    let (log, lines) = logging(AccessLogOptions::default());
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.access = Some(log.clone());
    options.trusted = vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let gateway = gateway(options, plan(&acting)).await;

    let answer = command(&gateway, OF_A_CLIENT).await;
    assert_eq!(status_of(&answer), 200, "{answer}");
    assert!(header(&answer, "set-cookie").ends_with("; Secure"), "{answer}");
    assert_eq!(header(&answer, "strict-transport-security"), "m");
    let heard = acting.last();
    assert_eq!(header(&heard, "x-forwarded-for"), "192.0.2.1, 127.0.0.1");
    assert_eq!((header(&heard, "x-forwarded-proto"), header(&heard, "x-forwarded-host")), ("https", "shop.example"));
    let forwarded = "for=192.0.2.1;proto=https, for=127.0.0.1;host=\"shop.example\";proto=http";
    assert_eq!(header(&heard, "forwarded"), forwarded);

    assert_eq!(status_of(&command(&gateway, OF_A_CLIENT).await), 429, "it is the same client");
    assert_eq!(status_of(&command(&gateway, "x-forwarded-for: 192.0.2.1, 10.0.0.2\r\n").await), 429);
    assert_eq!(status_of(&command(&gateway, "x-forwarded-for: 192.0.2.2\r\n").await), 200, "it is another one");
    assert_eq!(status_of(&command(&gateway, "").await), 200, "the proxy asks for itself");

    let clients: Vec<String> =
        told(&log, &lines).await.iter().map(|line| line["client"].as_str().unwrap().to_owned()).collect();
    assert_eq!(clients, ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "127.0.0.1"]);
}

#[tokio::test]
async fn what_a_stranger_says_of_itself_counts_nowhere() {
    let acting = Acting::begin(|_| ok("tradewind-position: 7\r\n", "done")).await;
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.trusted = vec!["10.0.0.0/8".parse().unwrap()];
    let gateway = gateway(options, plan(&acting)).await;
    let answer = command(&gateway, OF_A_CLIENT).await;
    assert!(!header(&answer, "set-cookie").contains("Secure"), "{answer}");
    assert_eq!(header(&answer, "strict-transport-security"), "");
    let heard = acting.last();
    assert_eq!((header(&heard, "x-forwarded-for"), header(&heard, "x-forwarded-proto")), ("127.0.0.1", "http"));
    assert_eq!(header(&heard, "forwarded"), "for=127.0.0.1;host=\"shop.example\";proto=http");
    assert_eq!(status_of(&command(&gateway, "x-forwarded-for: 192.0.2.2\r\n").await), 429, "it is the same one");
}

/// Who says in a header that it is another one, or has asked in another way, is sent elsewhere.
async fn by_headers(trusted: &[&str], rate: Option<RateLimit>) -> Running {
    let mut routes = Vec::new();
    for (header, value, name) in [("x-forwarded-for", None, "told"), ("x-forwarded-proto", Some("https"), "secure")] {
        let mut route = Route::new("/", Upstream::new(name, [named(name).await])).unwrap();
        route.headers = vec![HeaderMatch::new(header, value).unwrap()];
        route.path = PathPattern::parse(&format!("/{name}")).unwrap();
        routes.push(route);
    }
    let mut usual = Route::new("/", Upstream::new("usual", [named("usual").await])).unwrap();
    usual.policies = Arc::new(Policies { rate, ..Policies::default() });
    routes.push(usual);
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
    gateway(options, Plan { routes: RouteTable::new(routes).unwrap(), ..Plan::default() }).await
}

#[tokio::test]
async fn routes_and_rates_see_of_what_is_forwarded_what_is_believed() {
    let asked = async |gateway: &Running, path: &str, lines: &str| {
        gateway.ask(&format!("GET {path} HTTP/1.1\r\n{lines}x-rest:"), "").await
    };
    let rate = |key: &str| {
        RateLimit::new("asking", RateKey::Header(key.parse().unwrap()), 1, Duration::from_secs(60)).unwrap()
    };
    let told = "x-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: https\r\n";
    let strange = by_headers(&["10.0.0.0/8"], Some(rate("x-forwarded-for"))).await;
    for (path, lines) in [("/told", told), ("/secure", "forwarded: for=192.0.2.1;proto=https\r\n")] {
        let answer = asked(&strange, path, lines).await;
        assert!(!answer.ends_with("told") && !answer.ends_with("secure"), "{path}: {answer}");
    }
    assert_eq!(status_of(&asked(&strange, "/", "x-forwarded-for: 192.0.2.3\r\n").await), 429, "it is the same one");

    let believed = by_headers(&["127.0.0.1"], Some(rate("x-forwarded-for"))).await;
    for (path, lines, name) in [
        ("/told", told, "told"),
        ("/secure", told, "secure"),
        ("/secure", "forwarded: for=192.0.2.1;proto=https\r\n", "secure"),
        ("/told", "forwarded: for=192.0.2.1\r\n", "told"),
        ("/secure", "forwarded: for=192.0.2.2\r\nx-forwarded-proto: https\r\n", "usual"),
    ] {
        let answer = asked(&believed, path, lines).await;
        assert!(answer.ends_with(name), "{path} {lines}: {answer}");
    }
    assert_eq!(status_of(&asked(&believed, "/", "forwarded: for=192.0.2.2\r\n").await), 429, "it is the same client");
    assert_eq!(status_of(&asked(&believed, "/", "forwarded: for=192.0.2.3\r\n").await), 200);
}

#[tokio::test]
async fn metrics_and_routes_are_for_operators_alone() {
    let acting = Acting::begin(|_| ok("", "done")).await;
    let of = async |operators: &[&str], address: &str| {
        let mut options = Options::new("127.0.0.1:0".parse().unwrap());
        options.trusted = vec!["127.0.0.1".parse().unwrap()];
        if !operators.is_empty() {
            options.operators = operators.iter().map(|network| network.parse().unwrap()).collect();
        }
        let gateway = gateway(options, plan(&acting)).await;
        let mut statuses = Vec::new();
        for path in ["metrics", "routes", "health/ready"] {
            let head = format!("GET /_gateway/{path} HTTP/1.1\r\n{address}x-rest:");
            statuses.push(status_of(&gateway.ask(&head, "").await));
        }
        statuses
    };
    assert_eq!(of(&[], "").await, [200, 200, 200], "this machine is among them unless told otherwise");
    assert_eq!(of(&[], "x-forwarded-for: 192.0.2.9\r\n").await, [403, 403, 200]);
    assert_eq!(of(&["192.0.2.0/24"], "x-forwarded-for: 192.0.2.9\r\n").await, [200, 200, 200]);
    assert_eq!(of(&["192.0.2.0/24"], "").await, [403, 403, 200]);
}

#[tokio::test]
async fn who_asks_through_a_proxy_that_is_not_trusted_is_no_operator() {
    let acting = Acting::begin(|_| ok("", "done")).await;
    let gateway = gateway(Options::new("127.0.0.1:0".parse().unwrap()), plan(&acting)).await;
    let status = async |path: &str, line: &str| {
        status_of(&gateway.ask(&format!("GET /_gateway/{path} HTTP/1.1\r\n{line}x-rest:"), "").await)
    };
    for line in ["x-forwarded-for: 192.0.2.9\r\n", "forwarded: for=127.0.0.1\r\n", "x-real-ip: 192.0.2.9\r\n"] {
        for (path, expected) in [("metrics", 403), ("routes", 403), ("health/ready", 200)] {
            assert_eq!(status(path, line).await, expected, "{path} {line}");
        }
    }
    assert_eq!((status("metrics", "").await, status("routes", "").await), (200, 200), "this machine itself is one");
}

#[tokio::test]
async fn this_machine_may_have_any_number_of_connections() {
    let limits = Limits { connections_per_address_max: 1, ..Limits::default() };
    let gateway = gateway_with(&[("/", named("a").await)], limits).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::connect(gateway.address).await;
        peer.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        peer.hear_until("\r\n\r\na").await;
        peers.push(peer);
    }
}
