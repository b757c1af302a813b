//! Answers packed once for all who can read it: forms, their validators, parts of them, and what they take.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{HeaderMap, StatusCode};
use tradewind_gateway::cache::{CacheOptions, ContentCoding, Purge, PurgeEffect};

use crate::Headers;
use crate::world::{Got, Reply, World, date};

/// Packs text that is not tiny, and counts how often.
#[derive(Debug)]
struct Packs {
    name: &'static str,
    count: AtomicUsize,
    /// Closed, it holds up whoever packs.
    gate: (Mutex<bool>, Condvar),
}

impl Packs {
    fn named(name: &'static str) -> &'static Self {
        let gate = (Mutex::new(true), Condvar::new());
        Box::leak(Box::new(Self { name, count: AtomicUsize::new(0), gate }))
    }

    fn times(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    fn open(&self, is_open: bool) {
        *self.gate.0.lock().unwrap() = is_open;
        self.gate.1.notify_all();
    }
}

impl ContentCoding for Packs {
    fn name(&self) -> &'static str {
        self.name
    }

    fn takes(&self, status: StatusCode, headers: &HeaderMap, bytes: usize) -> bool {
        status == StatusCode::OK && headers.get("content-type").is_some_and(|kind| kind == "text/plain") && bytes > 10
    }

    fn pack(&self, body: &[u8]) -> io::Result<Vec<u8>> {
        self.count.fetch_add(1, Ordering::SeqCst);
        let open = self.gate.0.lock().unwrap();
        let wait = self.gate.1.wait_timeout_while(open, Duration::from_secs(10), |open| !*open).unwrap();
        assert!(!wait.1.timed_out());
        let mut writer = GzEncoder::new(Vec::new(), Compression::best());
        writer.write_all(body)?;
        writer.finish()
    }
}

/// Both are gzip in truth, and only one of them says so.
const CODINGS: [&str; 2] = ["gzip", "other"];

fn unpacked(got: &Got) -> String {
    let mut text = String::new();
    GzDecoder::new(&got.bytes[..]).read_to_string(&mut text).unwrap();
    text
}

fn text() -> String {
    "the same again and again, ".repeat(100)
}

const TAGGED: Headers<'_> = &[("cache-control", "max-age=60"), ("content-type", "text/plain"), ("etag", "\"a\"")];
const GZIP: (&str, &str) = ("accept-encoding", "gzip");

async fn world(headers: Headers<'_>) -> (World, &'static Packs) {
    with(CacheOptions::default(), headers).await
}

async fn with(options: CacheOptions, headers: Headers<'_>) -> (World, &'static Packs) {
    let reply = Reply::ok(&text(), headers);
    let mut world = World::with(options, move |_| reply.clone()).await;
    let gzip = Packs::named(CODINGS[0]);
    world.codings = vec![gzip, Packs::named(CODINGS[1])];
    (world, gzip)
}

/// Patient, whatever else the machine does.
fn patient() -> CacheOptions {
    CacheOptions { packing_time_max: Duration::from_secs(10), ..CacheOptions::default() }
}

#[tokio::test]
async fn what_is_asked_for_again_is_packed_once() {
    let (world, gzip) = with(patient(), TAGGED).await;
    let first = world.get(&[GZIP]).await;
    assert_eq!((&first.body[..], first.header("content-encoding"), gzip.times()), (&text()[..], "", 0));
    for _ in 0..3 {
        let got = world.get(&[GZIP]).await;
        assert_eq!((got.status, got.header("content-encoding"), got.is_hit()), (200, "gzip", true));
        assert_eq!(unpacked(&got), text());
        assert_eq!(got.header("content-length"), got.bytes.len().to_string());
        assert!(got.bytes.len() < 200 && got.header("vary") == "accept-encoding", "{:?}", got.headers);
        assert!(got.header("etag").starts_with("\"a--gzip-"), "{:?}", got.headers);
        assert_eq!(gzip.times(), 1);
    }
    let own = world.get(&[]).await;
    assert_eq!((&own.body[..], own.header("content-encoding"), own.header("etag")), (&text()[..], "", "\"a\""));
    assert_eq!((own.header("content-length"), world.asked()), (&text().len().to_string()[..], 1));
    assert_eq!(world.seen()[0].header("accept-encoding"), "", "the service is asked for it as it is");
}

#[tokio::test]
async fn a_coding_that_the_gateway_does_not_know_is_the_services() {
    let (world, _) = world(TAGGED).await;
    world.get(&[("accept-encoding", "deflate")]).await;
    assert_eq!(world.seen()[0].header("accept-encoding"), "deflate");
}

#[tokio::test]
async fn each_form_is_known_by_its_own_tag() {
    let (world, gzip) = with(patient(), TAGGED).await;
    world.get(&[]).await;
    let mut tags = vec!["\"a\"".to_owned()];
    for coding in CODINGS {
        tags.push(world.get(&[("accept-encoding", coding)]).await.header("etag").to_owned());
    }
    let known = async |coding: &'static str, tag: &str| {
        let got = world.get(&[("accept-encoding", coding), ("if-none-match", tag)]).await;
        assert_eq!(got.header("content-type").is_empty(), got.status == 304);
        assert!(got.status != 304 || (got.bytes.is_empty() && got.header("content-encoding").is_empty()));
        (got.status, got.header("etag").to_owned())
    };
    assert_eq!(known("gzip", &tags[1]).await, (304, tags[1].clone()));
    let weak = format!("W/{}", tags[1]);
    assert_eq!(known("gzip", &weak).await, (304, weak.clone()), "it is told of what it has");
    assert_eq!(known("other", &tags[2]).await, (304, tags[2].clone()));
    assert_eq!(known("gzip", &tags[0]).await, (304, tags[0].clone()), "it has what came from the service");
    assert_eq!(known("gzip", "W/\"a\"").await, (304, "W/\"a\"".to_owned()), "or what was packed on its way");
    assert_eq!(known("gzip", "W/\"a\", \"a\"").await, (304, tags[0].clone()), "or both");
    assert_eq!(known("", "W/\"a\"").await, (304, tags[0].clone()), "and reads nothing that was packed any more");
    assert_eq!(known("gzip", "*").await, (304, tags[1].clone()));
    assert_eq!(known("gzip", &tags[2]).await, (200, tags[1].clone()), "it could not read that any more");
    assert_eq!(known("", &tags[1]).await, (200, tags[0].clone()));
    assert_eq!(known("gzip", &tags[1].replace("\"a", "\"b")).await.0, 200, "another version");
    world.cache.clear();
    assert_eq!(known("gzip", &tags[1]).await, (304, tags[1].clone()), "it is the same, though not at hand");
    assert_eq!(world.asked(), 2);
    world.until(|world| world.cache.targets() == 1).await;
    assert_eq!(known("gzip", &tags[1]).await, (304, tags[1].clone()));
    assert_eq!(gzip.times(), 1, "nothing is packed only to say so");
}

