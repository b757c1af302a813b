//! What a client in any language sees.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use serde_json::json;
use tradewind_events::{EventId, EventStore};
use tradewind_store::{Server, ServerOptions};
use tradewind_testkit::memory_store::MemoryStore;

use crate::given::{ask, event, fill, get, reading, serve, serve_at, to};

async fn post(url: &str, body: &serde_json::Value) -> crate::given::Answer {
    ask("POST", url, &[("content-type", "application/json")], &body.to_string()).await
}

#[tokio::test]
async fn an_append_tells_where_its_events_are() {
    let served = serve(Arc::new(MemoryStore::new())).await;
    let append = json!({"streams": [{"stream": "order-1", "expected": "none", "events": [
        {"id": EventId::derived("t", 0), "type": "OrderCreated", "data": {"total_cents": 5}},
        {"type": "OrderApproved", "tags": ["product:7"], "metadata": {"actor": "ann"}}]}]});
    let answer = post(&format!("{}/append", served.url()), &append).await;
    assert_eq!((answer.status, answer.header("tradewind-position")), (200, "2"));
    assert_eq!(answer.json(), json!({"first": 1, "last": 2, "revisions": [1], "duplicate": false}));
    let read = get(&format!("{}/streams/order-1?limit=1", served.url())).await;
    let slice = read.json();
    assert_eq!((&slice["last"], &slice["first"], &slice["end"]), (&json!(1), &json!(0), &json!(false)));
    assert_eq!(slice["events"][0]["data"], json!({"total_cents": 5}));
    assert_eq!(slice["events"][0]["specversion"], "1.0");
}

#[tokio::test]
async fn problems_tell_a_program_what_it_needs() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    fill(&*store, "order-1", 3).await;
    let taken = store.everything()[0].id();
    let url = format!("{}/append", served.url());
    let append = |expected: serde_json::Value, id: EventId| json!({"streams": [{"stream": "order-1", "expected": expected, "events": [{"id": id, "type": "A"}]}]});

    let conflict = post(&url, &append(json!(1), EventId::new())).await;
    assert_eq!((conflict.status, conflict.header("content-type")), (409, "application/problem+json"));
    let problem = conflict.json();
    assert_eq!(problem["code"], "TW-1001");
    assert_eq!(problem["type"], "https://tradewind.dev/errors/TW-1001");
    assert_eq!(
        (&problem["stream"], &problem["expected"], &problem["actual"]),
        (&json!("order-1"), &json!(1), &json!(2))
    );

    let mut conditional = append(json!("any"), EventId::new());
    conditional["condition"] = json!({"failIf": [{"categories": ["order"]}], "after": 1});
    let conflict = post(&url, &conditional).await;
    assert_eq!((conflict.status, &conflict.json()["position"]), (409, &json!(2)));
    assert_eq!(conflict.header("tradewind-position"), "2");

    let reused = post(&url, &json!({"streams": [{"stream": "x-1", "events": [{"id": taken, "type": "A"}]}]})).await;
    assert_eq!((reused.status, &reused.json()["id"], &reused.json()["position"]), (422, &json!(taken), &json!(1)));

    store.lose_next_answers(1);
    let unknown = post(&url, &append(json!("any"), EventId::new())).await;
    assert_eq!((unknown.status, &unknown.json()["outcome"]), (503, &json!("unknown")));
    assert_eq!(unknown.header("retry-after"), "1");

    for (body, status, code) in [
        ("{", 400, "TW-1004"),
        ("{\"streams\":[]}", 400, "TW-1004"),
        ("{\"streams\":[{\"stream\":\"a b\",\"events\":[]}]}", 400, "TW-1004"),
        ("{\"streams\":[{\"stream\":\"a\",\"expected\":\"some\"}]}", 400, "TW-1004"),
        ("{\"streams\":[{\"stream\":\"a\",\"evnts\":[]}]}", 400, "TW-1004"),
    ] {
        let answer = ask("POST", &url, &[("content-type", "application/json")], body).await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{body}");
    }
    for (path, status, code) in [
        ("/events?after=x", 400, "TW-1011"),
        ("/events?limit=0", 400, "TW-1011"),
        ("/events?query=%7B", 400, "TW-1011"),
        ("/events?query=%5B%5D&tags=a", 400, "TW-1011"),
        ("/events?unknown=1", 400, "TW-1011"),
        ("/events?wait=-1", 400, "TW-1011"),
        ("/position-at?time=yesterday", 400, "TW-1011"),
        ("/streams/%20", 400, "TW-1011"),
        ("/streams/a/snapshot", 404, "TW-2003"),
        ("/nothing", 404, "TW-2003"),
        ("/append", 405, "TW-2002"),
    ] {
        let answer = get(&format!("{}{path}", served.url())).await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)), "{path}");
    }
}

