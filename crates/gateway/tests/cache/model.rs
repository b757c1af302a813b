//! Any sequence of requests, answers, failures, purges and time passing, against what the RFC and the purges allow,
//! written down as plainly as possible: one list of all that the service has ever said.

use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tradewind_events::{Clock, ManualClock, Position, Timestamp};
use tradewind_gateway::cache::{
    Asked, Cache, CacheOptions, CachePolicy, ContentCoding, Fetch, FetchError, FetchedBody, Fetching, Key, KeyRef,
    Lookup, OnFailure, Purge, PurgeEffect, Reused, Unanswered,
};

/// What the service says about an answer.
#[derive(Debug, Clone, Copy)]
struct Says {
    max_age: u64,
    stale_if_error: u64,
    stale_while_revalidate: u64,
    varies: bool,
    has_etag: bool,
    tells_position: bool,
    forbids: Option<&'static str>,
    age: u64,
}

#[derive(Debug, Clone)]
enum Step {
    Get {
        path: u8,
        kind: u8,
        cache_control: Option<&'static str>,
        after: Option<u64>,
        packed: bool,
        authorized: bool,
    },
    Post {
        path: u8,
    },
    Pass {
        seconds: u64,
    },
    /// Something happens to what a path shows; the service's answers show it at once, or not yet.
    Write {
        path: u8,
        is_shown: bool,
    },
    Purge {
        path: u8,
        has_position: bool,
        effect: PurgeEffect,
    },
    /// From now on, the service fails, or says this.
    Fails(bool),
    Says(Says),
    Clear,
}

/// One answer of the service.
#[derive(Debug, Clone)]
struct Said {
    path: u8,
    kind: u8,
    says: Says,
    body: String,
    etag: String,
    /// When it was said, or said to be still so, in seconds.
    at: u64,
    position: u64,
    /// Whether it was for somebody alone.
    authorized: bool,
    /// How many steps had been taken when it was asked for.
    step: usize,
    /// What was known of it before it was said to be still so.
    before: Option<Box<Said>>,
}

#[derive(Debug, Default)]
struct Service {
    said: Vec<Said>,
    says: Option<Says>,
    fails: bool,
    step: usize,
    now: u64,
    /// Up to where things have happened, and up to where answers show them.
    position: u64,
    shown: u64,
    /// By path: the last version.
    versions: [u64; 2],
}

impl Service {
    fn answer(&mut self, head: &http::request::Parts) -> Result<Response<FetchedBody>, FetchError> {
        #[derive(Debug, thiserror::Error)]
        #[error("it fails")]
        struct Fails;
        if self.fails {
            return Err(FetchError::new(Fails));
        }
        let path = path_of(head.uri.path());
        if head.method == Method::POST {
            self.position += 1;
            self.shown = self.position;
            self.versions[usize::from(path)] += 1;
            let mut answer = Response::new(body_of(""));
            answer.headers_mut().insert("tradewind-position", self.position.into());
            return Ok(answer);
        }
        let says = self.says.unwrap();
        let kind = head.headers.get("kind").map_or(0, |kind| kind.as_bytes()[0] - b'0');
        let version = self.versions[usize::from(path)];
        let etag = format!("\"{path}-{kind}-{version}-{}\"", says.varies);
        let (at, position, step) = (self.now, self.shown, self.step);
        let known = head.headers.get("if-none-match").map(|known| known.to_str().unwrap().to_owned());
        let confirmed = known.filter(|known| says.has_etag && *known == etag);
        let body = match &confirmed {
            Some(_) => String::new(),
            None => format!("{path} for {kind}, version {version}, answer {:04}. {}", self.said.len(), "x".repeat(60)),
        };
        let mut answer = Response::new(body_of(&body));
        let authorized = head.headers.contains_key("authorization");
        if confirmed.is_some() {
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            // All that have this tag are confirmed, of which the cache has one at most.
            for said in self.said.iter_mut().filter(|said| said.etag == etag && said.says.has_etag) {
                said.before = Some(Box::new(said.clone()));
                (said.at, said.step) = (at, step);
                let knew_position = said.says.tells_position;
                said.says = says;
                if says.tells_position {
                    said.position = position;
                }
                said.authorized &= authorized;
                // What it does not repeat stays.
                said.says.tells_position |= knew_position;
            }
        } else {
            let (etag, authorized) = (etag.clone(), authorized && !lets_share(says));
            self.said.push(Said { path, kind, says, body, etag, at, position, authorized, step, before: None });
        }
        let headers = answer.headers_mut();
        let forbids = says.forbids.map_or_else(String::new, |word| format!(", {word}"));
        let Says { max_age, stale_if_error, stale_while_revalidate, .. } = says;
        let directives = format!(
            "max-age={max_age}, stale-if-error={stale_if_error}, stale-while-revalidate={stale_while_revalidate}{forbids}"
        );
        headers.insert("cache-control", directives.parse().unwrap());
        headers.insert("age", says.age.into());
        if says.varies {
            headers.insert("vary", "kind".parse().unwrap());
        }
        if says.has_etag {
            headers.insert("etag", etag.parse().unwrap());
        }
        if says.tells_position {
            headers.insert("tradewind-position", position.into());
        }
        Ok(answer)
    }
}

