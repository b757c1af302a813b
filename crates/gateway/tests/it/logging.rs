//! The access log.

use std::fs;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tradewind_gateway::{AccessFormat, AccessLog, AccessLogOptions, Gateway, Options, Route, RouteTable, Upstream};

use crate::calling::{reaches, saying, silent};
use crate::{Peer, Running, TIMEOUTS, named, service, status_of};

/// Lines as they are written.
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn gateway_with(log: &AccessLog, routes: Vec<Route>) -> Running {
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    (options.timeouts, options.access) = (TIMEOUTS, Some(log.clone()));
    let gateway = Gateway::bind(options, RouteTable::new(routes).unwrap()).await.unwrap();
    let (address, handle, shutdown) = (gateway.address(), gateway.handle(), CancellationToken::new());
    let ended = tokio::spawn(gateway.run(shutdown.clone()));
    Running { address, handle, shutdown, ended }
}

pub(crate) fn logging(options: AccessLogOptions) -> (AccessLog, Arc<Mutex<Vec<u8>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    (AccessLog::to(options, Lines(Arc::clone(&lines))).unwrap(), lines)
}

/// All lines, each as JSON.
pub(crate) async fn told(log: &AccessLog, lines: &Mutex<Vec<u8>>) -> Vec<Value> {
    log.written(Duration::from_secs(10)).await;
    let text = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

#[tokio::test]
async fn a_request_is_one_line_that_tells_all_of_it_but_its_query() {
    let (log, lines) = logging(AccessLogOptions::default());
    let address = named("hello").await;
    let gateway = gateway_with(&log, vec![Route::new("/api", Upstream::new("shop", [address])).unwrap()]).await;
    let mut peer = Peer::connect(gateway.address).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let head = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01\r\nx-request-id: mine\r\nconnection: close");
    peer.say(&format!("GET /api/a%22b?token=secret HTTP/1.1\r\nhost: shop.example\r\n{head}\r\n\r\n")).await;
    assert_eq!(status_of(&peer.hear_rest().await), 200);
    let told = told(&log, &lines).await;
    let line = &told[0];
    assert_eq!(told.len(), 1);
    for (field, value) in [
        ("client", Value::from("127.0.0.1")),
        ("method", "GET".into()),
        ("path", "/api/a%22b".into()),
        ("host", "shop.example".into()),
        ("route", "/api".into()),
        ("service", "shop".into()),
        ("instance", address.to_string().into()),
        ("tries", 1.into()),
        ("status", 200.into()),
        ("bytes", 5.into()),
        ("end", "whole".into()),
        ("request_id", "mine".into()),
        ("trace_id", trace.into()),
    ] {
        assert_eq!(line[field], value, "{field} in {line}");
    }
    assert!(!line.to_string().contains("secret"), "{line}");
    assert!(line["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    assert!(line["head_ms"].as_f64() <= line["took_ms"].as_f64(), "{line}");
}

#[tokio::test]
async fn what_is_answered_by_nobody_broken_off_or_left_is_told_as_that() {
    let (log, lines) = logging(AccessLogOptions { query: true, ..AccessLogOptions::default() });
    let short = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nshort").await;
    };
    let lasting = |mut peer: Peer, _| async move {
        peer.hear_head().await;
        peer.say("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nlong").await;
        peer.hear_rest().await;
    };
    let route = |path, address| Route::new(path, Upstream::new("test", [address])).unwrap();
    let routes = vec![route("/short", service(short).await.0), route("/lasting", service(lasting).await.0)];
    let gateway = gateway_with(&log, routes).await;
    assert_eq!(status_of(&gateway.get("/nowhere?x=%31").await), 404);
    gateway.get("/short").await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET /lasting HTTP/1.1\r\nhost: a\r\n\r\n").await;
    peer.hear_until("long").await;
    drop(peer);
    for _ in 0..500 {
        if told(&log, &lines).await.len() == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told = told(&log, &lines).await;
    let seen: Vec<_> = told.iter().map(|line| (line["status"].as_u64(), line["end"].as_str())).collect();
    assert_eq!(seen, [(Some(404), Some("whole")), (Some(200), Some("broken")), (Some(200), Some("left"))], "{told:?}");
    assert_eq!((&told[0]["query"], &told[0]["route"], &told[0]["tries"]), (&"x=%31".into(), &Value::Null, &0.into()));
    assert_eq!(told[2]["bytes"], 4);
}

#[tokio::test]
async fn who_leaves_before_there_is_an_answer_is_logged_and_counted() {
    let (log, lines) = logging(AccessLogOptions::default());
    let (address, heard, _) = silent().await;
    let gateway = gateway_with(&log, vec![Route::new("/", Upstream::new("shop", [address])).unwrap()]).await;
    let mut peer = Peer::connect(gateway.address).await;
    peer.say("GET /one HTTP/1.1\r\nhost: a\r\nx-request-id: mine\r\n\r\n").await;
    reaches(&heard, 1).await;
    drop(peer);

    let stream = TokioIo::new(TcpStream::connect(gateway.address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("http://a/two").body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = tokio::spawn(sender.send_request(request));
    reaches(&heard, 2).await;
    answer.abort();

    for _ in 0..500 {
        if told(&log, &lines).await.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told = told(&log, &lines).await;
    for (line, path) in told.iter().zip(["/one", "/two"]) {
        assert_eq!(
            (&line["path"], &line["end"], &line["route"]),
            (&path.into(), &"left".into(), &"/".into()),
            "{told:?}"
        );
        assert_eq!((&line["status"], &line["head_ms"]), (&Value::Null, &Value::Null), "there was no answer");
        assert_eq!((&line["instance"], &line["tries"]), (&address.to_string().into(), &1.into()), "{line}");
    }
    assert_eq!((told.len(), &told[0]["request_id"]), (2, &"mine".into()));
    let figures = gateway.get("/_gateway/metrics").await;
    let line = "tradewind_gateway_requests_left_total{route=\"/\",service=\"shop\"} 2";
    assert!(figures.lines().any(|found| found == line), "{figures}");
    assert!(figures.contains("requests_total{route=\"/\",service=\"shop\",status=\"5xx\"} 0"), "{figures}");
}

/// A disk that takes nothing until it is told to.
struct Stuck(Receiver<()>);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_disk_that_hangs_costs_lines_and_no_request() {
    let (go, stuck) = sync_channel::<()>(1);
    let log =
        AccessLog::to(AccessLogOptions { lines_at_most: 4, ..AccessLogOptions::default() }, Stuck(stuck)).unwrap();
    let (address, _) = saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let gateway = gateway_with(&log, vec![Route::new("/", Upstream::new("test", [address])).unwrap()]).await;
    for _ in 0..40 {
        assert_eq!(status_of(&gateway.get("/").await), 200);
    }
    assert!((30..=36).contains(&log.dropped()), "{}", log.dropped());
    let metrics = gateway.get("/_gateway/metrics").await;
    assert!(metrics.contains(&format!("tradewind_gateway_access_log_dropped_total {}", log.dropped())), "{metrics}");
    drop(go);
    log.written(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_begun_anew_and_the_last_lines_are_there_when_the_gateway_has_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let (file, moved) = (folder.path().join("logs/access.log"), folder.path().join("access.log.1"));
    let options = AccessLogOptions { format: AccessFormat::Text, ..AccessLogOptions::default() };
    let log = AccessLog::to_file(options, &file).unwrap();
    let gateway = gateway_with(&log, vec![Route::new("/", Upstream::new("test", [named("a").await])).unwrap()]).await;
    gateway.get("/one").await;
    log.written(Duration::from_secs(10)).await;
    fs::rename(&file, &moved).unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    gateway.get("/two").await;
    gateway.shutdown.cancel();
    gateway.ended.await.unwrap();
    let (before, after) = (fs::read_to_string(&moved).unwrap(), fs::read_to_string(&file).unwrap());
    assert!(before.contains(" GET /one 200 1B ") && before.lines().count() == 1, "{before}");
    assert!(after.contains(" GET /two 200 1B ") && after.lines().count() == 1, "{after}");
}
