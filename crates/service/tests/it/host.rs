use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use tradewind_events::Timestamp;
use tradewind_service::{
    Acknowledged, Answer, CommandContext, Commands, Host, Operation, Problem, QueryContext, ReadModel, ServiceError,
    Submitted,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, Deposit, Open, Withdraw, eventually};
use crate::web::{Running, host, host_with, start_ready};

#[derive(Clone)]
struct App {
    commands: Commands,
    balances: ReadModel,
}

#[derive(Deserialize)]
struct OpenBody {
    account: String,
    owner: String,
}

#[derive(Deserialize)]
struct Amount {
    cents: i64,
}

async fn open(State(app): State<App>, Submitted { body, context }: Submitted<OpenBody>) -> Result<Response, Problem> {
    context.require_key()?;
    let done = app.commands.handle(&body.account, &Open::by(&body.owner), &context).await?;
    Ok(done.created(&format!("/accounts/{}", body.account)))
}

async fn deposit(
    State(app): State<App>,
    Path(id): Path<String>,
    Submitted { body, context }: Submitted<Amount>,
) -> Result<Acknowledged, Problem> {
    Ok(app.commands.handle(&id, &Deposit(body.cents), &context).await?)
}

async fn withdraw_all(
    State(app): State<App>,
    Path(id): Path<String>,
    context: CommandContext,
) -> Result<Response, Problem> {
    Ok(app.commands.handle(&id, &Withdraw(5), &context).await?.accepted())
}

async fn balance(
    State(app): State<App>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<serde_json::Value>, Problem> {
    let what = format!("account {id}");
    let answer = app.balances.query(&context, move |reader| {
        reader.first("SELECT cents FROM balance WHERE account = ?1", [id], |row| row.get::<_, i64>(0))
    });
    Ok(answer.await?.or_not_found(what)?.map(|cents| json!({ "cents": cents })))
}

async fn slow() -> &'static str {
    tokio::time::sleep(Duration::from_millis(400)).await;
    "done"
}

async fn endless() -> &'static str {
    std::future::pending().await
}

fn bank(store: &MemoryStore, folder: &std::path::Path) -> Host {
    bank_in(host(store, folder))
}

fn bank_in(mut host: Host) -> Host {
    let app = App { commands: host.commands(), balances: host.projection(Balances::default()).unwrap() };
    host.routes(
        Router::new()
            .route("/accounts", post(open))
            .route("/accounts/{id}", get(balance))
            .route("/accounts/{id}/deposits", post(deposit))
            .route("/accounts/{id}/withdrawal", post(withdraw_all))
            .route("/slow", get(slow))
            .route("/endless", get(endless))
            .with_state(app),
    );
    host.operation(
        Operation::command("/accounts", "openAccount")
            .summary("Opens an account")
            .body(json!({"type": "object"}))
            .acknowledges(201, "It is open"),
    );
    host.operation(Operation::query("/accounts/{id}", "balance").returns(200, "Its balance", json!({})));
    host
}

async fn running() -> (MemoryStore, tempfile::TempDir, Running) {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let host = bank(&store, folder.path());
    let running = start_ready(host).await;
    (store, folder, running)
}