/// Whether what was asked with an authorization is for all nonetheless.
fn lets_share(says: Says) -> bool {
    matches!(says.forbids, Some("public" | "must-revalidate"))
}

fn path_of(path: &str) -> u8 {
    u8::from(path == "/b")
}

fn body_of(text: &str) -> FetchedBody {
    FetchedBody::new(Full::new(Bytes::copy_from_slice(text.as_bytes())).map_err(|never| match never {}))
}

/// Packs everything.
#[derive(Debug)]
struct Packs;

impl ContentCoding for Packs {
    fn name(&self) -> &'static str {
        "zstd"
    }

    fn takes(&self, _: StatusCode, headers: &HeaderMap, _: usize) -> bool {
        !headers.contains_key("content-encoding")
    }

    fn pack(&self, body: &[u8]) -> io::Result<Vec<u8>> {
        zstd::bulk::compress(body, 3)
    }
}

/// The cache, the service, and what is known of both.
struct Run {
    cache: Cache,
    policy: Arc<CachePolicy>,
    clock: Arc<ManualClock>,
    service: Arc<Mutex<Service>>,
    fetch: Arc<dyn Fetch>,
    /// Purges of a path: after which step, and with which position.
    purges: Vec<(u8, usize, Option<u64>, PurgeEffect)>,
}