#[tokio::test]
async fn nothing_that_a_web_page_can_send_unasked_changes_anything() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    fill(&*store, "a-1", 2).await;
    let append = json!({"streams": [{"stream": "a-1", "events": [{"type": "A"}]}]});
    let batch = json!([append]);
    let truncate = json!({"before": 1});
    for (path, body) in [("append", append), ("append/batch", batch), ("streams/a-1/truncate", truncate)] {
        let url = format!("{}/{path}", served.url());
        for headers in [&[][..], &[("content-type", "text/plain")], &[("content-type", "multipart/form-data")]] {
            let answer = ask("POST", &url, headers, &body.to_string()).await;
            assert_eq!((answer.status, &answer.json()["code"]), (415, &json!("TW-2002")), "{path} {headers:?}");
        }
    }
    assert_eq!(store.everything().len(), 2);
}

#[tokio::test]
async fn each_append_of_a_batch_succeeds_or_fails_alone() {
    let served = serve(Arc::new(MemoryStore::new())).await;
    let one = |expected: &str, name: &str| json!({"streams": [{"stream": name, "expected": expected, "events": [{"type": "A"}]}]});
    let batch = json!([one("none", "a-1"), one("none", "a-1"), one("any", "b c"), one("any", "a-1")]);
    let answer = post(&format!("{}/append/batch", served.url()), &batch).await;
    let answers = answer.json();
    assert_eq!((answer.status, answer.header("tradewind-position")), (200, "2"));
    assert_eq!(answers[0]["first"], 1);
    assert_eq!((&answers[1]["status"], &answers[1]["actual"]), (&json!(409), &json!(0)));
    assert_eq!(answers[2]["code"], "TW-1004");
    assert_eq!(answers[3]["revisions"], json!([1]));
}

