use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, Method, Request, StatusCode, Uri, Version};

use super::compress::{Coding, choose, packed_on_its_way};
use super::cors::{Cors, CorsError};
use super::rate::{RateKey, RateLimit};
use super::{Origin, Origins, framing, trace};

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn appended(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut all = HeaderMap::new();
    for (name, value) in lines {
        all.append(*name, value.parse().unwrap());
    }
    all
}

#[test]
fn what_is_packed_to_be_stored_is_the_same_and_smaller_than_what_is_packed_on_its_way() {
    let words = ["product", "price_cents", "available", "description", "reviews", "stars", "brand", "unit"];
    let mut random = 1u64;
    let mut next = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let text: String = (0..6_000).map(|_| format!("\"{}\": {}, ", words[next(8) as usize], next(1_000))).collect();
    for coding in [Coding::Zstd, Coding::Brotli, Coding::Gzip] {
        let packed = coding.for_stored().pack(text.as_bytes()).unwrap();
        let mut read = String::new();
        match coding {
            Coding::Zstd => zstd::stream::read::Decoder::new(&packed[..]).unwrap().read_to_string(&mut read),
            Coding::Brotli => brotli::Decompressor::new(&packed[..], 4_096).read_to_string(&mut read),
            Coding::Gzip => flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut read),
        }
        .unwrap();
        assert_eq!(read, text);
        let on_its_way = packed_on_its_way(coding, text.as_bytes());
        assert!(packed.len() < on_its_way, "{coding:?}: {} of {on_its_way}", packed.len());
        assert!(coding.for_stored().pack(b"").is_ok());
    }
}

#[test]
fn only_what_is_made_of_words_and_not_tiny_is_packed_to_be_stored() {
    let json = headers(&[("content-type", "application/json")]);
    let takes = |status: u16, headers: &HeaderMap, bytes| {
        Coding::Gzip.for_stored().takes(StatusCode::from_u16(status).unwrap(), headers, bytes)
    };
    assert!(takes(200, &json, 2_000));
    assert!(!takes(200, &json, 100) && !takes(206, &json, 2_000) && !takes(304, &json, 2_000));
    for (name, value) in [("content-encoding", "br"), ("cache-control", "no-transform"), ("content-type", "image/png")]
    {
        let mut headers = json.clone();
        headers.insert(name, value.parse().unwrap());
        assert!(!takes(200, &headers, 2_000), "{name}");
    }
}

#[test]
fn weights_choose_a_coding() {
    for (accepted, coding) in [
        ("gzip, br, zstd", Some(Coding::Zstd)),
        ("gzip, br", Some(Coding::Brotli)),
        ("gzip;q=1.0, br;q=0.8", Some(Coding::Gzip)),
        ("x-gzip", Some(Coding::Gzip)),
        ("*", Some(Coding::Zstd)),
        ("*;q=0.5, zstd;q=0", Some(Coding::Brotli)),
        ("gzip;q=0", None),
        ("identity, gzip;q=0.5", None),
        ("identity;q=0.5, GZIP ; q=0.7", Some(Coding::Gzip)),
        ("identity;q=0", None),
        ("deflate", None),
        ("", None),
        ("br;q=2, gzip;q=abc", None),
        ("gzip;q=0.001", Some(Coding::Gzip)),
    ] {
        assert_eq!(choose(&headers(&[("accept-encoding", accepted)])), coding, "{accepted:?}");
    }
    assert_eq!(choose(&HeaderMap::new()), None);
    let as_it_is = headers(&[("accept-encoding", "gzip"), ("cache-control", "max-age=0, No-Transform")]);
    assert_eq!(choose(&as_it_is), None);
}