impl Run {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
        let options = CacheOptions { packing_time_max: Duration::from_secs(10), ..CacheOptions::default() };
        let cache = Cache::new(options, Arc::clone(&clock) as Arc<dyn Clock>);
        let mut policy = CachePolicy::new("model", "origin");
        policy.tags = vec!["path:{path}".parse().unwrap()];
        policy.on_failure = OnFailure::Stale(Duration::from_secs(5));
        let service = Arc::new(Mutex::new(Service::default()));
        let asked = Arc::clone(&service);
        let fetch = move |head: http::request::Parts| -> Fetching {
            let answer = asked.lock().unwrap().answer(&head);
            Box::pin(std::future::ready(answer))
        };
        let policy = Arc::new(policy);
        Self { cache, policy, clock, service, fetch: Arc::new(fetch), purges: Vec::new() }
    }

    async fn take(&mut self, number: usize, step: &Step) {
        self.service.lock().unwrap().step = number;
        match *step {
            Step::Get { .. } => self.get(step).await,
            Step::Post { path } => self.post(path).await,
            Step::Pass { seconds } => {
                self.clock.advance(Duration::from_secs(seconds));
                self.service.lock().unwrap().now += seconds;
            }
            Step::Write { path, is_shown } => {
                let mut service = self.service.lock().unwrap();
                service.position += 1;
                service.versions[usize::from(path)] += u64::from(is_shown);
                if is_shown {
                    service.shown = service.position;
                }
            }
            Step::Purge { path, has_position, effect } => {
                let position = has_position.then_some(self.service.lock().unwrap().position);
                let tags = vec![format!("path:{path}")];
                self.cache.purge(&Purge { source: "origin".into(), tags, position: position.map(Position), effect });
                self.purges.push((path, number, position, effect));
            }
            Step::Fails(fails) => self.service.lock().unwrap().fails = fails,
            Step::Says(says) => self.service.lock().unwrap().says = Some(says),
            Step::Clear => {
                self.cache.clear();
                self.purges.extend([0, 1].map(|path| (path, number, None, PurgeEffect::Drop)));
            }
        }
    }

    fn head(&self, method: Method, path: u8) -> (http::request::Parts, String) {
        let target = if path == 0 { "/a" } else { "/b" };
        let (head, ()) = Request::builder().method(method).uri(target).body(()).unwrap().into_parts();
        (head, target.to_owned())
    }

    async fn post(&mut self, path: u8) {
        let (head, target) = self.head(Method::POST, path);
        let parameters = vec![("path".to_owned(), path.to_string())];
        let asked = Asked {
            key: Key::new("m", "host", &target),
            head,
            after: None,
            parameters,
            coding: None,
            stale_max: None,
            until: None,
        };
        let step = self.service.lock().unwrap().step;
        let position = match self.cache.serve(&self.policy, asked, Arc::clone(&self.fetch)).await {
            Ok(_) => Some(self.service.lock().unwrap().position),
            Err(_) => None,
        };
        self.purges.push((path, step, position, PurgeEffect::Drop));
    }

    async fn get(&self, step: &Step) {
        let Step::Get { path, kind, cache_control, after, packed, authorized } = *step else { unreachable!() };
        let (mut head, target) = self.head(Method::GET, path);
        head.headers.insert("kind", kind.to_string().parse().unwrap());
        if let Some(told) = cache_control {
            head.headers.insert("cache-control", told.parse().unwrap());
        }
        if authorized {
            head.headers.insert("authorization", "Bearer a".parse().unwrap());
        }
        let known = self.service.lock().unwrap().said.len();
        let coding: Option<&'static dyn ContentCoding> = if packed { Some(&Packs) } else { None };
        let after = after.map(Position);
        let key = KeyRef { scope: "m", authority: "host", target: &target };
        let lookup = Lookup { key, method: &Method::GET, headers: &head.headers, after, coding };
        let short = self.cache.hit(&self.policy, lookup);
        let parameters = vec![("path".to_owned(), path.to_string())];
        let answer = match short {
            Some(answer) => Ok(answer),
            None => {
                let asked = Asked { key: key.to_key(), head, after, parameters, coding, stale_max: None, until: None };
                self.cache.serve(&self.policy, asked, Arc::clone(&self.fetch)).await
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(Unanswered::Failed(_)) => {
                assert!(self.service.lock().unwrap().fails, "it failed without a reason");
                return;
            }
            Err(Unanswered::OnlyIfCached) => {
                assert_eq!(cache_control, Some("only-if-cached"));
                return;
            }
            Err(Unanswered::TooLate) => panic!("it has all the time there is"),
        };
        let reused = answer.body().reused().copied();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = match parts.headers.get("content-encoding") {
            None => String::from_utf8(bytes.to_vec()).unwrap(),
            Some(_) => {
                assert!(packed, "nobody has wanted it packed");
                let mut text = String::new();
                zstd::stream::read::Decoder::new(&bytes[..]).unwrap().read_to_string(&mut text).unwrap();
                text
            }
        };
        // What is asked about in the background has been asked about before anything else is done.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let service = self.service.lock().unwrap();
        let said = service.said.iter().find(|said| said.body == text).expect("nobody has said that");
        assert_eq!(said.path, path);
        let Some(reused) = reused else {
            assert!(service.said.len() > known, "it was the service's answer");
            return;
        };
        assert_eq!(parts.headers["age"], reused.age.as_secs().to_string());
        let wish = (kind, cache_control, after.map(|after| after.0));
        // What was confirmed in the background was sent before that, and what was confirmed for one may not be for others.
        // But what the service has taken back is so for all.
        let has_not_taken_back =
            |_: &&Said| said.step == service.step || !matches!(said.says.forbids, Some("private" | "no-store"));
        let states =
            std::iter::successors(Some(said), |said| said.before.as_deref().filter(|_| has_not_taken_back(said)));
        let forbidden: Vec<_> = states.map(|said| self.why_not(&service, said, reused, wish)).collect();
        assert!(forbidden.contains(&None), "{forbidden:?}: {said:?}, {reused:?}, {:?}", parts.headers);
    }

    /// Why an answer must not be made of this; nothing if it may.
    fn why_not(
        &self,
        service: &Service,
        said: &Said,
        reused: Reused,
        (kind, cache_control, after): (u8, Option<&str>, Option<u64>),
    ) -> Option<&'static str> {
        let Says { max_age, stale_if_error, stale_while_revalidate, varies, tells_position, forbids, age, .. } =
            said.says;
        let is_of_now = said.step == service.step;
        let told_age = reused.age.as_secs();
        let for_failure = if service.fails { stale_if_error.max(5) } else { 0 };
        let for_client = if cache_control == Some("max-stale=3") { 3 } else { 0 };
        let mut bound = for_failure.max(for_client).max(stale_while_revalidate);
        if matches!(forbids, Some("must-revalidate" | "no-cache")) {
            bound = 0;
        }
        let is_fresh = told_age < max_age || (bound > 0 && told_age <= max_age + bound);
        let is_purged = self.purges.iter().any(|(of, at, position, effect)| {
            let shows = tells_position && position.is_some_and(|position| said.position >= position);
            let is_excused = *effect == PurgeEffect::Outdate && service.fails;
            *of == said.path && *at > said.step && !shows && !is_excused
        });
        let shows = |after: u64| tells_position && said.position >= after && reused.position >= Some(Position(after));
        let reasons = [
            (varies && said.kind != kind, "chosen by another header"),
            (matches!(forbids, Some("private" | "no-store")) && !is_of_now, "not to be stored"),
            (said.authorized, "for somebody else"),
            (forbids == Some("no-cache") && !is_of_now, "not without asking"),
            (!after.is_none_or(shows), "it may show less than was wanted"),
            (told_age != service.now - said.at + age, "it is of another age"),
            (!is_fresh && !is_of_now, "too old"),
            (is_purged, "older than a purge"),
            (cache_control == Some("max-age=2") && told_age > 2 && !is_of_now && !service.fails, "older than wanted"),
            (cache_control == Some("no-cache") && !is_of_now && !service.fails, "the client wanted it to be asked"),
        ];
        reasons.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why)
    }
}