#[tokio::test]
async fn dates_are_compared_as_ever() {
    let (old, now) = (date(-1000), date(0));
    let (world, _) = with(patient(), &[TAGGED[0], TAGGED[1], ("last-modified", &old)]).await;
    world.get(&[]).await;
    let got = world.get(&[GZIP]).await;
    assert_eq!((got.header("content-encoding"), got.header("etag")), ("gzip", ""));
    let got = world.get(&[GZIP, ("if-modified-since", &now)]).await;
    assert_eq!((got.status, got.header("vary")), (304, "accept-encoding"));
}

#[tokio::test]
async fn parts_are_of_one_form_and_never_of_two() {
    let (old, now) = (date(-1000), date(0));
    let headers = [TAGGED, &[("last-modified", &old[..]), ("date", &now), ("accept-ranges", "bytes")]].concat();
    let (world, _) = with(patient(), &headers).await;
    world.get(&[]).await;
    let whole = world.get(&[GZIP]).await;
    let (packed, tag) = (whole.bytes.clone(), whole.header("etag").to_owned());
    let part = async |more: Headers<'_>| {
        let got = world.get(&[&[("range", "bytes=2-9")], more].concat()).await;
        assert!(got.is_hit());
        let told = (got.header("content-encoding").to_owned(), got.header("content-range").to_owned());
        (got.status, got.bytes.clone(), told, got.header("etag").to_owned())
    };
    let told = |coding: &str, length: usize| (coding.to_owned(), format!("bytes 2-9/{length}"));
    let of_packed = (206, packed.slice(2..10), told("gzip", packed.len()), tag.clone());
    let of_own = (206, text().as_bytes()[2..10].to_vec().into(), told("", text().len()), "\"a\"".to_owned());
    assert_eq!(part(&[GZIP]).await, of_packed);
    assert_eq!(part(&[GZIP, ("if-range", &tag)]).await, of_packed);
    assert_eq!(part(&[GZIP, ("if-range", "\"a\"")]).await, of_own, "it has a part of that");
    assert_eq!(part(&[]).await, of_own);
    assert_eq!(part(&[("if-range", "\"a\"")]).await, of_own);
    assert_eq!(part(&[("if-range", &old)]).await, of_own);
    assert_eq!(part(&[("if-range", &tag)]).await.0, 200, "it cannot read it");
    let whole = part(&[GZIP, ("if-range", &old)]).await;
    assert_eq!((whole.0, whole.1), (200, packed.clone()), "a date is that of all forms");
    let got = world.get(&[GZIP, ("range", "bytes=1000-")]).await;
    assert_eq!((got.status, got.header("content-range")), (416, &format!("bytes */{}", packed.len())[..]));
}

