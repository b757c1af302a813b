//! Which request goes where.

use crate::{gateway, named, status_of, table};

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
    gateway.handle.replace_routes(table(&[("/", named("new").await)]));
    assert!(gateway.get("/").await.ends_with("new"));
}

#[tokio::test]
async fn it_tells_its_own_health_and_figures() {
    let gateway = gateway(&[("/", named("a").await)]).await;
    gateway.get("/x").await;
    assert_eq!(status_of(&gateway.get("/_gateway/health/live").await), 200);
    assert_eq!(status_of(&gateway.get("/_gateway/health/ready").await), 200);
    let metrics = gateway.get("/_gateway/metrics").await;
    assert!(metrics.contains("tradewind_gateway_requests_total{service=\"test\",status=\"200\"} 1"), "{metrics}");
    assert!(gateway.get("/_gateway/routes").await.contains("\"prefix\":\"/\""));
    assert_eq!(status_of(&gateway.get("/_gateway/other").await), 404);
    assert_eq!(status_of(&gateway.ask("POST /_gateway/metrics", "x").await), 405);
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