#[test]
fn a_trace_is_passed_on_if_it_is_one() {
    let passed = |lines: &[(&'static str, &str)]| {
        let mut all = appended(lines);
        trace::pass_on(&mut all);
        let parent = all.get("traceparent").unwrap().to_str().unwrap().to_owned();
        (parent, all.contains_key("tracestate"))
    };
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(passed(&[("traceparent", good), ("tracestate", "a=1")]), (good.to_owned(), true));
    let later = format!("cc-{}-what-comes", &good[3..]);
    assert_eq!(passed(&[("traceparent", &later)]).0, later);
    let zero_trace = format!("00-{:032}-00f067aa0ba902b7-01", 0);
    let zero_span = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{:016}-01", 0);
    let more = format!("{good}-x");
    for bad in
        ["", "x", &good.to_uppercase(), &zero_trace, &zero_span, &more, &good.replace("00-4", "ff-4"), &good[..54]]
    {
        let (parent, has_state) = passed(&[("traceparent", bad), ("tracestate", "a=1")]);
        assert!(parent != bad && parent.len() == 55 && !has_state, "{bad:?} became {parent}");
        assert_eq!(passed(&[("traceparent", &parent)]).0, parent, "ours is one");
    }
    assert_ne!(passed(&[("traceparent", good), ("traceparent", good)]).0, good, "of two, none can be told");
    assert_ne!(passed(&[]).0, passed(&[]).0);
}

#[test]
fn a_host_is_one_and_is_meant_as_such() {
    let ask = |version, uri: &str, lines: &[(&'static str, &str)]| {
        framing::check(&Method::GET, version, &uri.parse::<Uri>().unwrap(), &appended(lines))
            .map_err(|problem| problem.status.as_u16())
    };
    assert_eq!(ask(Version::HTTP_11, "/", &[("host", "a.test:80")]), Ok(()));
    assert_eq!(ask(Version::HTTP_11, "/", &[("host", "[::1]:80")]), Ok(()));
    assert_eq!(ask(Version::HTTP_10, "/", &[]), Ok(()));
    assert_eq!(ask(Version::HTTP_2, "http://a.test/", &[]), Ok(()));
    assert_eq!(ask(Version::HTTP_2, "http://a.test/", &[("host", "A.test")]), Ok(()));
    assert_eq!(ask(Version::HTTP_2, "http://a.test/", &[("host", "b.test")]), Err(400));
    assert_eq!(ask(Version::HTTP_11, "/", &[]), Err(400));
    assert_eq!(ask(Version::HTTP_11, "/", &[("host", "a"), ("host", "a")]), Err(400));
    for bad in ["", "a b", "a/b", "u@a", "a:b:c", "http://a"] {
        assert_eq!(ask(Version::HTTP_11, "/", &[("host", bad)]), Err(400), "{bad:?}");
    }
    let coded = |coding| ask(Version::HTTP_11, "/", &[("host", "a"), ("transfer-encoding", coding)]);
    assert_eq!(coded("Chunked"), Ok(()));
    assert_eq!(coded("gzip, chunked"), Err(501));
}

#[test]
fn everybody_has_a_count_of_their_own() {
    let limit = RateLimit::new("all", RateKey::Header("x-key".parse().unwrap()), 2, Duration::from_secs(60)).unwrap();
    let address: IpAddr = "10.0.0.1".parse().unwrap();
    let left = |key: &str| {
        let (told, counted) = limit.check(&headers(&[("x-key", key)]), address, None);
        counted.map(|()| told["ratelimit"].to_str().unwrap().to_owned()).map_err(|problem| problem.retry_after)
    };
    assert_eq!(left("a").as_deref(), Ok("\"all\";r=1;t=30"));
    assert_eq!(left("a").as_deref(), Ok("\"all\";r=0;t=60"));
    assert_eq!(left("a"), Err(Some(30)));
    assert!(left("b").is_ok() && left(&"long".repeat(100)).is_ok());
    let (told, _) = limit.check(&HeaderMap::new(), address, None);
    assert_eq!(told["ratelimit-policy"], "\"all\";q=2;w=60");

    let by_address = RateLimit::new("all", RateKey::Address, 1, Duration::from_secs(60)).unwrap();
    let ask = |address: &str| by_address.check(&HeaderMap::new(), address.parse().unwrap(), None).1.is_ok();
    assert!(ask("2001:db8::1") && !ask("2001:db8::2"), "one network is one party");
    assert!(ask("2001:db8:0:1::1") && ask("10.0.0.1") && ask("10.0.0.2"));
    assert!(!ask("::ffff:10.0.0.2"), "the same address, written for IPv6");
    let again = RateLimit::new("all", RateKey::Address, 1, Duration::from_secs(60)).unwrap().continuing(&by_address);
    assert!(again.check(&HeaderMap::new(), "10.0.0.1".parse().unwrap(), None).1.is_err());
    let other = RateLimit::new("all", RateKey::Address, 2, Duration::from_secs(60)).unwrap().continuing(&by_address);
    assert!(other.check(&HeaderMap::new(), "10.0.0.1".parse().unwrap(), None).1.is_ok());
    for (requests, within) in [(0, 1_000), (1, 0), (2_000_000, 1_000), (1, 86_400_001)] {
        assert!(RateLimit::new("x", RateKey::Address, requests, Duration::from_millis(within)).is_err());
    }
}

#[test]
fn origins_are_what_browsers_say() {
    let cors = |origins, credentials| Cors::new(origins, &[Method::GET], &[], &[], credentials, Duration::from_secs(1));
    for bad in [
        "shop.example",
        "https://",
        "https://shop.example/",
        "https://Shop.example",
        "https://u@a",
        "https://a:",
        "https://a:+1",
        "https://a:70000",
        "https://*",
        "https://*shop.example",
        "https://www.*.example",
        "https://*.*.example",
        "ftp://a",
        "null",
        "*",
    ] {
        assert!(Origin::parse(bad).is_err(), "{bad}");
    }
    for (written, told, others) in [
        ("https://shop.example", "https://shop.example", "http://shop.example"),
        ("https://shop.example", "https://shop.example", "https://www.shop.example"),
        ("https://shop.example:443", "https://shop.example", "https://shop.example:80"),
        ("http://shop.example:80", "http://shop.example", "http://shop.example:443"),
        ("http://localhost:3000", "http://localhost:3000", "http://localhost"),
        ("https://*.shop.example", "https://a.b.shop.example", "https://shop.example"),
        ("https://*.shop.example", "https://www.shop.example", "https://www.shop.example:8443"),
        ("https://*.shop.example:8443", "https://www.shop.example:8443", "https://www.shop.example"),
        ("https://*.shop.example", "https://www.shop.example", "https://evil.example/.shop.example"),
        ("https://*.shop.example", "https://www.shop.example", "https://evilshop.example"),
        ("http://[::1]:3000", "http://[::1]:3000", "http://[::2]:3000"),
        ("http://[0:0::1]", "http://[::1]", "null"),
    ] {
        let origin = Origin::parse(written).unwrap();
        assert!(origin.covers(&told.parse().unwrap()), "{written} is {told}");
        assert!(!origin.covers(&others.parse().unwrap()), "{written} is not {others}");
    }
    assert_eq!(cors(Origins::Any, true), Err(CorsError::CredentialsForAny));
    let question = |method: Method| {
        let request = Request::builder().method(method).header("origin", "https://a.test");
        request.header("access-control-request-method", "PUT").body(()).unwrap()
    };
    let cors = cors(Origins::These(vec![Origin::parse("https://a.test").unwrap()]), false).unwrap();
    assert!(cors.preflight(&question(Method::OPTIONS)).is_some());
    assert!(cors.preflight(&question(Method::GET)).is_none());
}

#[test]
fn nothing_that_a_client_says_makes_them_stumble() {
    let pieces = [
        "gzip",
        "br",
        "*",
        ";",
        ";q=",
        "q=0.",
        "1",
        "0",
        "9999",
        ",",
        " ",
        "identity",
        "00-",
        "-",
        "ff",
        "4bf92f3577",
        "\u{e4}",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..50_000 {
        let text: String = (0..random.usize(..12)).map(|_| pieces[random.usize(..pieces.len())]).collect();
        let Ok(value) = http::HeaderValue::from_bytes(text.as_bytes()) else { continue };
        let mut all = HeaderMap::new();
        for name in ["accept-encoding", "traceparent", "cache-control", "host"] {
            all.append(name, value.clone());
        }
        choose(&all);
        let _ = framing::check(&Method::GET, Version::HTTP_11, &Uri::from_static("/"), &all);
        trace::pass_on(&mut all);
        assert!(all["traceparent"].len() >= 55, "{text:?}");
    }
}
