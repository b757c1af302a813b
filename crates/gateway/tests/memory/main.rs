//! What the cache says that it takes is not less than what it takes, whatever answers look like: a limit in bytes that
//! can be got round by many tiny answers, or by their headers, is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{
    Asked, Cache, CacheOptions, CachePolicy, ContentCoding, Fetch, FetchedBody, Fetching, Key,
};

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// What an allocation takes: usual allocators keep two words with it, and round up.
fn taken(layout: Layout) -> usize {
    (layout.size() + 8).next_multiple_of(16).max(32)
}

// SAFETY: it does what the system's allocator does, and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(taken(layout), Ordering::Relaxed);
        // SAFETY: whoever calls this keeps what the trait asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(taken(layout), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static MEMORY: Counting = Counting;

/// An answer's shape: headers beside `Cache-Control`, bytes of each of their values, bytes of the body, whether its
/// route has tags, and whether it is packed, too.
type Shape = (&'static str, usize, usize, usize, usize, bool);

const SHAPES: [Shape; 7] = [
    ("tiny", 0, 0, 0, 0, false),
    ("tagged", 0, 0, 0, 30, false),
    ("usual", 10, 20, 1_000, 2, false),
    ("many headers", 80, 1, 0, 0, false),
    ("large headers", 4, 8_000, 0, 0, false),
    ("large", 2, 10, 200_000, 0, false),
    ("packed", 10, 20, 1_000, 2, true),
];

/// Keeps half of a body.
#[derive(Debug)]
struct Half;

impl ContentCoding for Half {
    fn name(&self) -> &'static str {
        "half"
    }

    fn takes(&self, _: StatusCode, _: &HeaderMap, _: usize) -> bool {
        true
    }

    fn pack(&self, body: &[u8]) -> io::Result<Vec<u8>> {
        Ok(body[..body.len() / 2].to_vec())
    }
}

fn fetch((_, headers, value_bytes, body_bytes, _, _): Shape) -> Arc<dyn Fetch> {
    Arc::new(move |_: http::request::Parts| -> Fetching {
        Box::pin(async move {
            let body = Full::new(Bytes::from(vec![b'x'; body_bytes])).map_err(|never| match never {});
            let mut answer = Response::new(FetchedBody::new(body));
            let all = answer.headers_mut();
            all.insert("cache-control", HeaderValue::from_static("max-age=600"));
            for number in 0..headers {
                let name: HeaderName = format!("x-header-of-number-{number}").parse().unwrap();
                all.append(name, "v".repeat(value_bytes).parse().unwrap());
            }
            Ok(answer)
        })
    })
}

/// Fills a cache with answers of a shape, each asked for twice. What is in use beside an empty one, and what it says.
async fn fill(shape: Shape, targets: usize) -> (usize, u64) {
    let (_, _, _, _, tags, is_packed) = shape;
    let options = CacheOptions { bytes_max: 256 << 20, ..CacheOptions::default() };
    let cache = Cache::new(options, Arc::new(SystemClock));
    let mut policy = CachePolicy::new("memory", "origin");
    policy.tags = (0..tags).map(|number| format!("tag-{number}-of:{{id}}").parse().unwrap()).collect();
    let (policy, fetch) = (Arc::new(policy), fetch(shape));
    let before = IN_USE.load(Ordering::SeqCst);
    for number in 0..targets {
        for _ in 0..2 {
            let target = format!("/products/{number}");
            let (mut head, ()) = Request::new(()).into_parts();
            head.headers.insert("accept-language", HeaderValue::from_static("de"));
            let parameters = vec![("id".to_owned(), number.to_string())];
            let coding: Option<&'static dyn ContentCoding> = if is_packed { Some(&Half) } else { None };
            let asked = Asked {
                key: Key::new("shop", "shop.example", &target),
                head,
                after: None,
                parameters,
                coding,
                stale_max: None,
                until: None,
            };
            let answer = cache.serve(&policy, asked, Arc::clone(&fetch)).await.unwrap();
            answer.into_body().collect().await.unwrap();
        }
    }
    assert_eq!(cache.targets(), targets, "all are there");
    (IN_USE.load(Ordering::SeqCst) - before, cache.bytes())
}

#[test]
fn it_takes_no_more_than_it_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // Whatever is made once, such as the threads that pack. They may hold on to a cache for a moment, so that what is
    // packed is the last.
    runtime.block_on(fill(SHAPES[6], 50));
    for shape in SHAPES {
        let targets = if shape.3 > 100_000 { 100 } else { 2_000 };
        let (taken, said) = runtime.block_on(fill(shape, targets));
        let (each, said_each) = (taken / targets, said / targets as u64);
        println!("{}: {each} bytes each, {said_each} told", shape.0);
        assert!(taken as u64 <= said, "{}: {each} bytes each are taken, and {said_each} told", shape.0);
        assert!(said <= 3 * taken as u64, "{}: {each} bytes each are taken, and {said_each} told", shape.0);
    }
}
