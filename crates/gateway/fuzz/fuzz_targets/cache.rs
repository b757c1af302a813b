//! Any headers of an answer and of two requests: what the cache answers is what was said, or a part of it, and never what
//! was not for the second: `cargo +nightly fuzz run cache`.
//!
//! Four parts with a zero byte between them: two digits, the answer's headers, the first request's, the second's; each
//! header on a line of its own. The digits are how long the second waits and how the answer comes.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tradewind_events::{ManualClock, Timestamp};
use tradewind_gateway::cache::{
    Asked, Cache, CacheBody, CacheOptions, CachePolicy, Fetch, FetchedBody, Fetching, Key, KeyRef, Lookup,
};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

const BODY: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

const WAITS_S: [u64; 8] = [0, 1, 9, 10, 59, 3_600, 86_400, 40_000_000];

fn headers(text: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.split(|byte| *byte == b'\n').take(30) {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
        let value = HeaderValue::from_bytes(value.get(1..).unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) {
            headers.append(name, value);
        }
    }
    headers
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    asked: usize,
}

fn read(answer: Response<CacheBody>, asked: usize) -> Got {
    let (parts, body) = answer.into_parts();
    let body = RUNTIME.block_on(body.collect()).expect("bodies do not break off here").to_bytes();
    Got { status: parts.status, headers: parts.headers, body, asked }
}

/// A directive with this name, on lines that have no quotes, by which everything could be hidden.
fn says(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<String> =
        headers.get_all("cache-control").iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into()).collect();
    if lines.iter().any(|line| line.contains(['"', '\\'])) {
        return None;
    }
    let words = lines.iter().flat_map(|line| line.split(','));
    words.map(|word| word.trim_matches([' ', '\t']).to_ascii_lowercase()).find(|word| {
        let own = word.split('=').next().unwrap_or_default();
        own.trim_matches([' ', '\t']) == name
    })
}

fn check_head(got: &Got, method: &Method) {
    let statuses = got.headers.get_all("cache-status");
    for line in statuses {
        let list = sfv::Parser::new(line.as_bytes()).parse::<sfv::List>();
        // The last is ours.
        let of_service = got.headers.get_all("cache-status").iter().next_back() != Some(line);
        assert!(list.is_ok() || of_service, "{line:?}");
    }
    let text = |name: &str| got.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let own = Bytes::from_static(BODY);
    match got.status {
        StatusCode::PARTIAL_CONTENT if text("cache-status").is_some_and(|did| did.starts_with("tradewind; hit")) => {
            let range = text("content-range").expect("it tells which part it is");
            let (part, whole) = range.strip_prefix("bytes ").and_then(|range| range.split_once('/')).expect("a range");
            let (first, last) = part.split_once('-').expect("two ends");
            let (first, last): (usize, usize) = (first.parse().expect("a number"), last.parse().expect("a number"));
            assert_eq!((got.body.clone(), whole), (own.slice(first..=last), "36"));
        }
        StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE => assert!(got.body.is_empty()),
        _ if *method == Method::HEAD => assert!(got.body.is_empty() || got.asked > 0),
        _ => assert_eq!(got.body, own),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(4, |byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (how, answer, first, second) = (next(), headers(next()), headers(next()), headers(next()));
    let digit = |at: usize| how.get(at).map_or(0, |byte| usize::from(*byte));
    let wait_s = WAITS_S[digit(0) % WAITS_S.len()];
    let method = if digit(1) % 4 == 3 { Method::HEAD } else { Method::GET };
    let status = [200, 200, 200, 404, 301, 204, 500, 206][digit(1) / 4 % 8];

    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000)));
    let cache = Cache::new(CacheOptions::default(), Arc::clone(&clock) as Arc<dyn tradewind_events::Clock>);
    let mut policy = CachePolicy::new("fuzzed", "origin");
    policy.tags = vec!["a:{id}".parse().expect("a tag")];
    policy.tag_header = Some(HeaderName::from_static("cache-tag"));
    let policy = Arc::new(policy);
    let said = answer.clone();
    let has_body = status != 204;
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let fetch: Arc<dyn Fetch> = Arc::new(move |_: http::request::Parts| -> Fetching {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let said = said.clone();
        Box::pin(async move {
            let body = Full::new(Bytes::from_static(if has_body { BODY } else { b"" }));
            let mut answer = Response::new(FetchedBody::new(body.map_err(|never| match never {})));
            *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
            *answer.headers_mut() = said;
            // A server that lies about it is hyper's to catch.
            answer.headers_mut().remove("content-length");
            Ok(answer)
        })
    });
    let ask = |method: &Method, headers: &HeaderMap| {
        let (mut head, ()) = Request::new(()).into_parts();
        head.method = method.clone();
        head.headers = headers.clone();
        let before = asked.load(std::sync::atomic::Ordering::SeqCst);
        let parameters = vec![("id".to_owned(), "7".to_owned())];
        let key = Key::new("s", "host", "/a?b");
        let request = Asked { key, head, after: None, parameters, coding: None, stale_max: None, until: None };
        let answer = RUNTIME.block_on(cache.serve(&policy, request, Arc::clone(&fetch))).ok()?;
        Some(read(answer, asked.load(std::sync::atomic::Ordering::SeqCst) - before))
    };
    if let Some(got) = ask(&Method::GET, &first) {
        if has_body {
            check_head(&got, &Method::GET);
        }
    }
    clock.advance(Duration::from_secs(wait_s));
    let key = KeyRef { scope: "s", authority: "HOST", target: "/a?b" };
    let lookup = Lookup { key, method: &method, headers: &second, after: None, coding: None };
    let short = cache.hit(&policy, lookup).map(|answer| read(answer, 0));
    let Some(got) = ask(&method, &second) else { return };
    if has_body {
        check_head(&got, &method);
    }
    if let Some(short) = short {
        assert_eq!((short.status, short.headers, short.body), (got.status, got.headers.clone(), got.body.clone()));
        assert_eq!(got.asked, 0, "both ways are of one mind");
    }
    if got.asked > 0 {
        return;
    }
    // It was answered from the store, so nothing may have been said against that.
    assert!(!answer.contains_key("set-cookie"));
    assert!(says(&answer, "private").is_none());
    assert!(says(&answer, "no-store").is_none() || says(&answer, "must-understand").is_some());
    assert!(says(&answer, "no-cache").is_none());
    assert!(says(&first, "no-store").is_none());
    let is_allowed = ["public", "must-revalidate", "s-maxage"].iter().any(|name| says(&answer, name).is_some());
    let is_hidden = answer.get_all("cache-control").iter().any(|line| line.as_bytes().contains(&b'"'));
    assert!(!first.contains_key("authorization") || is_allowed || is_hidden);
    if let Some(vary) = answer.get("vary").filter(|_| answer.get_all("vary").iter().count() == 1) {
        for name in vary.to_str().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
            assert_ne!(name, "*");
            assert_eq!(first.contains_key(name), second.contains_key(name), "{name}");
        }
    }
    let stale = ["stale-while-revalidate", "stale-if-error"].iter().any(|name| says(&answer, name).is_some());
    let lenient = second.contains_key("cache-control") || stale || is_hidden;
    let told = says(&answer, "s-maxage").or_else(|| says(&answer, "max-age"));
    let seconds = told.and_then(|word| word.split_once('=').map(|(_, seconds)| seconds.trim().to_owned()));
    if let Some(seconds) = seconds.and_then(|seconds| seconds.parse::<u64>().ok()).filter(|_| !lenient) {
        assert!(wait_s < seconds, "{wait_s} of {seconds} s");
    }
});
