use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use proptest::prelude::*;
use tradewind_events::Position;

use super::{AFTER, Asked, Furthest, POSITION, SERVICES_MAX};

fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
}

fn take(lines: &[(HeaderName, &str)], own: Option<&str>) -> (Asked, HeaderMap) {
    let mut headers = headers(lines);
    let asked = Asked::take(&mut headers, own, Some("")).map_err(|problem| problem.detail).unwrap();
    (asked, headers)
}

#[test]
fn a_number_is_for_the_service_that_answers_and_stays_as_it_is() {
    let (asked, mut headers) = take(&[(AFTER, "42")], Some("catalog"));
    assert_eq!(asked.after(Some("catalog")), Some(Position(42)));
    asked.tell(Some("catalog"), true, &mut headers);
    assert_eq!(headers[AFTER], "42");
}

#[test]
fn a_dictionary_is_translated_for_the_service() {
    let (asked, mut headers) = take(&[(AFTER, "catalog=42, ordering=7")], Some("ordering"));
    asked.tell(Some("ordering"), true, &mut headers);
    assert_eq!(headers[AFTER], "7");
    asked.tell(Some("inventory"), true, &mut headers);
    assert!(!headers.contains_key(AFTER), "a service that is not named has nothing to wait for");
}

#[test]
fn what_cannot_be_understood_is_refused() {
    for (text, own) in
        [("soon", Some("a")), ("-1", Some("a")), ("+1", Some("a")), ("a=x", None), ("7", None), ("", None)]
    {
        let mut headers = headers(&[(AFTER, text)]);
        let refused = Asked::take(&mut headers, own, Some("")).unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.code.to_string()), (400, "TW-3034".to_owned()), "{text:?}");
    }
}

#[test]
fn the_cookies_are_read_and_taken_out() {
    let lines = [(header::COOKIE, "a=b; tradewind-after.catalog=42; c=d; tradewind-after.ordering=\"7\"")];
    let (asked, mut headers) = take(&lines, Some("catalog"));
    assert_eq!(headers[header::COOKIE], "a=b; c=d");
    assert_eq!(asked.after(Some("ordering")), Some(Position(7)));
    asked.tell(Some("catalog"), true, &mut headers);
    assert_eq!(headers[AFTER], "42");
    let (_, headers) = take(&[(header::COOKIE, "tradewind-after.catalog=42")], None);
    assert!(!headers.contains_key(header::COOKIE));
    let (asked, headers) = take(&[(header::COOKIE, "tradewind-after=catalog.42; tradewind-afternoon=1")], None);
    assert_eq!(
        (asked.after(Some("catalog")), &headers[header::COOKIE]),
        (None, &"tradewind-afternoon=1".parse().unwrap())
    );
}

#[test]
fn of_header_and_cookie_the_further_counts() {
    let both = |after: &'static str| [(AFTER, after), (header::COOKIE, "tradewind-after.catalog=42")];
    assert_eq!(take(&both("50"), Some("catalog")).0.after(Some("catalog")), Some(Position(50)));
    assert_eq!(take(&both("catalog=5"), Some("catalog")).0.after(Some("catalog")), Some(Position(42)));
    let twice = [(header::COOKIE, "tradewind-after.catalog=42; tradewind-after.catalog=41")];
    assert_eq!(take(&twice, Some("catalog")).0.after(Some("catalog")), Some(Position(42)));
}

#[test]
fn a_cookie_that_somebody_has_changed_is_no_error() {
    for garbage in ["", ".", "~", "~~1", "x", "-1", "99999999999999999999999", "\u{e4}", "one~42"] {
        let (asked, _) = take(&[(header::COOKIE, &format!("tradewind-after.catalog={garbage}"))], Some("catalog"));
        assert_eq!(asked.after(Some("catalog")), None, "{garbage:?}");
    }
}

fn answered(position: &str, status: u16) -> Response<()> {
    Response::builder().status(status).header(POSITION, position).body(()).unwrap()
}

fn set(answer: &Response<()>) -> Vec<&str> {
    answer.headers().get_all(header::SET_COOKIE).iter().map(|set| set.to_str().unwrap()).collect()
}

#[test]
fn what_is_written_to_one_service_takes_nothing_from_another() {
    const TIME: Duration = Duration::from_secs(600);
    let (mut asked, _) = take(&[(header::COOKIE, "tradewind-after.catalog=42; tradewind-after.ordering=7")], None);
    let mut answer = answered("9", 201);
    asked.remember("ordering", &mut answer, (TIME, ""), true, &Furthest::default());
    let wanted = "tradewind-after.ordering=9; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure";
    assert_eq!(set(&answer), [wanted], "the catalog's stays as it is, whatever has come meanwhile");
    let mut older = answered("6", 200);
    asked.remember("ordering", &mut older, (TIME, ""), false, &Furthest::default());
    assert!(set(&older)[0].starts_with("tradewind-after.ordering=7;"), "nothing is taken back");
    let mut refused = answered("10", 409);
    asked.remember("ordering", &mut refused, (TIME, ""), true, &Furthest::default());
    assert!(set(&refused).is_empty(), "nothing was written");
    let mut unnamed = answered("10", 200);
    for name in ["", "a b", "a=b", "a;b", "\u{e4}", &"a".repeat(65)] {
        asked.remember(name, &mut unnamed, (TIME, ""), true, &Furthest::default());
    }
    assert!(set(&unnamed).is_empty(), "no cookie has such a name");
}

