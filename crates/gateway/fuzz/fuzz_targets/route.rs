//! Any patterns of paths, and any path: what takes it is what a reader would say who compares segment by segment, and a
//! path that is rewritten is still one: `cargo +nightly fuzz run route`.
//!
//! Lines: a path, then what it is rewritten to, then patterns.

#![no_main]

use http::{HeaderMap, Method, Uri};
use libfuzzer_sys::fuzz_target;
use tradewind_gateway::{Action, Asked, NotFound, PathPattern, Rewrite, Route, RouteTable, Upstream};

/// Segments as they are compared: decoded where that never makes a difference, and without empty ones.
fn segments(path: &str) -> Vec<(String, String)> {
    let plain = |raw: &str| {
        let (mut plain, bytes, mut at) = (Vec::new(), raw.as_bytes(), 0);
        while at < bytes.len() {
            let code = bytes.get(at + 1..at + 3).filter(|code| bytes[at] == b'%' && code.iter().all(u8::is_ascii_hexdigit));
            let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
            match byte.filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')) {
                Some(byte) => {
                    plain.push(byte);
                    at += 3;
                }
                None => {
                    plain.push(bytes[at]);
                    at += 1;
                }
            }
        }
        String::from_utf8_lossy(&plain).into_owned()
    };
    path.split('/').filter(|raw| !raw.is_empty()).map(|raw| (plain(raw), raw.to_owned())).collect()
}

/// Segments as the most lenient of services see them, in lower case.
fn lenient(path: &str) -> Vec<String> {
    let (mut plain, mut rest) = (String::new(), path);
    while let Some(first) = rest.chars().next() {
        let code = rest.get(1..3).filter(|code| first == '%' && code.bytes().all(|b| b.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                rest = &rest[3..];
            }
            None => {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    let without_parameters = |segment: &str| segment.split(';').next().unwrap_or_default().to_ascii_lowercase();
    plain.split(['/', '\\']).map(without_parameters).collect()
}

/// What a path has in place of a pattern's parameters, if it fits.
fn fits(pattern: &str, path: &[(String, String)]) -> Option<Vec<(String, String)>> {
    let wanted: Vec<&str> = pattern.split('/').filter(|segment| !segment.is_empty()).collect();
    let name = |segment: &str| segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).map(str::to_owned);
    let mut captures = Vec::new();
    for (at, segment) in wanted.iter().enumerate() {
        if let Some(rest) = name(segment).and_then(|name| name.strip_prefix('*').map(str::to_owned)) {
            let raw: Vec<&str> = path.get(at..)?.iter().map(|(_, raw)| &**raw).collect();
            captures.push((rest, raw.join("/")));
            return (!raw.is_empty()).then_some(captures);
        }
        let (plain, raw) = path.get(at)?;
        match name(segment) {
            Some(name) => captures.push((name, raw.clone())),
            None if segment == plain => {}
            None => return None,
        }
    }
    let is_prefix = !pattern.contains('{');
    (is_prefix || path.len() == wanted.len()).then_some(captures)
}

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let (path, rewrite) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    // Only what the HTTP parser takes comes as far as this.
    let Ok(uri) = path.parse::<Uri>() else { return };
    let path = uri.path();
    if !path.starts_with('/') {
        return;
    }
    let mut routes = Vec::new();
    for line in lines.take(8) {
        let Ok(pattern) = PathPattern::parse(line) else { continue };
        assert_eq!(pattern.as_str(), line);
        if let Ok(rewrite) = Rewrite::parse(rewrite, &pattern) {
            assert_eq!(rewrite.to_string(), text.lines().nth(1).unwrap_or_default());
        }
        routes.push(Route::to(pattern, Action::Forward(Upstream::new("s", []))));
    }
    let patterns: Vec<String> = routes.iter().map(|route| route.path.as_str().to_owned()).collect();
    let Ok(table) = RouteTable::new(routes) else { return };
    let (method, headers) = (Method::GET, HeaderMap::new());
    let found = table.find(Asked { method: &method, host: None, path, headers: &headers });
    let there = segments(path);
    let for_operators = lenient(path).into_iter().find(|segment| !segment.is_empty()).is_some_and(|first| first == "admin");
    let has_dots = lenient(path).iter().any(|segment| matches!(&**segment, "." | ".."));
    assert_eq!(matches!(found, Err(NotFound::DotSegment)), has_dots);
    match found {
        Ok((route, captures)) => {
            let wanted = fits(route.path.as_str(), &there).expect("what takes it fits");
            let told: Vec<(String, String)> =
                captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            assert_eq!(told, wanted);
            // None of the others says more with fixed segments from the left.
            let rank = |pattern: &str| -> Vec<u8> {
                pattern.split('/').filter(|s| !s.is_empty()).map(|s| u8::from(s.starts_with('{'))).collect()
            };
            let mine = rank(route.path.as_str());
            for other in patterns.iter().filter(|other| fits(other, &there).is_some() && !for_operators) {
                let its = rank(other);
                let common = mine.len().min(its.len());
                assert!(mine[..common] <= its[..common], "{other:?} is more specific than {:?}", route.path.as_str());
            }
            if let Ok(rewrite) = Rewrite::parse(rewrite, &route.path) {
                let rewritten = rewrite.path(path, &captures);
                assert!(rewritten.starts_with('/'), "{rewritten:?}");
                let target: Result<http::uri::PathAndQuery, _> = rewritten.parse();
                assert!(target.is_ok_and(|target| target.query().is_none()), "{rewritten:?}");
                let is_dotted = |segment: &str| matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..");
                assert!(!rewritten.split('/').any(is_dotted), "{rewritten:?}");
            }
        }
        Err(NotFound::DotSegment) => assert!(path.contains('.') || path.to_ascii_lowercase().contains("%2e")),
        Err(NotFound::OtherMethods(_)) => panic!("all take any method"),
        Err(NotFound::NoRoute) if for_operators => {}
        Err(NotFound::NoRoute) => assert!(patterns.iter().all(|pattern| fits(pattern, &there).is_none())),
    }
});
