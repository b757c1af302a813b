//! A client of the shop.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// How long anything may take before a test fails. A busy machine is no bug.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
    pub(crate) bytes: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn position(&self) -> &str {
        self.header("tradewind-position")
    }

    /// The JSON of an answer that must be good.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// That the rules said no, and which.
    #[track_caller]
    pub(crate) fn rejected(&self, reason: &str) {
        assert_eq!(self.status, StatusCode::CONFLICT, "{self:?}");
        assert_eq!(self.body["reason"], reason, "{self:?}");
    }
}

#[derive(Clone)]
pub(crate) struct Shopper {
    base: String,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Shopper {
    pub(crate) fn new(base: String) -> Self {
        Self { base, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Got {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|json| json.to_string()).unwrap_or_default();
        let asked = async {
            let response = self.http.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            (parts, body.collect().await.unwrap().to_bytes())
        };
        let (parts, bytes) = tokio::time::timeout(PATIENCE, asked).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Got { status: parts.status, headers: parts.headers, body, text, bytes }
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, &[], None).await
    }

    /// The answer that reflects a command, or what another read model has shown already.
    pub(crate) async fn get_after(&self, path: &str, seen: &Got) -> Got {
        self.send(Method::GET, path, &[("tradewind-after", seen.position())], None).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: Value) -> Got {
        self.send(Method::POST, path, &[("idempotency-key", key)], Some(body)).await
    }

    /// Lists a product, and waits until it can be ordered. The catalog's own read models may come later.
    pub(crate) async fn list(&self, id: &str, price_cents: u64) -> Got {
        let product =
            json!({"id": id, "name": format!("Product {id}"), "department": "Grocery", "price_cents": price_cents});
        let listed = self.post("/api/catalog/products", &format!("list {id}"), product).await;
        assert_eq!(listed.status, StatusCode::CREATED, "{listed:?}");
        self.get_after(&format!("/api/ordering/products/{id}"), &listed).await.ok();
        listed
    }

    pub(crate) async fn place(&self, order: &str, customer: &str, lines: &[(&str, u32)]) -> Got {
        self.post("/api/ordering/orders", &format!("place {order}"), new_order(order, customer, lines)).await
    }

    /// An order as soon as it has come to a status.
    pub(crate) async fn order_that_is(&self, order: &str, status: &str) -> Value {
        self.see_order_that_is(order, status).await.ok()
    }

    /// The same with its position: other read models may not have come so far yet.
    pub(crate) async fn see_order_that_is(&self, order: &str, status: &str) -> Got {
        let started = Instant::now();
        loop {
            let got = self.get(&format!("/api/ordering/orders/{order}")).await;
            if got.status == StatusCode::OK && got.body["status"] == status {
                return got;
            }
            assert!(started.elapsed() < PATIENCE, "order {order} never was {status}; at last: {got:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn new_order(order: &str, customer: &str, lines: &[(&str, u32)]) -> Value {
    let lines: Vec<Value> =
        lines.iter().map(|(product, quantity)| json!({"product_id": product, "quantity": quantity})).collect();
    json!({"order_id": order, "customer_id": customer, "lines": lines})
}

/// An order's id that follows from a word.
pub(crate) fn id(word: &str) -> String {
    tradewind_events::EventId::derived(word, 0).to_string()
}
