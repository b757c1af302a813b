//! A small real service: it keeps products in an event store, tells their names, and has a feed.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tradewind_events::{
    Append, Direction, Event, EventStore, EventType, ExpectedRevision, Query, Recorded, Revision, StreamId,
    SystemClock, Timestamp,
};
use tradewind_service::{Contract, Host, HostOptions, Publish, PublishError};
use tradewind_store::OpenOptions;

type Store = Arc<dyn EventStore>;

/// Tells all that happens to products.
struct PublishProducts;

impl Publish for PublishProducts {
    fn query(&self) -> Query {
        Query::category("product")
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        Contract::new(event.event_type(), &event.parse::<serde_json::Value>()?).map(Some)
    }
}

/// Serves until it is killed.
pub(crate) fn serve(listen: &str, data: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = tradewind_store::open(&format!("file:{data}/events"), OpenOptions::default()).await.unwrap();
        let options = HostOptions::new("products", listen.parse().unwrap(), Path::new(data));
        let mut host = Host::new(options, store.clone(), Arc::new(SystemClock));
        host.publish(PublishProducts);
        host.routes(Router::new().route("/products/{id}", get(name_of).post(rename)).with_state(store));
        let (service, _) = host.bind().await.unwrap();
        service.run(CancellationToken::new().cancelled_owned()).await.unwrap();
    });
}

async fn name_of(State(store): State<Store>, UrlPath(id): UrlPath<String>) -> Response {
    let position = store.head().await.unwrap();
    let stream = StreamId::of("product", &id).unwrap();
    let slice = store.read_stream(&stream, Revision::END, Direction::Backward, 1).await.unwrap();
    let Some(last) = slice.events.first() else { return StatusCode::NOT_FOUND.into_response() };
    let body = json!({ "id": id, "name": last.parse::<String>().unwrap() }).to_string();
    let headers = [("tradewind-position", position.to_string()), ("content-type", "application/json".to_owned())];
    (headers, body).into_response()
}

async fn rename(State(store): State<Store>, UrlPath(id): UrlPath<String>, name: String) -> Response {
    let renamed = Event::new(EventType::new("ProductRenamed").unwrap(), Timestamp::EPOCH, &name).unwrap();
    let append = Append::to(StreamId::of("product", &id).unwrap(), ExpectedRevision::Any, vec![renamed]);
    let appended = store.append(append).await.unwrap();
    (StatusCode::NO_CONTENT, [("tradewind-position", appended.last.to_string())]).into_response()
}