#[tokio::test]
async fn a_weak_tag_is_that_of_all_forms_and_so_parts_are_of_what_came() {
    let (world, _) = with(patient(), &[TAGGED[0], TAGGED[1], ("etag", "W/\"a\"")]).await;
    world.get(&[]).await;
    let got = world.get(&[GZIP]).await;
    assert_eq!((got.header("content-encoding"), got.header("etag")), ("gzip", "W/\"a\""));
    assert_eq!(world.get(&[GZIP, ("if-none-match", "W/\"a\"")]).await.status, 304);
    let part = world.get(&[GZIP, ("range", "bytes=0-2")]).await;
    assert_eq!((part.status, &part.body[..], part.header("content-encoding")), (206, "the", ""));
}

#[tokio::test]
async fn head_tells_of_the_form_that_get_would_bring() {
    let (world, _) = with(patient(), TAGGED).await;
    world.get(&[]).await;
    let head = world.ask("HEAD", "/", &[GZIP]).await;
    let got = world.get(&[GZIP]).await;
    assert_eq!(head.headers, got.headers);
    assert_eq!((head.header("content-encoding"), head.bytes.len()), ("gzip", 0));
    assert_eq!(world.ask("HEAD", "/", &[GZIP, ("if-none-match", got.header("etag"))]).await.status, 304);
}

#[tokio::test]
async fn many_who_want_it_wait_for_one_packing() {
    let (world, gzip) = with(patient(), TAGGED).await;
    let world = Arc::new(world);
    world.get(&[]).await;
    gzip.open(false);
    let ask = || {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.get(&[GZIP]).await })
    };
    let asking: Vec<_> = (0..50).map(|_| ask()).collect();
    world.until(|_| gzip.times() == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(asking.iter().all(|asking| !asking.is_finished()));
    assert_eq!(world.get(&[]).await.body, text(), "nobody else waits");
    gzip.open(true);
    for asking in asking {
        assert_eq!(unpacked(&asking.await.unwrap()), text());
    }
    assert_eq!(gzip.times(), 1);
}

