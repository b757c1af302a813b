//! Requests that are not as their operations say never reach the service.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tradewind_gateway::openapi::Document;
use tradewind_gateway::{Limits, Policies, Rewrite, Route, RouteTable, Sizes, Upstream, Validation};

use crate::{Peer, Running, gateway_before, service, status_of};

fn document() -> Document {
    let order = json!({"type": "object", "required": ["lines"], "properties": {
        "lines": {"type": "array", "items": {"type": "object", "properties": {
            "quantity": {"type": "integer", "minimum": 1}}}}}});
    let content = json!({"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}, "text/plain": {}});
    Document::new(json!({
        "openapi": "3.1.0",
        "paths": {
            "/orders": {"post": {"requestBody": {"required": true, "content": content}}},
            "/tenants": {"get": {"parameters": [
                {"name": "x-tenant", "in": "header", "required": true, "schema": {"type": "string"}}]}},
            "/orders/{id}": {"get": {"parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]}},
        },
        "components": {"schemas": {"Order": order}},
    }))
    .unwrap()
}

/// A gateway before a service that answers with the body that it has got.
async fn validating(body_bytes_max: Option<u64>) -> (Running, Arc<AtomicUsize>) {
    validating_by(&document(), body_bytes_max).await
}

async fn validating_by(document: &Document, body_bytes_max: Option<u64>) -> (Running, Arc<AtomicUsize>) {
    let script = |mut peer: Peer, _| async move {
        loop {
            let head = peer.hear_head().await;
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            let body = peer.hear_bytes(length.unwrap_or(0)).await;
            peer.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
        }
    };
    let (address, connections) = service(script).await;
    let mut route = Route::new("/api", Upstream::new("ordering", [address])).unwrap();
    route.rewrite = Some(Rewrite::parse("/", &route.path).unwrap());
    let validate = Some(Arc::new(Validation::compile(document).unwrap()));
    let sizes = Sizes { body_bytes_max, ..Sizes::default() };
    route.policies = Arc::new(Policies { validate, sizes, ..Policies::default() });
    let gateway = gateway_before(RouteTable::new(vec![route]).unwrap(), Limits::default()).await;
    (gateway, connections)
}

impl Running {
    async fn post(&self, kind: &str, body: &str) -> (u16, Value) {
        self.post_to("orders", kind, body).await
    }

    async fn post_to(&self, path: &str, kind: &str, body: &str) -> (u16, Value) {
        let mut peer = Peer::connect(self.address).await;
        let length = body.len();
        let head = format!("POST /api/{path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n");
        peer.say(&format!("{head}content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}")).await;
        let answer = peer.hear_rest().await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status_of(&answer), serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    }
}

#[tokio::test]
async fn a_body_is_held_against_its_schema() {
    let (gateway, connections) = validating(None).await;
    let good = json!({"lines": [{"quantity": 1}]});
    assert_eq!(gateway.post("application/json; charset=utf-8", &good.to_string()).await, (200, good));
    assert_eq!(gateway.post("text/plain", "whatever").await, (200, "whatever".into()), "of this nothing is told");
    let reached = connections.load(Ordering::SeqCst);
    let (status, problem) = gateway.post("application/json", r#"{"lines": [{"quantity": 1}, {"quantity": 0}]}"#).await;
    assert_eq!((status, &problem["code"]), (422, &json!("TW-3054")));
    assert_eq!(
        problem["errors"],
        json!([{"in": "body", "pointer": "/lines/1/quantity", "detail": "0 is less than the minimum of 1"}])
    );
    let (status, problem) = gateway.post("application/json", "{").await;
    assert_eq!((status, &problem["errors"][0]["in"]), (400, &json!("body")));
    let (status, problem) = gateway.post("image/png", "x").await;
    assert_eq!((status, &problem["code"]), (415, &json!("TW-3054")));
    assert_eq!(gateway.post("application/json", "").await.0, 400);
    let deep = "[".repeat(100_000);
    assert_eq!(gateway.post("application/json", &deep).await.0, 400);
    assert_eq!(connections.load(Ordering::SeqCst), reached, "none of them reached the service");
}

#[tokio::test]
async fn a_packed_body_that_is_to_be_looked_at_is_refused_for_its_coding() {
    let (gateway, connections) = validating(None).await;
    let post = async |kind: &str, coding: &str| {
        let lines = format!("content-type: {kind}\r\ncontent-encoding: {coding}\r\n");
        gateway.ask(&format!("POST /api/orders HTTP/1.1\r\n{lines}x-rest:"), r#"{"lines":[]}"#).await
    };
    for coding in ["gzip", "identity, gzip", "zstd\r\ncontent-encoding: identity"] {
        let refused = post("application/json", coding).await;
        assert!(status_of(&refused) == 415 && refused.contains("\"TW-3054\""), "{coding}: {refused}");
        assert!(refused.contains("\r\naccept-encoding: identity\r\n"), "{coding}: {refused}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0, "none of them reached the service");
    assert_eq!(status_of(&post("application/json", "Identity").await), 200);
    assert_eq!(status_of(&post("text/plain", "gzip").await), 200, "this is not looked at");
    let refused = gateway.post("image/png", "x").await;
    assert_eq!(refused.0, 415);
}

#[tokio::test]
async fn who_is_refused_for_what_was_read_may_go_on() {
    let (gateway, _) = validating(None).await;
    let mut peer = Peer::connect(gateway.address).await;
    for _ in 0..3 {
        let body = r#"{"lines": [{"quantity": 0}]}"#;
        let head = "POST /api/orders HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\n";
        peer.say(&format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
        let answer = peer.hear_head().await;
        assert!(status_of(&answer) == 422 && !answer.contains("connection: close"), "{answer}");
        let length = answer.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        peer.hear_bytes(length.unwrap()).await;
    }
    peer.say("GET /api/orders/7 HTTP/1.1\r\nhost: shop.example\r\n\r\n").await;
    assert_eq!(status_of(&peer.hear_head().await), 200);
}

#[tokio::test]
async fn parameters_are_held_against_theirs_and_what_is_not_described_is_not_there() {
    let (gateway, connections) = validating(None).await;
    assert_eq!(status_of(&gateway.get("/api/orders/7").await), 200);
    let reached = connections.load(Ordering::SeqCst);
    let refused = gateway.get("/api/orders/x").await;
    assert_eq!(status_of(&refused), 400);
    assert!(
        refused.contains(r#""errors":[{"in":"path","name":"id","pointer":"","detail":"\"x\" is not of type"#),
        "{refused}"
    );
    assert_eq!(status_of(&gateway.get("/api/elsewhere").await), 404);
    let other = gateway.ask("DELETE /api/orders/7", "").await;
    assert_eq!(status_of(&other), 405);
    assert!(other.contains("allow: GET, HEAD\r\n"), "{other}");
    assert_eq!(connections.load(Ordering::SeqCst), reached);
}

#[tokio::test]
async fn what_is_looked_at_is_what_the_service_gets() {
    let (gateway, connections) = validating(None).await;
    let ask = async |lines: &str, body: &str| {
        let (request, kind) = match body {
            "" => ("GET /api/tenants", ""),
            _ => ("POST /api/orders", "content-type: application/json\r\n"),
        };
        status_of(&gateway.ask(&format!("{request} HTTP/1.1\r\n{lines}{kind}x-rest:"), body).await)
    };
    assert_eq!(ask("x-tenant: a\r\n", "").await, 200);
    let reached = connections.load(Ordering::SeqCst);
    assert_eq!(ask("connection: x-tenant\r\nx-tenant: a\r\n", "").await, 400);
    assert_eq!(ask("connection: content-type\r\n", r#"{"lines":[]}"#).await, 415);
    assert_eq!(connections.load(Ordering::SeqCst), reached, "neither has reached the service");
}

#[tokio::test]
async fn a_body_that_is_looked_at_is_no_larger_than_allowed() {
    let text = |bytes: usize| format!("{{\"lines\":[],\"note\":\"{}\"}}", "x".repeat(bytes));
    let (usual, _) = validating(None).await;
    assert_eq!(usual.post("application/json", &text(500_000)).await.0, 200);
    let mut announced = Peer::connect(usual.address).await;
    let head = "POST /api/orders HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\n";
    announced.say(&format!("{head}content-length: 1100000\r\n\r\n")).await;
    assert_eq!(status_of(&announced.hear_head().await), 413);
    let mut growing = Peer::connect(usual.address).await;
    growing.say(&format!("{head}transfer-encoding: chunked\r\n\r\n100001\r\n{}\r\n", "1".repeat(0x10_0001))).await;
    assert_eq!(status_of(&growing.hear_head().await), 413);
    let (small, _) = validating(Some(100)).await;
    assert_eq!(small.post("application/json", &text(200)).await.0, 413);
    let (large, _) = validating(Some(2_000_000)).await;
    assert_eq!(large.post("application/json", &text(1_100_000)).await.0, 200);
}

#[tokio::test]
async fn of_several_kinds_the_most_specific_one_counts_and_only_json_is_read() {
    let whole = |required: &str| json!({"schema": {"type": "object", "required": [required]}});
    let ranges = json!({"*/*": whole("any"), "application/*": whole("of_range"), "application/json": whole("own")});
    let files = json!({"*/*": {"schema": {"type": "string", "format": "binary"}}});
    let post = |content: &Value| json!({"post": {"requestBody": {"content": content}}});
    let document = json!({"openapi": "3.1.0", "paths": {"/ranges": post(&ranges), "/files": post(&files)}});
    let gateway = validating_by(&Document::new(document).unwrap(), None).await.0;
    for (path, kind, body, status) in [
        ("ranges", "application/json", r#"{"own":1}"#, 200),
        ("ranges", "application/json", r#"{"any":1,"of_range":1}"#, 422),
        ("ranges", "application/problem+json", r#"{"of_range":1}"#, 200),
        ("ranges", "application/problem+json", r#"{"own":1,"any":1}"#, 422),
        ("ranges", "image/x+json", r#"{"any":1}"#, 200),
        ("ranges", "image/x+json", r#"{"own":1,"of_range":1}"#, 422),
        ("ranges", "application/octet-stream", "\u{1}PNG", 200),
        ("ranges", "image/png", "\u{1}PNG", 200),
        ("files", "image/png", "\u{1}PNG", 200),
        ("files", "application/json", "[1]", 200),
    ] {
        let (got, told) = gateway.post_to(path, kind, body).await;
        assert_eq!(got, status, "{path}, {kind}, {body}: {told}");
    }
    let both = "application/json\r\ncontent-type: text/plain";
    assert_eq!(gateway.post_to("ranges", both, r#"{"own":1}"#).await.0, 400, "the service could read the other");
}

#[tokio::test]
async fn all_bodies_that_are_looked_at_have_so_much_room_and_no_more() {
    let (gateway, _) = validating(None).await;
    let small = json!({"lines": [], "note": "x".repeat(1_000)}).to_string();
    assert_eq!(gateway.post("application/json", &small).await.0, 200);
    // 64 MiB, but for a byte of each, which does not come.
    let almost = " ".repeat((1 << 20) - 1);
    let mut held = Vec::new();
    for _ in 0..64 {
        let mut peer = Peer::connect(gateway.address).await;
        peer.say(
            "POST /api/orders HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\n\r\n",
        )
        .await;
        peer.say(&almost).await;
        held.push(peer);
    }
    let until = async |status: u16| {
        for _ in 0..200 {
            let (got, told) = gateway.post("application/json", &small).await;
            if got == status {
                return told;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("never answered {status}");
    };
    assert_eq!(until(503).await["code"], "TW-3056");
    assert_eq!(status_of(&gateway.get("/api/orders/7").await), 200, "what is not held needs no room");
    drop(held);
    until(200).await;
}
