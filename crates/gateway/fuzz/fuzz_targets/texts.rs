//! Any text where an author writes a host, a header, an origin, a tag, a fragment: it is read or refused, and what is read
//! says the same when it is written again: `cargo +nightly fuzz run texts`.

#![no_main]

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tradewind_gateway::cache::TagTemplate;
use tradewind_gateway::{Cors, HeaderMatch, HostPattern, Origin, Origins, PathPattern, RateKey, RateLimit};

fuzz_target!(|text: &str| {
    let (one, other) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(host) = HostPattern::parse(one) {
        let again = HostPattern::parse(&host.to_string()).expect("what was written is read");
        assert_eq!(again, host);
        let name = host.to_string();
        match name.strip_prefix('*') {
            Some(suffix) => assert!(!host.covers(suffix) && host.covers(&format!("a{suffix}"))),
            None => assert!(host.covers(&name) && host.covers(&name.to_ascii_uppercase())),
        }
        let is_covered = match name.strip_prefix('*') {
            Some(suffix) => {
                let other = other.to_ascii_lowercase();
                other.len() > suffix.len() && other.ends_with(suffix)
            }
            None => other.eq_ignore_ascii_case(&name),
        };
        assert_eq!(host.covers(other), is_covered);
    }
    if let Ok(wanted) = HeaderMatch::new(one, Some(other).filter(|other| !other.is_empty())) {
        let mut headers = HeaderMap::new();
        assert!(!wanted.holds(&headers));
        let (name, value) = (HeaderName::from_bytes(one.as_bytes()), HeaderValue::from_str(other));
        let value = if one.eq_ignore_ascii_case("upgrade") { Ok("websocket".parse().expect("a value")) } else { value };
        headers.insert(name.expect("it was a name"), value.expect("it was a value"));
        assert!(wanted.holds(&headers));
    }
    if let Ok(template) = one.parse::<TagTemplate>() {
        assert_eq!(template.to_string(), one);
        let mut all: Vec<(String, String)> = template.parameters().map(|name| (name.to_owned(), "x".to_owned())).collect();
        all.sort_unstable();
        all.dedup();
        let tags = template.fill(&all);
        let [tag] = &tags[..] else { panic!("one for each value") };
        assert!(!tag.is_empty() && !tag.contains(['{', '}']));
        assert_eq!(template.fill(&[]).len(), usize::from(all.is_empty()));
    }
    if let Ok(pattern) = PathPattern::parse(one) {
        assert_eq!(PathPattern::parse(pattern.as_str()).as_ref(), Ok(&pattern));
        assert!(pattern.parameters().all(|name| !name.is_empty()));
    }
    if let Ok(origin) = Origin::parse(one) {
        assert_eq!(Origin::parse(&origin.to_string()).as_ref(), Ok(&origin));
        if let Ok(told) = HeaderValue::from_str(one) {
            assert!(one.contains('*') || one.contains('[') || origin.covers(&told));
        }
        let _ = Cors::new(Origins::These(vec![origin]), &[], &[other.to_owned()], &[], false, Duration::from_secs(1));
    }
    let within = Duration::from_micros(other.len() as u64 * 997);
    let _ = RateLimit::new(one, RateKey::Address, u32::try_from(one.len()).unwrap_or(0), within);
});
