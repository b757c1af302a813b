//! The client when the network or the server is not as one would wish.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tradewind_events::{
    AppendError, Direction, EventSource, EventStore, ExpectedRevision, Position, Query, ReadError, Revision, StreamId,
    Subscription,
};
use tradewind_store::{ClientOptions, FeedSource, HttpStore, Server, ServerOptions};
use tradewind_testkit::memory_store::MemoryStore;

use crate::given::{event, fill, quick, reading, serve, serve_at, to};
use crate::proxy::Proxy;

async fn collect(subscription: &mut Subscription, through: u64) -> Vec<u64> {
    let (mut seen, mut at) = (Vec::new(), Position::START);
    while at < Position(through) {
        let delivery = tokio::time::timeout(Duration::from_secs(20), subscription.next()).await.unwrap();
        let delivery = delivery.unwrap().unwrap();
        seen.extend(delivery.events.iter().map(|event| event.position().0));
        at = delivery.through;
    }
    seen
}

#[tokio::test]
async fn an_append_whose_answer_is_lost_is_repeated_and_recorded_once() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    // The first two connections take the request and break before they answer.
    let proxy = Proxy::before(served.address, |n| (n < 2).then_some(0)).await;
    let client = HttpStore::new(&proxy.url(), quick()).unwrap();
    let mut append = to("a-1", vec![event("A"), event("B")]);
    append.streams[0].expected = ExpectedRevision::None;
    let appended = client.append(append).await.unwrap();
    assert_eq!((appended.first, appended.last), (Position(1), Position(2)));
    assert!(appended.duplicate, "it was recorded by the first attempt");
    assert_eq!(store.everything().len(), 2);
    assert_eq!(proxy.connections(), 3);
}