#[tokio::test]
async fn one_whose_client_goes_away_is_packed_nonetheless() {
    let (world, gzip) = with(patient(), TAGGED).await;
    let world = Arc::new(world);
    world.get(&[]).await;
    gzip.open(false);
    let asking = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.get(&[GZIP]).await }
    });
    world.until(|_| gzip.times() == 1).await;
    asking.abort();
    gzip.open(true);
    assert_eq!(world.get(&[GZIP]).await.header("content-encoding"), "gzip");
    assert_eq!(gzip.times(), 1);
}

#[tokio::test]
async fn nobody_waits_for_long_and_only_some_are_packed_at_once() {
    let options = CacheOptions { packing_time_max: Duration::from_millis(20), ..CacheOptions::default() };
    let (world, gzip) = with(options, TAGGED).await;
    world.get(&[]).await;
    gzip.open(false);
    for _ in 0..2 {
        let got = world.get(&[GZIP]).await;
        assert_eq!((&got.body[..], got.header("content-encoding")), (&text()[..], ""));
    }
    let bytes = world.cache.bytes();
    gzip.open(true);
    world.until(|world| world.cache.bytes() > bytes).await;
    assert_eq!((world.get(&[GZIP]).await.header("content-encoding"), gzip.times()), ("gzip", 1));

    let (world, gzip) = with(CacheOptions { packings_max: 0, ..patient() }, TAGGED).await;
    world.get(&[]).await;
    assert_eq!((world.get(&[GZIP]).await.body, gzip.times()), (text(), 0));
}

#[tokio::test]
async fn what_is_not_worth_it_is_tried_at_most_once() {
    let noise: String =
        (0..200u32).map(|n| char::from(b'!' + (n.wrapping_mul(2_654_435_761) >> 25) as u8 % 90)).collect();
    for (body, kind, tries) in [(&noise[..12], "text/plain", 1), (&text(), "image/png", 0), ("short", "text/plain", 0)]
    {
        let reply = Reply::ok(body, &[("cache-control", "max-age=60"), ("content-type", kind)]);
        let mut world = World::with(patient(), move |_| reply.clone()).await;
        let gzip = Packs::named("gzip");
        world.codings = vec![gzip];
        for _ in 0..4 {
            let got = world.get(&[GZIP]).await;
            assert_eq!((&got.body[..], got.header("content-encoding"), gzip.times() <= tries), (body, "", true));
        }
        assert_eq!(gzip.times(), tries, "{kind}");
    }
}

#[tokio::test]
async fn a_form_stays_while_the_answer_does_and_goes_with_it() {
    let mut world = World::with(patient(), |seen| {
        let headers = [&TAGGED[1..], &[("cache-control", "max-age=10")]].concat();
        match seen.number {
            0 => Reply::ok(&text(), &headers),
            1 => Reply::status(304, "", &[("cache-control", "max-age=10"), ("x-new", "1")]),
            _ => Reply::ok(&text().replace("same", "next"), &[("etag", "\"b\""), headers[0], headers[2]]),
        }
    })
    .await;
    let gzip = Packs::named("gzip");
    world.codings = vec![gzip];
    world.get(&[]).await;
    let before = world.get(&[GZIP]).await;
    world.later(20);
    let confirmed = world.get(&[GZIP]).await;
    assert!(confirmed.did().contains("fwd-status=304"), "{}", confirmed.did());
    assert_eq!((confirmed.header("x-new"), confirmed.header("etag")), ("1", before.header("etag")));
    assert_eq!((unpacked(&confirmed), gzip.times()), (text(), 1));
    world.later(20);
    assert!(world.get(&[GZIP]).await.body.contains("next"));
    let after = world.get(&[GZIP]).await;
    assert_eq!((unpacked(&after), gzip.times()), (text().replace("same", "next"), 2));
    assert!(after.header("etag").starts_with("\"b--gzip-"));
}

