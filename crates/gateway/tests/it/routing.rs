//! Which request goes where.

use http::Method;
use tradewind_gateway::{HeaderMatch, HostPattern, Limits, Rewrite, Route, RouteTable, Upstream};

use crate::{Peer, gateway, gateway_before, named, service, status_of, table};

/// A service that answers with the first line of what it hears.
async fn echoing() -> std::net::SocketAddr {
    let script = |mut peer: Peer, _| async move {
        loop {
            let line = peer.hear_until("\r\n").await.trim().to_owned();
            peer.hear_head().await;
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{line}", line.len())).await;
        }
    };
    service(script).await.0
}

#[tokio::test]
async fn hosts_methods_and_patterns_choose_and_the_path_is_rewritten() {
    let upstream = Upstream::new("test", [echoing().await]);
    let other = Upstream::new("other", [named("other").await]);
    let mut products = Route::new("/products/{id}", upstream.clone()).unwrap();
    products.rewrite = Some(Rewrite::parse("/p/{id}/all", &products.path).unwrap());
    let mut writing = Route::new("/api", upstream).unwrap();
    writing.methods = vec![Method::POST];
    let mut elsewhere = Route::new("/", other).unwrap();
    elsewhere.hosts = vec![HostPattern::parse("*.test").unwrap()];
    let routes = RouteTable::new(vec![products, writing, elsewhere]).unwrap();
    let gateway = gateway_before(routes, Limits::default()).await;
    assert!(gateway.get("/products/7%2F8?x=1").await.ends_with("GET /p/7%2F8/all?x=1 HTTP/1.1"));
    assert!(gateway.ask("POST /api/orders", "{}").await.ends_with("POST /api/orders HTTP/1.1"));
    let refused = gateway.get("/api/orders").await;
    assert_eq!(status_of(&refused), 405);
    assert!(refused.contains("allow: POST\r\n"), "{refused}");
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET /products/7 HTTP/1.1\r\nhost: A.Test:81\r\nconnection: close\r\n\r\n").await;
    assert!(peer.hear_rest().await.ends_with("other"));
}

#[tokio::test]
async fn a_header_of_the_connection_alone_chooses_no_route() {
    let mut beta = Route::new("/", Upstream::new("beta", [named("beta").await])).unwrap();
    beta.headers = vec![HeaderMatch::new("x-beta", None).unwrap()];
    let usual = Route::new("/", Upstream::new("usual", [named("usual").await])).unwrap();
    let gateway = gateway_before(RouteTable::new(vec![beta, usual]).unwrap(), Limits::default()).await;
    for (lines, name) in [("x-beta: 1", "beta"), ("connection: x-beta\r\nx-beta: 1", "usual")] {
        let answer = gateway.ask(&format!("GET / HTTP/1.1\r\n{lines}\r\nx-rest:"), "").await;
        assert!(answer.ends_with(name), "{lines}: {answer}");
    }
}

#[tokio::test]
async fn a_deadline_holds_however_much_is_tried() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut route = Route::new("/", Upstream::new("test", [gone])).unwrap();
    route.policies = std::sync::Arc::new(tradewind_gateway::Policies {
        deadline: Some(std::time::Duration::from_millis(100)),
        ..Default::default()
    });
    let gateway = gateway_before(RouteTable::new(vec![route]).unwrap(), Limits::default()).await;
    let begun = std::time::Instant::now();
    let answer = gateway.get("/").await;
    assert_eq!(status_of(&answer), 504);
    assert!(begun.elapsed() < std::time::Duration::from_millis(450), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn each_path_reaches_the_service_of_its_longest_prefix() {
    let gateway =
        gateway(&[("/", named("page").await), ("/api/a", named("a").await), ("/api/a/b", named("b").await)]).await;
    for (path, name) in [("/", "page"), ("/api/a?x=1", "a"), ("/api/a/b/c", "b"), ("/api/ab", "page")] {
        assert!(gateway.get(path).await.ends_with(&format!("\r\n\r\n{name}")), "{path}");
    }
}

#[tokio::test]
async fn no_route_is_a_problem_with_its_code() {
    let gateway = gateway(&[("/api", named("a").await)]).await;
    let answer = gateway.get("/elsewhere").await;
    assert_eq!(status_of(&answer), 404);
    assert!(answer.contains("application/problem+json") && answer.contains("\"TW-3001\""), "{answer}");
}

#[tokio::test]
async fn a_path_that_climbs_out_of_its_prefix_is_refused() {
    let gateway = gateway(&[("/", named("a").await)]).await;
    for path in ["/api/../secret", "/api/%2e%2e/secret"] {
        let answer = gateway.get(path).await;
        assert_eq!(status_of(&answer), 400, "{answer}");
        assert!(answer.contains("\"TW-3004\""));
    }
}

#[tokio::test]
async fn routes_are_replaced_while_it_runs() {
    let gateway = gateway(&[("/", named("old").await)]).await;
    assert!(gateway.get("/").await.ends_with("old"));
    gateway.handle.replace(table(&[("/", named("new").await)]));
    assert!(gateway.get("/").await.ends_with("new"));
}

#[tokio::test]
async fn it_tells_its_own_health_and_figures() {
    let gateway = gateway(&[("/", named("a").await)]).await;
    gateway.get("/x").await;
    assert_eq!(status_of(&gateway.get("/_gateway/health/live").await), 200);
    assert_eq!(status_of(&gateway.get("/_gateway/health/ready").await), 200);
    let metrics = gateway.get("/_gateway/metrics").await;
    assert!(metrics.contains("requests_total{route=\"/\",service=\"test\",status=\"2xx\"} 1"), "{metrics}");
    assert!(gateway.get("/_gateway/routes").await.contains("\"prefix\":\"/\""));
    assert_eq!(status_of(&gateway.get("/_gateway/other").await), 404);
    let refused = gateway.ask("POST /_gateway/metrics", "x").await;
    assert!(status_of(&refused) == 405 && refused.contains("\r\nallow: GET, HEAD\r\n"), "{refused}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let gateway = gateway(&[("/", named("a").await)]).await;
    let long = "x".repeat(100_000);
    let answer = gateway.ask(&format!("GET / HTTP/1.1\r\nx-long: {long}\r\nx-rest:"), "").await;
    assert_eq!(status_of(&answer), 431);
    let many = "x-many: 1\r\n".repeat(200);
    let answer = gateway.ask(&format!("GET / HTTP/1.1\r\n{many}x-rest:"), "").await;
    assert_eq!(status_of(&answer), 431);
}