#[tokio::test]
async fn an_outcome_that_cannot_be_found_out_is_told_as_unknown() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    let proxy = Proxy::before(served.address, |_| Some(0)).await;
    let options = ClientOptions { retry_for: Duration::from_millis(300), ..quick() };
    let client = HttpStore::new(&proxy.url(), options).unwrap();
    let begun = Instant::now();
    let outcome = client.append(to("a-1", vec![event("A")])).await;
    assert!(matches!(outcome, Err(AppendError::OutcomeUnknown(_))), "{outcome:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(store.everything().len(), 1);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_as_unavailable_in_bounded_time() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let options = ClientOptions { retry_for: Duration::from_millis(200), ..quick() };
    let client = HttpStore::new(&format!("http://{nobody}"), options).unwrap();
    let begun = Instant::now();
    let outcomes = join_all((0..20).map(|_| client.append(to("a-1", vec![event("A")])))).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(AppendError::Unavailable(_)))), "{outcomes:?}");
    assert!(matches!(client.head().await, Err(ReadError::Unavailable(_))));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_subscription_outlives_its_server_without_a_gap_or_a_repeat() {
    let store = Arc::new(MemoryStore::new());
    let mut served = serve(store.clone()).await;
    let address = served.address;
    let client = served.client();
    let mut subscription = client.subscribe(Position::START, Query::all()).await.unwrap();
    let mut seen = Vec::new();
    for round in 1..=4 {
        fill(&*store, "a-1", 25).await;
        seen.extend(collect(&mut subscription, round * 50 - 25).await);
        served.shutdown.cancel();
        served.task.await.unwrap();
        // What comes while the server is away is not lost either.
        fill(&*store, "a-2", 25).await;
        served = serve_at(address, store.clone(), ServerOptions::default()).await;
    }
    seen.extend(collect(&mut subscription, 200).await);
    assert_eq!(seen, (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_subscription_over_a_breaking_network_has_no_gap_and_no_repeat() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    fill(&*store, "a-1", 150).await;
    // Enough for the head of the answer and some events, cut anywhere.
    let proxy = Proxy::before(served.address, |n| Some(900 + n * 677 % 5_000)).await;
    let client = HttpStore::new(&proxy.url(), quick()).unwrap();
    let mut subscription = client.subscribe(Position::START, Query::all()).await.unwrap();
    let writer = tokio::spawn(async move {
        for _ in 0..30 {
            fill(&*store, "a-2", 5).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert_eq!(collect(&mut subscription, 300).await, (1..=300).collect::<Vec<_>>());
    writer.await.unwrap();
    assert!(proxy.connections() > 10, "the network did not break: {} connections", proxy.connections());
}

#[tokio::test]
async fn a_silent_connection_is_taken_for_dead_and_replaced() {
    let store = Arc::new(MemoryStore::new());
    let options = reading(|it| it.heartbeat = Duration::from_secs(600));
    let served = serve_at("127.0.0.1:0".parse().unwrap(), store.clone(), options).await;
    let proxy = Proxy::before(served.address, |_| None).await;
    let client =
        HttpStore::new(&proxy.url(), ClientOptions { silent_max: Duration::from_millis(100), ..quick() }).unwrap();
    let mut subscription = client.subscribe(Position::START, Query::all()).await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        fill(&*store, "a-1", 1).await;
    });
    assert_eq!(collect(&mut subscription, 1).await, [1]);
    assert!(proxy.connections() > 2);
}

#[tokio::test]
async fn a_subscription_ends_when_its_time_for_searching_is_over() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let options = ClientOptions { follow_for: Some(Duration::from_millis(200)), ..quick() };
    let source = FeedSource::new(&format!("http://{nobody}/feed"), options).unwrap();
    let mut subscription = source.subscribe(Position::START, Query::all()).await.unwrap();
    assert!(matches!(subscription.next().await, Some(Err(ReadError::Unavailable(_)))));
    assert!(subscription.next().await.is_none());
}

#[tokio::test]
async fn a_subscription_that_the_server_refuses_ends_at_once() {
    let refusing = Router::new().route(
        "/events/live",
        get(|| async {
            (axum::http::StatusCode::BAD_REQUEST, "{\"code\":\"TW-1011\",\"detail\":\"no\",\"status\":400}")
        }),
    );
    let options = ServerOptions::default();
    let server = Server::bind_router("127.0.0.1:0".parse().unwrap(), refusing, options).await.unwrap();
    let client = HttpStore::new(&format!("http://{}", server.local_addr()), quick()).unwrap();
    tokio::spawn(server.run());
    let mut subscription = client.subscribe(Position::START, Query::all()).await.unwrap();
    assert!(matches!(subscription.next().await, Some(Err(ReadError::Invalid(_)))));
}

#[tokio::test]
async fn concurrent_appends_share_requests_and_a_lone_one_does_not_wait() {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let counting = from_fn(move |request: Request, next: Next| {
        counted.fetch_add(1, Ordering::SeqCst);
        next.run(request)
    });
    let options = ServerOptions::default();
    let router = tradewind_store::router(store, options.clone()).layer(counting);
    let server = Server::bind_router("127.0.0.1:0".parse().unwrap(), router, options).await.unwrap();
    let client = HttpStore::new(&format!("http://{}", server.local_addr()), quick()).unwrap();
    tokio::spawn(server.run());
    client.append(to("a-1", vec![event("A")])).await.unwrap();
    assert_eq!(requests.swap(0, Ordering::SeqCst), 1);
    let outcomes = join_all((0..200).map(|n| client.append(to(&format!("a-{n}"), vec![event("A")])))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert!(requests.load(Ordering::SeqCst) <= 6, "{requests:?} requests");
}

#[tokio::test]
async fn a_batch_that_a_server_refuses_as_a_whole_goes_one_by_one() {
    let options = ServerOptions { batch_appends_max: 2, ..ServerOptions::default() };
    let served = serve_at("127.0.0.1:0".parse().unwrap(), Arc::new(MemoryStore::new()), options).await;
    let client = served.client();
    let outcomes = join_all((0..40).map(|n| client.append(to(&format!("a-{n}"), vec![event("A")])))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(client.head().await.unwrap(), Position(40));
}

#[tokio::test]
async fn a_feed_is_a_source_like_any_other() {
    let store = Arc::new(MemoryStore::new());
    fill(&*store, "order-1", 7).await;
    fill(&*store, "cart-1", 3).await;
    let options = reading(|it| it.source = "/ordering".to_owned());
    let (told, end) = (options.reading.clone(), options.shutdown.clone());
    let feed = Router::new().nest("/feed", tradewind_http::reading::router(store.clone(), "/atom", told, end));
    let server = Server::bind_router("127.0.0.1:0".parse().unwrap(), feed, options).await.unwrap();
    let base = format!("http://{}/feed", server.local_addr());
    tokio::spawn(server.run());
    let source = FeedSource::new(&base, quick()).unwrap();
    assert_eq!(source.head().await.unwrap(), Position(10));
    let page = source.read(Position(2), &Query::category("order"), 3).await.unwrap();
    assert_eq!(page.events.len(), 3);
    let stream = StreamId::new("cart-1").unwrap();
    let slice = source.read_stream(&stream, Revision::END, Direction::Backward, 1).await.unwrap();
    assert_eq!(slice.last, Some(Revision(2)));
    let mut subscription = source.subscribe(Position(8), Query::all()).await.unwrap();
    assert_eq!(collect(&mut subscription, 10).await, [9, 10]);
    assert_eq!(crate::given::get(&format!("{base}/atom/order")).await.status, 200);
    assert_eq!(crate::given::ask("POST", &format!("{base}/append"), &[], "{}").await.status, 404);
}

#[test]
fn urls_that_are_no_stores_are_refused() {
    for url in ["", "localhost:1", "https://x", "http://", "http://x/?a=1", "ftp://x"] {
        match HttpStore::new(url, ClientOptions::default()) {
            Err(error) => assert_eq!(error.code().to_string(), "TW-1015", "{url}"),
            Ok(_) => panic!("{url} is taken"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_breaking_network_every_acknowledged_append_is_recorded_exactly_once() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    // Some connections break before they answer, some in the middle of an answer, some after several.
    let proxy = Proxy::before(served.address, |n| Some(n * 389 % 2_500)).await;
    let client = Arc::new(HttpStore::new(&proxy.url(), quick()).unwrap());
    let writers = (0..16).map(|writer| {
        let client = Arc::clone(&client);
        tokio::spawn(async move {
            let stream = format!("w-{writer}");
            for n in 0..30_u64 {
                let mut append = to(&stream, vec![event("A"), event("B")]);
                append.streams[0].expected = match n {
                    0 => ExpectedRevision::None,
                    n => ExpectedRevision::Exactly(Revision(n * 2 - 1)),
                };
                let appended = client.append(append).await.unwrap();
                assert_eq!(appended.revisions, [Some(Revision(n * 2 + 1))]);
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(store.everything().len(), 16 * 30 * 2);
    assert!(proxy.connections() > 20, "the network did not break: {} connections", proxy.connections());
}