#[tokio::test]
async fn a_command_answers_its_position_and_nothing_else_and_a_query_that_carries_it_sees_the_effect() {
    let (_store, _folder, running) = running().await;
    let key = [("idempotency-key", "\"k1\"")];
    let opened = running.send("POST", "/accounts", &key, r#"{"account":"7","owner":"ann"}"#).await;
    assert_eq!((opened.status.as_u16(), opened.text.as_str()), (201, ""));
    assert_eq!((opened.header("location"), opened.header("tradewind-position")), ("/accounts/7", "1"));
    let deposited = running.send("POST", "/accounts/7/deposits", &[], r#"{"cents":5}"#).await;
    assert_eq!((deposited.status.as_u16(), deposited.text.as_str()), (204, ""));
    let after = [("tradewind-after", deposited.header("tradewind-position"))];
    let balance = running.send("GET", "/accounts/7", &after, "").await;
    assert_eq!((balance.json(), balance.header("tradewind-position")), (json!({"cents": 5}), "2"));
    let taken = running.send("POST", "/accounts/7/withdrawal", &[], "").await;
    assert_eq!(taken.status.as_u16(), 202);
    let before = running.send("GET", "/accounts/7", &[("tradewind-as-of", "2")], "").await;
    assert_eq!((before.json(), before.header("tradewind-as-of")), (json!({"cents": 5}), "2"));
    assert_eq!(before.header("vary"), "tradewind-as-of", "a cache must not give it to who asks for another moment");
}

#[tokio::test]
async fn the_past_can_be_asked_for_in_the_url_as_in_the_header_but_not_differently_in_both() {
    let (_store, _folder, running) = running().await;
    for _ in 0..3 {
        running.send("POST", "/accounts/7/deposits", &[], r#"{"cents":5}"#).await;
    }
    let ask = async |params: &str, header: Option<&str>| {
        let headers: Vec<_> = header.map(|moment| ("tradewind-as-of", moment)).into_iter().collect();
        let got = running.send("GET", &format!("/accounts/7{params}"), &headers, "").await;
        (got.status.as_u16(), got.json())
    };
    let cents = |cents: u64| (200, json!({"cents": cents}));
    assert_eq!(ask("?as_of=1", None).await, cents(5));
    assert_eq!(ask("?as_of=2", Some("2")).await, cents(10));
    assert_eq!(ask("?other=%F0&as_of=2%20", None).await, cents(10));
    assert_eq!(ask("?as_of=2017-03-31", None).await.0, 404, "there was no such account");
    let same = ask("?as_of=2017-03-31", Some("2017-03-31T23:59:59.999999Z")).await;
    assert_eq!(same.0, 404, "said in two ways, it is the same moment");
    let refused = async |params: &str, header: Option<&str>, why: &str| {
        let (status, problem) = ask(params, header).await;
        assert_eq!((status, &problem["code"]), (400, &json!("TW-2002")), "{params}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(why), "{params}: {detail}");
    };
    refused("?as_of=1", Some("2"), "Tradewind-As-Of says 2, and as_of in the URL says 1").await;
    refused("?as_of=yesterday", None, "say a position (4711), a day (2017-03-31").await;
    refused("?as_of=2017-03-31T10:20:30+02:00", None, "a + is %2B in a URL").await;
    refused("?as_of=", None, "is empty").await;
    refused("?as_of=1&as_of=1", None, "more than once").await;
    refused("?as_of=4", None, "position 4 is in the future; the last is 3").await;
    refused("?as_of=2999-12-31", None, "2999-12-31T23:59:59.999999Z is in the future; it is 2").await;
}

#[tokio::test]
async fn a_key_over_http_makes_a_retry_harmless_and_another_request_a_422() {
    let (store, _folder, running) = running().await;
    let five = r#"{"cents":5}"#;
    let keyed = |key| [("idempotency-key", key)];
    let first = running.send("POST", "/accounts/7/deposits", &keyed("k"), five).await;
    let again = running.send("POST", "/accounts/7/deposits", &keyed("\"k\""), five).await;
    assert_eq!(first.header("tradewind-position"), again.header("tradewind-position"));
    assert_eq!(store.everything().len(), 1);
    for (path, body) in [("/accounts/7/deposits", r#"{"cents":6}"#), ("/accounts/8/deposits", five)] {
        let other = running.send("POST", path, &keyed("k"), body).await;
        assert_eq!((other.status.as_u16(), other.json()["code"].as_str()), (422, Some("TW-2006")));
    }
    let without = running.send("POST", "/accounts", &[], r#"{"account":"7","owner":"ann"}"#).await;
    assert_eq!((without.status.as_u16(), without.json()["code"].as_str()), (400, Some("TW-2007")));
    let by_another = [("idempotency-key", "k"), ("tradewind-actor", "bob")];
    assert_eq!(running.send("POST", "/accounts/9/deposits", &by_another, five).await.status.as_u16(), 204);
}

#[tokio::test]
async fn every_problem_has_its_code_and_its_type() {
    let (_store, _folder, running) = running().await;
    let key = [("idempotency-key", "a")];
    running.send("POST", "/accounts", &key, r#"{"account":"7","owner":"ann"}"#).await;
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, u16, &'a str);
    let cases: [Case<'_>; 16] = [
        ("POST", "/accounts/7/withdrawal", &[], "", 409, "TW-2001"),
        ("POST", "/accounts/7/deposits", &[], "{broken", 400, "TW-2002"),
        ("POST", "/accounts/a%20b/deposits", &[], r#"{"cents":1}"#, 400, "TW-2002"),
        ("GET", "/accounts/99", &[], "", 404, "TW-2003"),
        ("GET", "/nowhere", &[], "", 404, "TW-2003"),
        ("PUT", "/accounts", &[], "", 405, "TW-2002"),
        ("GET", "/accounts/7", &[("tradewind-after", "999")], "", 503, "TW-2005"),
        ("GET", "/accounts/7", &[("tradewind-as-of", "999")], "", 400, "TW-2002"),
        ("GET", "/accounts/7", &[("tradewind-as-of", "gestern-ü")], "", 400, "TW-2002"),
        ("GET", "/accounts/7", &[("tradewind-as-of", "")], "", 400, "TW-2002"),
        ("GET", "/accounts/7", &[("tradewind-after", "1"), ("tradewind-after", "2")], "", 400, "TW-2002"),
        ("POST", "/accounts/7/deposits", &[("idempotency-key", "bestellung-ü1")], r#"{"cents":1}"#, 400, "TW-2002"),
        ("POST", "/accounts/7/deposits", &[("idempotency-key", "")], r#"{"cents":1}"#, 400, "TW-2002"),
        ("POST", "/accounts/7/deposits", &[("idempotency-key", "\"\"")], r#"{"cents":1}"#, 400, "TW-2002"),
        ("POST", "/accounts/7/deposits", &[("tradewind-actor", "jürgen")], r#"{"cents":1}"#, 400, "TW-2002"),
        ("POST", "/admin/projections/balances/skip", &[("tradewind-actor", "jürgen")], "", 400, "TW-2002"),
    ];
    for (method, path, headers, body, status, code) in cases {
        let got = running.send(method, path, headers, body).await;
        let problem = got.json();
        assert_eq!((got.status.as_u16(), problem["code"].as_str()), (status, Some(code)), "{method} {path}");
        assert_eq!(got.header("content-type"), "application/problem+json");
        assert_eq!(got.header("vary"), "tradewind-as-of");
        assert_eq!(problem["type"], format!("https://tradewind.dev/errors/{code}"));
        assert_eq!(problem["status"], status);
        assert_eq!(got.header("retry-after").is_empty(), status != 503);
        assert!(!got.header("x-request-id").is_empty());
    }
    let rejected = running.send("POST", "/accounts/7/withdrawal", &[("x-request-id", "mine")], "").await;
    assert_eq!(rejected.json()["reason"], "too-little");
    assert_eq!(rejected.header("x-request-id"), "mine");
}

#[tokio::test]
async fn trace_context_that_cannot_be_read_changes_nothing() {
    let (store, _folder, running) = running().await;
    let garbled = [("traceparent", "ü"), ("tracestate", "")];
    assert_eq!(running.send("POST", "/accounts/7/deposits", &garbled, r#"{"cents":1}"#).await.status.as_u16(), 204);
    assert_eq!(store.everything()[0].metadata().unwrap().traceparent, None);
}

#[tokio::test]
async fn keys_of_different_actors_and_of_the_service_itself_are_different_keys() {
    let (store, _folder, running) = running().await;
    let five = r#"{"cents":5}"#;
    for headers in [
        &[("idempotency-key", "c"), ("tradewind-actor", "a/b")][..],
        &[("idempotency-key", "b/c"), ("tradewind-actor", "a")],
        &[("idempotency-key", "a/b/c")],
        &[("idempotency-key", "1/a/b/c")],
    ] {
        let done = running.send("POST", "/accounts/7/deposits", headers, five).await;
        assert_eq!((done.status.as_u16(), done.header("tradewind-duplicate")), (204, ""), "{headers:?}");
    }
    let ids: std::collections::HashSet<_> = store.everything().iter().map(|event| event.id()).collect();
    assert_eq!(ids.len(), 4);
    let own = tradewind_service::IdempotencyKey { key: "a/b/c".to_owned(), fingerprint: None };
    assert!(!ids.contains(&own.event_id(0)), "a client can take the place of what the service does itself");
}

#[tokio::test]
async fn an_acknowledgement_says_that_the_command_had_taken_effect_before() {
    let (_store, _folder, running) = running().await;
    for (path, body) in [("/accounts", r#"{"account":"7","owner":"ann"}"#), ("/accounts/8/deposits", r#"{"cents":5}"#)]
    {
        for expected in ["", "true"] {
            let done = running.send("POST", path, &[("idempotency-key", path)], body).await;
            assert_eq!((done.status.is_success(), done.header("tradewind-duplicate")), (true, expected), "{path}");
        }
    }
}

#[tokio::test]
async fn a_command_that_was_let_in_from_the_past_happens_then_and_no_client_can_say_so() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let past: Timestamp = "2017-03-31T10:20:30Z".parse().unwrap();
    let mut host = host(&store, folder.path());
    let app = App { commands: host.commands(), balances: host.projection(Balances::default()).unwrap() };
    let let_in = Router::new().route("/past/{id}", post(deposit)).layer(axum::Extension(past));
    host.routes(let_in.route("/now/{id}", post(deposit)).with_state(app));
    let running = start_ready(host).await;
    running.send("POST", "/past/7", &[], r#"{"cents":1}"#).await;
    running.send("POST", "/now/7", &[("tradewind-at", "2017-03-31T10:20:30Z")], r#"{"cents":1}"#).await;
    let times: Vec<_> = store.everything().iter().map(|event| event.time() == past).collect();
    assert_eq!(times, [true, false]);
}

#[tokio::test]
async fn nothing_that_a_web_page_can_send_unasked_changes_anything() {
    let (store, _folder, running) = running().await;
    running.send("POST", "/accounts/7/deposits", &[], r#"{"cents":5}"#).await;
    let before = store.everything().len();
    let paths = ["/accounts/7/deposits", "/accounts/7/withdrawal", "/admin/projections/balances/rebuild"];
    let kinds =
        ["text/plain", "text/plain;application/json", "application/x-www-form-urlencoded", "multipart/form-data", ""];
    for path in paths {
        for kind in kinds {
            let got = running.send_as(kind, path, r#"{"cents":1}"#).await;
            assert_eq!((got.status.as_u16(), got.json()["code"].as_str()), (415, Some("TW-2002")), "{path} as {kind}");
        }
    }
    assert_eq!(store.everything().len(), before);
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.bank+json"] {
        assert_eq!(
            running.send_as(kind, "/accounts/7/deposits", r#"{"cents":1}"#).await.status.as_u16(),
            204,
            "{kind}"
        );
    }
    // A header of ours is as good for what has no body: no page can add one without asking first.
    let by_ann = [("tradewind-actor", "ann")];
    let answer = running.ask("POST", "/admin/projections/balances/rebuild", &by_ann, "").await;
    assert_eq!(answer.status.as_u16(), 202);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let host = bank_in(host_with(&store, folder.path(), |it| it.body_within = Duration::from_millis(200)));
    let running = start_ready(host).await;
    let begun = "POST /accounts/7/deposits HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = running.say(begun).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("TW-2002"), "{answer}");
}

#[tokio::test]
async fn connections_are_no_more_than_may_be_and_silent_ones_make_room() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let host = host_with(&store, folder.path(), |it| {
        it.limits.connections_max = 1;
        it.limits.head_within = Duration::from_millis(300);
    });
    let running = start_ready(bank_in(host)).await;
    let _silent = tokio::net::TcpStream::connect(running.handle.address()).await.unwrap();
    let started = Instant::now();
    assert_eq!(running.get("/health/live").await.status.as_u16(), 200);
    assert!(started.elapsed() >= Duration::from_millis(200), "there was room for two");
}

#[tokio::test]
async fn a_part_that_falls_makes_the_service_unready_and_is_told_by_name() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = bank(&store, folder.path());
    let (fall, told) = tokio::sync::oneshot::channel::<()>();
    host.task(|_| async {
        let _ = told.await;
        panic!("on purpose");
    });
    let running = start_ready(host).await;
    fall.send(()).unwrap();
    eventually("unreadiness", async || !running.handle.is_ready()).await;
    let ready = running.get("/health/ready").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["fallen"]), (503, &json!(["a task of the context"])));
    assert!(!ready.text.contains("on purpose"), "why is in the log");
    assert_eq!(running.get("/accounts/7").await.status.as_u16(), 404, "what stands goes on");
}

#[tokio::test]
async fn problems_tell_their_position_where_it_is_known() {
    let (_store, _folder, running) = running().await;
    running.send("POST", "/accounts/7/deposits", &[], r#"{"cents":5}"#).await;
    let nobody = running.send("GET", "/accounts/99", &[("tradewind-after", "1")], "").await;
    assert_eq!((nobody.status.as_u16(), nobody.header("tradewind-position")), (404, "1"));
    let behind = running.send("GET", "/accounts/7", &[("tradewind-after", "9")], "").await;
    assert_eq!((behind.status.as_u16(), behind.header("tradewind-position")), (503, "1"));
    let future = running.send("GET", "/accounts/7", &[("tradewind-as-of", "9")], "").await;
    assert_eq!((future.status.as_u16(), future.header("tradewind-position")), (400, "1"));
}

#[tokio::test]
async fn health_metrics_and_the_api_document_tell_the_truth() {
    let (_store, _folder, running) = running().await;
    running.send("POST", "/accounts/7/deposits", &[], r#"{"cents":5}"#).await;
    running.send("POST", "/accounts/7/withdrawal", &[], "").await;
    running.send("POST", "/accounts/7/withdrawal", &[], "").await;
    assert_eq!(running.get("/health/live").await.json()["status"], "live");
    assert_eq!(running.get("/health/ready").await.json()["status"], "ready");
    let metrics = running.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for line in [
        "tradewind_http_requests_total{service=\"bank\",method=\"POST\",route=\"/accounts/{id}/withdrawal\",status=\"409\"} 1",
        "tradewind_http_request_duration_seconds_count{service=\"bank\",method=\"POST\",route=\"/accounts/{id}/deposits\"} 1",
        "tradewind_command_duration_seconds_count{service=\"bank\",command=\"Deposit\",outcome=\"done\"} 1",
        "tradewind_command_duration_seconds_count{service=\"bank\",command=\"Withdraw\",outcome=\"rejected\"} 1",
        "tradewind_command_conflicts_total{service=\"bank\"} 0",
        "tradewind_follower_lag_events{service=\"bank\",kind=\"projection\",name=\"balances\"} ",
        "tradewind_process_resident_memory_bytes{service=\"bank\"} ",
    ] {
        assert!(metrics.text.contains(line), "{line} is not in\n{}", metrics.text);
    }
    let document = running.get("/openapi.json").await.json();
    assert_eq!((&document["openapi"], &document["info"]["title"]), (&json!("3.1.0"), &json!("bank")));
    assert_eq!(document["paths"]["/accounts"]["post"]["operationId"], "openAccount");
    assert_eq!(document["paths"]["/accounts/{id}"]["get"]["parameters"][0]["name"], "id");
    // What is said to tell its position does, and what does not is not said to.
    for path in ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/admin/projections"] {
        let got = running.get(path).await;
        assert_eq!((got.status.as_u16(), got.header("tradewind-position")), (200, ""), "{path}");
        let described = &document["paths"][path]["get"]["responses"]["200"];
        assert!(described.is_object() && described["headers"].is_null(), "{path}: {described}");
    }
    let headers = &document["paths"]["/accounts/{id}"]["get"]["responses"]["200"]["headers"];
    assert!(headers["Tradewind-Position"].is_object());
    assert!(document["paths"]["/admin/projections/{name}"]["get"].is_object());
    assert!(document["paths"]["/feed/events"].is_null(), "it has no feed");
    let list = running.get("/admin/projections").await.json();
    assert_eq!((&list["items"][0]["name"], &list["items"][0]["state"]), (&json!("balances"), &json!("live")));
}

#[tokio::test]
async fn requests_in_flight_end_well_when_the_service_goes_down() {
    let (_store, _folder, running) = running().await;
    let address = running.handle.address();
    let (answer, stopped) = tokio::join!(
        async {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        },
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            running.stop().await
        }
    );
    stopped.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_connection_goes_on_behind_a_body_that_nobody_wants_or_says_that_it_does_not() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (_store, _folder, running) = running().await;
    let mut stream = tokio::net::TcpStream::connect(running.handle.address()).await.unwrap();
    let heard = async |stream: &mut tokio::net::TcpStream| {
        let mut answer = Vec::new();
        while !answer.ends_with(b"}") {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
        }
        String::from_utf8(answer).unwrap().to_lowercase()
    };
    for _ in 0..20 {
        // The body comes a moment after the head, when the answer is known.
        stream.write_all(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        stream.write_all(b"0123456789").await.unwrap();
        let answer = heard(&mut stream).await;
        assert!(answer.starts_with("http/1.1 404") && !answer.contains("connection: close"), "{answer}");
    }
    stream.write_all(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n").await.unwrap();
    assert!(heard(&mut stream).await.contains("connection: close"), "too much to read for nothing");
    let mut stream = tokio::net::TcpStream::connect(running.handle.address()).await.unwrap();
    stream.write_all(b"POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n").await.unwrap();
    assert!(heard(&mut stream).await.contains("connection: close"), "it does not come");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_after_the_bound_and_told() {
    let (_store, _folder, running) = running().await;
    let address = running.handle.address();
    let stuck = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let _ = stream.read_to_string(&mut String::new()).await;
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = Instant::now();
    let ended = running.stop().await;
    assert!(matches!(ended, Err(ServiceError::Drain { requests: 1, .. })), "{ended:?}");
    assert!(started.elapsed() < Duration::from_secs(4));
    stuck.abort();
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_by_name() {
    let (store, _folder, running) = running().await;
    let folder = tempfile::tempdir().unwrap();
    let options = tradewind_service::HostOptions::new("other", running.handle.address(), folder.path());
    let host = Host::new(options, std::sync::Arc::new(store), crate::account::clock());
    let Err(error) = host.bind().await else { panic!("two services on one address") };
    assert!(error.to_string().contains(&running.handle.address().to_string()), "{error}");
}