#[test]
fn of_too_many_services_the_one_that_was_there_first_is_forgotten() {
    let pair = |number: usize| format!("tradewind-after.service-{number}=1");
    let cookie = (0..SERVICES_MAX).map(pair).collect::<Vec<_>>().join("; ");
    let (mut asked, _) = take(&[(header::COOKIE, &cookie)], None);
    let mut answer = answered("5", 200);
    asked.remember("another", &mut answer, (Duration::from_secs(1), ""), false, &Furthest::default());
    let (gone, new) = ("tradewind-after.service-0=; Path=/; Max-Age=0;", "tradewind-after.another=5; Path=/;");
    let set = set(&answer);
    assert!(set.len() == 2 && set[0].starts_with(gone) && set[1].starts_with(new), "{set:?}");
    let cookie = (0..100).map(pair).collect::<Vec<_>>().join("; ");
    let (asked, _) = take(&[(header::COOKIE, &cookie)], None);
    assert_eq!(asked.remembered.0.len(), SERVICES_MAX);
    assert_eq!(asked.after(Some("service-99")), Some(Position(1)));
}

#[test]
fn what_is_remembered_of_another_life_means_nothing() {
    let read = |cookie: &str, life| {
        let mut headers = headers(&[(header::COOKIE, cookie)]);
        Asked::take(&mut headers, None, Some(life)).map_err(|problem| problem.detail).unwrap().after(Some("catalog"))
    };
    assert_eq!(read("tradewind-after.catalog=one~42", "one"), Some(Position(42)));
    for (cookie, life) in [("one~42", "other"), ("42", "other"), ("one~42", "")] {
        assert_eq!(read(&format!("tradewind-after.catalog={cookie}"), life), None, "{cookie} in {life:?}");
    }
    let (mut asked, _) = take(&[], None);
    let mut answer = answered("7", 200);
    asked.remember("catalog", &mut answer, (Duration::from_secs(1), "one"), false, &Furthest::default());
    let cookie = set(&answer)[0];
    assert!(cookie.starts_with("tradewind-after.catalog=one~7;"), "{cookie}");
    assert_eq!(read(cookie.split(';').next().unwrap(), "one"), Some(Position(7)));
}

#[test]
fn cookies_beside_it_need_be_no_text() {
    for others in [&b"name=Zo\xc3\xab"[..], b"\xff", b"a=\x80; \xe4=b"] {
        let mut headers = HeaderMap::new();
        let cookie = [others, b"; tradewind-after.catalog=42"].concat();
        headers.insert(header::COOKIE, HeaderValue::from_bytes(&cookie).unwrap());
        let asked = Asked::take(&mut headers, None, Some("")).map_err(|problem| problem.detail).unwrap();
        assert_eq!(asked.after(Some("catalog")), Some(Position(42)), "{others:?}");
        assert_eq!(headers[header::COOKIE].as_bytes(), others);
    }
}

/// Bytes that a header's value may have.
fn value(bytes_max: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec((b' '..=255).prop_filter("a control", |byte| *byte != 127), 0..bytes_max)
}

proptest! {
    #[test]
    fn whatever_a_client_says_is_read_or_refused(
        after in "[ -~]{0,80}",
        others in value(20),
        cookie in value(80),
        own in proptest::bool::ANY,
    ) {
        let cookie = [b"a=b;", &others[..], b"; tradewind-after.catalog=one~", &cookie].concat();
        let mut headers = HeaderMap::new();
        headers.insert(AFTER, HeaderValue::try_from(after).unwrap());
        headers.insert(header::COOKIE, HeaderValue::from_bytes(&cookie).unwrap());
        let Ok(mut asked) = Asked::take(&mut headers, own.then_some("catalog"), Some("one")) else { return Ok(()) };
        let left = headers[header::COOKIE].as_bytes();
        prop_assert!(left.starts_with(b"a=b"));
        prop_assert!(!left.windows(24).any(|bytes| bytes == b"tradewind-after.catalog="));
        let known = asked.remembered.get("catalog");
        let mut answer = Response::builder().header(POSITION, "7").body(()).unwrap();
        asked.remember("catalog", &mut answer, (Duration::ZERO, "one"), false, &Furthest::default());
        let told = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        prop_assert!(told.len() < 256);
        // What it is told is what it will be understood by.
        let mut next = HeaderMap::new();
        next.insert(header::COOKIE, HeaderValue::try_from(told.split(';').next().unwrap()).unwrap());
        let next = Asked::take(&mut next, None, Some("one")).unwrap();
        prop_assert_eq!(next.after(Some("catalog")), known.max(Some(Position(7))));
    }
}

#[test]
fn of_two_commands_under_way_the_one_that_is_answered_last_does_not_forget_the_other() {
    let furthest = Furthest::default();
    let remembered = |position: &str, service: &str| {
        let mut answer = Response::builder().header(POSITION, position).body(()).unwrap();
        Asked::default().remember(service, &mut answer, (Duration::from_secs(1), ""), false, &furthest);
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        cookie.split([';', '=']).nth(1).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(remembered("11", "ordering"), 11);
    assert_eq!(remembered("10", "ordering"), 11, "both are of one client");
    assert_eq!(remembered("3", "catalog"), 3);
    assert_eq!(remembered("12", "ordering"), 12);
    let later = tokio::time::Instant::now() + super::UNDER_WAY;
    assert_eq!(furthest.with("ordering", Position(1), later), Position(1), "it has begun anew");
}