fn says() -> impl Strategy<Value = Says> {
    let forbids = prop_oneof![
        6 => Just(None),
        1 => prop_oneof![Just("private"), Just("no-store"), Just("no-cache"), Just("must-revalidate"), Just("public")]
            .prop_map(Some),
    ];
    let numbers =
        (0u64..20, 0u64..10, prop_oneof![3 => Just(0u64), 1 => 0u64..10], prop_oneof![3 => Just(0u64), 1 => 0u64..8]);
    (numbers, any::<[bool; 3]>(), forbids).prop_map(|(numbers, [varies, has_etag, tells_position], forbids)| {
        let (max_age, stale_if_error, stale_while_revalidate, age) = numbers;
        Says { max_age, stale_if_error, stale_while_revalidate, varies, has_etag, tells_position, forbids, age }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let cache_control = prop_oneof![
        8 => Just(None),
        1 => prop_oneof![Just("no-cache"), Just("max-age=2"), Just("max-stale=3"), Just("only-if-cached"), Just("no-store")]
            .prop_map(Some),
    ];
    let after = prop_oneof![4 => Just(None), 1 => (0u64..12).prop_map(Some)];
    let effect = prop_oneof![Just(PurgeEffect::Drop), Just(PurgeEffect::Outdate)];
    let often = proptest::bool::weighted(0.3);
    prop_oneof![
        12 => (0u8..2, 0u8..2, cache_control, after, any::<bool>(), proptest::bool::weighted(0.1)).prop_map(
            |(path, kind, cache_control, after, packed, authorized)|
                Step::Get { path, kind, cache_control, after, packed, authorized }
        ),
        1 => (0u8..2).prop_map(|path| Step::Post { path }),
        4 => (0u64..12).prop_map(|seconds| Step::Pass { seconds }),
        2 => (0u8..2, any::<bool>()).prop_map(|(path, is_shown)| Step::Write { path, is_shown }),
        2 => (0u8..2, any::<bool>(), effect).prop_map(
            |(path, has_position, effect)| Step::Purge { path, has_position, effect }
        ),
        2 => often.prop_map(Step::Fails),
        3 => says().prop_map(Step::Says),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_served_that_must_not_be(first in says(), steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new();
            run.take(0, &Step::Says(first)).await;
            for (number, step) in steps.iter().enumerate() {
                run.take(number + 1, step).await;
            }
        });
    }
}
