//! What a hit of the cache costs: 1 KiB of JSON under the headers that a service sends, asked for with those that a
//! browser sends. One thread; `cargo run --release -p tradewind-gateway --example cache_hit`. It tells the median of nine
//! rounds in the thread's own time, and how often memory is asked for.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Asked, Cache, CacheOptions, CachePolicy, FetchedBody, Fetching, Key, KeyRef, Lookup};

const ROUNDS: usize = 9;
const HITS_A_ROUND: u32 = 200_000;

/// Counts how often memory is asked for.
struct Counting;

static ASKED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: it does what the system's allocator does, and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: whoever calls this keeps what the trait asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static MEMORY: Counting = Counting;

const ANSWER: [(&str, &str); 8] = [
    ("content-type", "application/json"),
    ("cache-control", "public, max-age=600, stale-while-revalidate=60"),
    ("etag", "\"5f3a0c1d2e4b6978\""),
    ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ("vary", "accept-language"),
    ("tradewind-position", "123456"),
    ("x-content-type-options", "nosniff"),
    ("strict-transport-security", "max-age=63072000"),
];

const REQUEST: [(&str, &str); 9] = [
    ("host", "shop.example"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "application/json"),
    ("accept-language", "de-CH,de;q=0.8,en;q=0.5"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("referer", "https://shop.example/"),
    ("cookie", "session=0123456789abcdef0123456789abcdef"),
    ("sec-fetch-mode", "cors"),
    ("priority", "u=1"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let cache = Cache::new(CacheOptions::default(), Arc::new(SystemClock));
    let policy = Arc::new(CachePolicy::new("product", "catalog"));
    let (headers, method) = (headers_of(&REQUEST), Method::GET);
    let key = KeyRef { scope: "shop", authority: "shop.example", target: "/api/catalog/products/123?size=2" };
    runtime.block_on(store(&cache, &policy, key, &headers))?;
    let lookup = Lookup { key, method: &method, headers: &headers, after: None, coding: None };
    let answer = cache.hit(&policy, lookup).ok_or("nothing is stored")?;
    println!("{:#?}", answer.headers());

    measure("the short way", || drop(black_box(cache.hit(&policy, lookup))));
    let unless = headers_of(&[&REQUEST[..], &[("if-none-match", "\"5f3a0c1d2e4b6978\"")]].concat());
    let lookup = Lookup { headers: &unless, ..lookup };
    measure("the short way, to a 304", || drop(black_box(cache.hit(&policy, lookup))));
    let fetch: Arc<dyn tradewind_gateway::cache::Fetch> = Arc::new(answer_it);
    measure("the long way, with all that it needs", || {
        let asked = asked(key, &headers);
        drop(black_box(runtime.block_on(cache.serve(&policy, asked, Arc::clone(&fetch)))));
    });
    let stored = answer.headers().clone();
    measure("a copy of the headers alone", || drop(black_box(stored.clone())));
    Ok(())
}

fn headers_of(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn asked(key: KeyRef<'_>, headers: &HeaderMap) -> Asked {
    let (mut head, ()) = Request::new(()).into_parts();
    head.headers = headers.clone();
    let key = Key::new(key.scope, key.authority, key.target);
    Asked { key, head, after: None, parameters: Vec::new(), coding: None, stale_max: None, until: None }
}

fn answer_it(_: http::request::Parts) -> Fetching {
    Box::pin(async {
        let body = FetchedBody::new(Full::new(Bytes::from(vec![b'x'; 1_024])).map_err(|never| match never {}));
        let mut answer = Response::new(body);
        answer.headers_mut().extend(headers_of(&ANSWER));
        Ok(answer)
    })
}

async fn store(
    cache: &Cache,
    policy: &Arc<CachePolicy>,
    key: KeyRef<'_>,
    headers: &HeaderMap,
) -> Result<(), Box<dyn std::error::Error>> {
    let answer = cache.serve(policy, asked(key, headers), Arc::new(answer_it)).await?;
    answer.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok(())
}

/// How long this thread has been at work, which others on the machine do not add to. Where there is no Linux, the time.
fn on_the_processor() -> Duration {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next()?.parse().ok());
    told.map_or_else(|| BEGUN.elapsed(), Duration::from_nanos)
}

/// Tells how long one takes, and how often memory is asked for in it.
fn measure(name: &str, mut work: impl FnMut()) {
    let mut rounds = [0.0; ROUNDS];
    let mut asked = 0;
    for round in &mut rounds {
        let (started, before) = (on_the_processor(), ASKED.load(Ordering::Relaxed));
        (0..HITS_A_ROUND).for_each(|_| work());
        *round = (on_the_processor() - started).as_secs_f64() * 1e9 / f64::from(HITS_A_ROUND);
        asked = (ASKED.load(Ordering::Relaxed) - before) / HITS_A_ROUND as usize;
    }
    rounds.sort_by(f64::total_cmp);
    println!("{name}: {:.0} ns, {asked} times memory", rounds[ROUNDS / 2]);
}