#[tokio::test]
async fn what_forbids_it_from_now_on_is_sent_as_it_came() {
    let mut world = World::with(patient(), |seen| match seen.number {
        0 => Reply::ok(&text(), &[("cache-control", "max-age=10"), TAGGED[1], TAGGED[2]]),
        _ => Reply::status(304, "", &[("cache-control", "max-age=10"), ("content-type", "text/html")]),
    })
    .await;
    world.codings = vec![Packs::named("gzip")];
    world.get(&[]).await;
    assert_eq!(world.get(&[GZIP]).await.header("content-encoding"), "gzip");
    world.later(20);
    for _ in 0..2 {
        let got = world.get(&[GZIP]).await;
        assert_eq!((&got.body[..], got.header("content-encoding"), got.header("etag")), (&text()[..], "", "\"a\""));
    }
}

#[tokio::test]
async fn forms_count_and_go_with_a_purge_also_of_what_is_being_packed() {
    let (mut world, gzip) = with(patient(), TAGGED).await;
    world.policy.tags = vec!["tag".parse().unwrap()];
    let purge = |effect| Purge { source: "origin".into(), tags: vec!["tag".to_owned()], position: None, effect };
    world.get(&[]).await;
    let bytes = world.cache.bytes();
    let packed = world.get(&[GZIP]).await.bytes.len() as u64;
    assert!((packed + 500..packed + 4_000).contains(&(world.cache.bytes() - bytes)), "{}", world.cache.bytes() - bytes);
    assert_eq!(world.cache.purge(&purge(PurgeEffect::Drop)), 1);
    assert_eq!((world.cache.bytes(), world.cache.targets()), (0, 0));

    let world = Arc::new(world);
    for (effect, targets) in [(PurgeEffect::Drop, 0), (PurgeEffect::Outdate, 1)] {
        world.get(&[]).await;
        gzip.open(false);
        let times = gzip.times();
        let asking = tokio::spawn({
            let world = Arc::clone(&world);
            async move { world.get(&[GZIP]).await }
        });
        world.until(|_| gzip.times() == times + 1).await;
        assert_eq!(world.cache.purge(&purge(effect)), 1);
        gzip.open(true);
        asking.await.unwrap();
        assert_eq!(world.cache.targets(), targets, "it does not come back");
        assert!(!world.get(&[GZIP]).await.is_hit(), "nor does it become fresh again: {effect:?}");
        world.cache.clear();
    }
}

#[tokio::test]
async fn where_there_is_no_room_for_another_form_none_is_made() {
    let options = CacheOptions { bytes_max: 100_000, ..patient() };
    let reply = Reply::ok(&text()[..10].repeat(1_200), &[TAGGED[0], TAGGED[1], ("vary", "foo")]);
    let mut world = World::with(options, move |_| reply.clone()).await;
    let gzip = Packs::named("gzip");
    world.codings = vec![gzip];
    for foo in 0..20 {
        for _ in 0..2 {
            world.get(&[GZIP, ("foo", &foo.to_string())]).await;
            assert!(world.cache.bytes() <= 50_000, "{}", world.cache.bytes());
        }
    }
    assert!(world.get(&[GZIP, ("foo", "19")]).await.is_hit(), "the newest is there");
    assert!((1..20).contains(&gzip.times()), "{}", gzip.times());
}

#[tokio::test]
async fn a_condition_for_the_service_is_put_in_its_own_words() {
    let (world, _) = with(patient(), TAGGED).await;
    world.get(&[]).await;
    let tag = world.get(&[GZIP]).await.header("etag").to_owned();
    for method in ["PUT", "GET"] {
        world.ask(method, "/", &[GZIP, ("if-match", &format!("\"x\", {tag}"))]).await;
        assert_eq!(world.seen().last().unwrap().header("if-match"), "\"x\", \"a\"");
    }
    for strange in ["\"a--gzip-0123\"", "\"--\"", "*", "W/\"a\""] {
        world.ask("PUT", "/", &[("if-match", strange)]).await;
        assert_eq!(world.seen().last().unwrap().header("if-match"), strange);
    }
}