#[tokio::test]
async fn requests_over_a_limit_are_refused_and_long_pages_cut() {
    let store = Arc::new(MemoryStore::new());
    fill(&*store, "a-1", 12).await;
    let options = ServerOptions { body_bytes_max: 1_000, batch_appends_max: 2, ..reading(|it| it.page_events_max = 5) };
    let served = serve_at("127.0.0.1:0".parse().unwrap(), store, options).await;
    let url = served.url();
    let large =
        ask("POST", &format!("{url}/append"), &[("content-type", "application/json")], &" ".repeat(2_000)).await;
    assert_eq!((large.status, &large.json()["code"]), (413, &json!("TW-2002")));
    let append = json!({"streams": [{"stream": "a-1", "events": []}]});
    let many = post(&format!("{url}/append/batch"), &json!([append, append, append])).await;
    assert_eq!((many.status, &many.json()["code"]), (400, &json!("TW-1004")));
    let page = get(&format!("{url}/events?limit=1000")).await.json();
    assert_eq!((page["events"].as_array().unwrap().len(), &page["through"], &page["head"]), (5, &json!(5), &json!(12)));
    let slice = get(&format!("{url}/streams/a-1?limit=1000")).await.json();
    assert_eq!((slice["events"].as_array().unwrap().len(), &slice["end"]), (5, &json!(false)));
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let options = reading(|it| it.answer_within = Duration::from_millis(200));
    let served = serve_at("127.0.0.1:0".parse().unwrap(), Arc::new(MemoryStore::new()), options).await;
    let mut connection = tokio::net::TcpStream::connect(served.address).await.unwrap();
    connection
        .write_all(b"POST /append HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        .await
        .unwrap();
    let mut answer = vec![0; 12];
    tokio::time::timeout(Duration::from_secs(5), connection.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn a_long_poll_answers_when_something_comes_or_the_time_is_over() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store.clone()).await;
    let begun = Instant::now();
    let empty = get(&format!("{}/events?wait=0.2", served.url())).await.json();
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!((&empty["events"], &empty["through"]), (&json!([]), &json!(0)));
    let ahead = get(&format!("{}/events?after=7&wait=0.1", served.url())).await.json();
    assert_eq!((&ahead["through"], &ahead["head"]), (&json!(7), &json!(0)));
    let url = format!("{}/events?wait=20&categories=order", served.url());
    let waiting = tokio::spawn(async move { get(&url).await.json() });
    fill(&*store, "noise-1", 2).await;
    fill(&*store, "order-1", 1).await;
    let page = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert_eq!(page["events"][0]["position"], 3);
    assert_eq!(page["through"], 3);
}

#[tokio::test]
async fn a_browser_that_reconnects_goes_on_behind_its_last_event() {
    let store = Arc::new(MemoryStore::new());
    fill(&*store, "a-1", 5).await;
    let served = serve(store).await;
    let url = format!("{}/events/live?after=1", served.url());
    let live = tokio::spawn(async move { ask("GET", &url, &[("last-event-id", "3")], "").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    served.shutdown.cancel();
    let answer = live.await.unwrap();
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let ids: Vec<_> = answer.body.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(ids, ["4", "5", "5"]);
    assert!(answer.body.ends_with("event: caught-up\ndata: {\"through\":5}\n\n"), "{}", answer.body);
}

#[tokio::test]
async fn a_silent_live_stream_has_a_heartbeat() {
    let options = reading(|it| it.heartbeat = Duration::from_millis(50));
    let served = serve_at("127.0.0.1:0".parse().unwrap(), Arc::new(MemoryStore::new()), options).await;
    let url = format!("{}/events/live", served.url());
    let live = tokio::spawn(async move { get(&url).await });
    tokio::time::sleep(Duration::from_millis(400)).await;
    served.shutdown.cancel();
    assert!(live.await.unwrap().body.matches(":\n\n").count() >= 3);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_live_stream_that_nobody_reads_is_dropped() {
    use tokio::io::AsyncWriteExt as _;
    let store = Arc::new(MemoryStore::new());
    let mut large = event("Large");
    large.data = format!("\"{}\"", "x".repeat(1 << 20)).into();
    for n in 0..64 {
        large.id = EventId::derived("large", n);
        store.append(to("blob-1", vec![large.clone()])).await.unwrap();
    }
    let mut options = reading(|it| it.live_max = 1);
    options.limits.stalled_max = Duration::from_millis(500);
    let served = serve_at("127.0.0.1:0".parse().unwrap(), store, options).await;
    let mut stalled = tokio::net::TcpStream::connect(served.address).await.unwrap();
    stalled.write_all(b"GET /events/live HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let url = format!("{}/events/live?after=64", served.url());
    assert_eq!(get(&url).await.status, 503, "there is room for one");
    let other = async {
        // Its answer never ends, so that a new one is not read to its end.
        while tokio::time::timeout(Duration::from_millis(300), get(&url)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), other).await.expect("the stalled one stays");
    drop(stalled);
}

#[tokio::test]
async fn draining_ends_live_streams_and_lets_requests_finish() {
    let store = Arc::new(MemoryStore::new());
    let served = serve(store).await;
    let live = tokio::spawn({
        let url = format!("{}/events/live", served.url());
        async move { get(&url).await.status }
    });
    let poll = tokio::spawn({
        let url = format!("{}/events?wait=30", served.url());
        async move { get(&url).await.status }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    served.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(5), served.task).await.expect("the server does not drain").unwrap();
    assert_eq!((live.await.unwrap(), poll.await.unwrap()), (200, 200));
}

#[tokio::test]
async fn the_store_can_be_served_under_any_prefix() {
    let store: Arc<dyn EventStore> = Arc::new(MemoryStore::new());
    let options = ServerOptions::default();
    let nested = Router::new().nest("/deep/store", tradewind_store::router(store, options.clone()));
    let server = Server::bind_router("127.0.0.1:0".parse().unwrap(), nested, options).await.unwrap();
    let base = format!("http://{}/deep/store/", server.local_addr());
    tokio::spawn(server.run());
    let client = tradewind_store::HttpStore::new(&base, crate::given::quick()).unwrap();
    client.append(to("a-1", vec![event("A")])).await.unwrap();
    assert_eq!(get(&format!("{base}head")).await.json(), json!({"position": 1}));
    assert_eq!(get(&format!("{base}openapi.json")).await.json()["openapi"], "3.1.0");
}
