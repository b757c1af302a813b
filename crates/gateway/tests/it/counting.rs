//! What is counted of routes and of parts of composed answers.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use tradewind_gateway::compose::OnFailure;
use tradewind_gateway::{Limits, Route, RouteTable, Upstream};

use crate::acting::Acting;
use crate::composing::{Shop, Wanted};
use crate::{Peer, Running, gateway_before, named, service, status_of};

/// The text of all figures, of which no series stands there twice.
async fn figures(gateway: &Running) -> String {
    let text = gateway.get("/_gateway/metrics").await;
    let lines = text.lines().filter(|line| line.starts_with("tradewind_"));
    let series: Vec<&str> = lines.filter_map(|line| line.rsplit_once(' ').map(|(series, _)| series)).collect();
    let once: BTreeSet<&str> = series.iter().copied().collect();
    assert_eq!(once.len(), series.len(), "a series stands there twice: {text}");
    assert!(text.trim_end().ends_with("# EOF"), "{text}");
    text
}

#[track_caller]
fn has(figures: &str, line: &str) {
    let found = figures.lines().any(|found| found == format!("tradewind_gateway_{line}"));
    assert!(found, "no {line} in {figures}");
}

#[tokio::test]
async fn routes_are_counted_by_class_and_time_and_counted_on_when_the_plan_changes() {
    let upstream = Upstream::new("shop", [named("a").await]);
    let table = || {
        let route = |path: &str, method| {
            let mut route = Route::new(path, upstream.clone()).unwrap();
            route.methods = vec![method];
            route
        };
        // Two of one name that lead to one service are counted together.
        RouteTable::new(vec![route("/a", Method::GET), route("/a", Method::PUT), route("/b", Method::GET)]).unwrap()
    };
    let gateway = gateway_before(table(), Limits::default()).await;
    for ask in ["GET /a", "PUT /a", "GET /b", "GET /nowhere"] {
        gateway.ask(ask, "").await;
    }
    gateway.handle.replace(table());
    gateway.get("/a").await;
    assert_eq!(status_of(&gateway.get("/a/../b").await), 400);
    let figures = figures(&gateway).await;
    has(&figures, "requests_total{route=\"/a\",service=\"shop\",status=\"2xx\"} 3");
    has(&figures, "requests_total{route=\"/b\",service=\"shop\",status=\"2xx\"} 1");
    has(&figures, "requests_total{route=\"/b\",service=\"shop\",status=\"5xx\"} 0");
    has(&figures, "requests_total{route=\"none\",service=\"none\",status=\"4xx\"} 2");
    has(&figures, "response_head_seconds_count{route=\"/a\",service=\"shop\"} 3");
    has(&figures, "request_duration_seconds_count{route=\"/a\",service=\"shop\"} 3");
    has(&figures, "request_duration_seconds_bucket{le=\"+Inf\",route=\"/a\",service=\"shop\"} 3");
    has(&figures, "route_in_flight{route=\"/a\",service=\"shop\"} 0");
}

#[tokio::test]
async fn a_request_is_in_flight_until_its_answer_has_ended() {
    let script = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf").await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        peer.say("half").await;
        peer.hear_rest().await;
    };
    let upstream = Upstream::new("slow", [service(script).await.0]);
    let gateway =
        gateway_before(RouteTable::new(vec![Route::new("/", upstream).unwrap()]).unwrap(), Limits::default()).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
    peer.hear_until("half").await;
    has(&figures(&gateway).await, "route_in_flight{route=\"/\",service=\"slow\"} 1");
    peer.hear_until("half").await;
    drop(peer);
    let mut text = String::new();
    for _ in 0..200 {
        text = figures(&gateway).await;
        if text.contains("route_in_flight{route=\"/\",service=\"slow\"} 0") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    has(&text, "route_in_flight{route=\"/\",service=\"slow\"} 0");
    has(&text, "response_head_seconds_bucket{le=\"0.5\",route=\"/\",service=\"slow\"} 1");
    has(&text, "request_duration_seconds_bucket{le=\"0.5\",route=\"/\",service=\"slow\"} 0");
    has(&text, "request_duration_seconds_bucket{le=\"2.5\",route=\"/\",service=\"slow\"} 1");
}

#[tokio::test]
async fn parts_of_composed_answers_are_counted_by_whether_they_were_there() {
    let asked_then_killed = async |on_failure| {
        let shop = Shop::new().await;
        let gateway = shop.gateway(&Wanted { on_failure, ..Wanted::default() }).await;
        gateway.page("").await;
        let kill = |acting: &Acting| acting.kill();
        kill(&shop.inventory);
        gateway.page("").await;
        figures(&gateway).await
    };
    let part = |state, count| {
        let labels = "route=\"/web/products/{id}\",fragment=\"stock\",service=\"inventory\"";
        format!("fragments_total{{{labels},state=\"{state}\"}} {count}")
    };
    let omitted = asked_then_killed(OnFailure::OMIT).await;
    has(&omitted, &part("complete", 1));
    has(&omitted, &part("missing", 1));
    has(&omitted, "requests_total{route=\"/web/products/{id}\",service=\"web/product\",status=\"2xx\"} 2");
    let timed = "route=\"/web/products/{id}\",fragment=\"stock\",service=\"inventory\"";
    has(&omitted, &format!("fragment_seconds_count{{{timed}}} 2"));
    let stale = asked_then_killed(OnFailure::ERROR.or_stale(Duration::from_secs(60))).await;
    has(&stale, &part("stale", 1));
    let failed = asked_then_killed(OnFailure::ERROR).await;
    has(&failed, &part("missing", 1));
    has(&failed, "requests_total{route=\"/web/products/{id}\",service=\"web/product\",status=\"5xx\"} 1");
}
