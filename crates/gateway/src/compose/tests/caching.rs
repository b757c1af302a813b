use std::time::Duration;

use super::*;

fn two() -> Composed {
    select(&composition(&[call("a", "one:/a"), call("b", "two:/b"), call("c", "two:/c")]), "{ a b c }")
}

fn given(headers: [&[(&'static str, &str)]; 3]) -> Services {
    let [a, b, c] = headers;
    Services::new().answers_with("one:/a", a, 1).answers_with("two:/b", b, 2).answers_with("two:/c", c, 3)
}

#[tokio::test]
async fn the_whole_is_as_fresh_as_its_stalest_part() {
    let long = [("cache-control", "public, max-age=600"), ("age", "90"), ("vary", "Accept-Language")];
    let short = [("cache-control", "max-age=70"), ("age", "60"), ("vary", "accept-language, Authorization")];
    let asked = given([&long, &short, &long]).asked(&two(), &[]).await;
    let age: u64 = asked.header("age").parse().unwrap();
    let most: u64 = asked.header("cache-control").strip_prefix("max-age=").unwrap().parse().unwrap();
    assert!((90..=92).contains(&age), "{age}");
    assert!((8..=10).contains(&(most - age)), "{most}, {age}");
    assert_eq!(asked.header("vary"), "accept-language, authorization");
}

#[tokio::test]
async fn the_strictest_part_says_who_may_store_it() {
    let age = [("cache-control", "max-age=60")];
    for (strict, said) in [
        ("private, max-age=9", "private, max-age=9"),
        ("no-store", "no-store"),
        ("no-cache, max-age=9", "no-cache"),
        ("private", "private, no-cache"),
        // What cannot be read is stale at once, as the cache takes it.
        ("max-age=junk", "max-age=1"),
        ("max-age=60, Max-Age=\"9\"", "max-age=9"),
        ("No-Store", "no-store"),
    ] {
        let asked = given([&age, &[("cache-control", strict)], &age]).asked(&two(), &[]).await;
        let control = asked.header("cache-control");
        // A fraction of a second has passed, which counts as a whole one.
        assert!(
            control == said || control == said.replace("=9", "=8") || control == said.replace("=9", "=10"),
            "{control}"
        );
    }
    let asked = given([&age, &[("vary", "*")], &age]).asked(&two(), &[]).await;
    assert_eq!(asked.header("cache-control"), "no-store");
    let asked = given([&[], &[], &[]]).asked(&two(), &[]).await;
    assert_eq!(asked.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn the_whole_allows_shared_caches_no_more_than_its_parts_do() {
    let other = [("cache-control", "max-age=600")];
    for (part, least, expiring) in [
        ("max-age=600, s-maxage=10", 10, ", proxy-revalidate"),
        ("s-maxage=600, max-age=10", 10, ", proxy-revalidate"),
        ("s-maxage=10", 10, ", proxy-revalidate"),
        ("private, s-maxage=10", 10, ""),
        ("max-age=10, proxy-revalidate", 10, ", proxy-revalidate"),
        ("max-age=10, must-revalidate", 10, ", must-revalidate"),
        ("private, max-age=10, must-revalidate", 10, ", must-revalidate"),
        ("s-maxage=10, must-revalidate", 10, ", must-revalidate"),
        ("max-age=20, max-age=10, max-age=30", 10, ""),
    ] {
        let asked = given([&other, &[("cache-control", part)], &other]).asked(&two(), &[]).await;
        let control = asked.header("cache-control");
        let read = control.strip_prefix("private, ").unwrap_or(control).strip_prefix("max-age=").unwrap();
        let (seconds, _) = read.split_once(',').unwrap_or((read, ""));
        let seconds: u64 = seconds.parse().unwrap();
        assert!((least - 1..=least).contains(&seconds), "{part}: {control}");
        let private = if part.starts_with("private") { "private, " } else { "" };
        assert_eq!(control, format!("{private}max-age={seconds}{expiring}"), "{part}");
    }
    // What may not be used at all without asking needs no word on what is no longer fresh.
    let parts: [&[(&str, &str)]; 3] = [&other, &[("cache-control", "must-revalidate")], &other];
    assert_eq!(given(parts).asked(&two(), &[]).await.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn a_part_is_as_old_as_the_first_age_says() {
    for (said, least) in [("90, 3", 90), ("3, 90", 3), ("+90", 0), ("soon", 0)] {
        let age = [("cache-control", "max-age=600"), ("age", said)];
        let age: u64 = given([&[], &age, &[]]).asked(&two(), &[]).await.header("age").parse().unwrap();
        assert!((least..=least + 1).contains(&age), "{said}: {age}");
    }
}

#[tokio::test]
async fn positions_are_told_by_service_and_the_oldest_of_each() {
    let at = |position| [("tradewind-position", position)];
    let asked = given([&at("17"), &at("40"), &at("39")]).asked(&two(), &[]).await;
    assert_eq!(asked.header("tradewind-position"), "one=17, two=39");
    let positions = sfv::Parser::new(asked.header("tradewind-position")).parse::<sfv::Dictionary>().unwrap();
    assert_eq!(positions.len(), 2);
    let asked = given([&at("x"), &[], &[]]).asked(&two(), &[]).await;
    assert_eq!(asked.header("tradewind-position"), "");
}

#[tokio::test]
async fn the_whole_is_as_of_a_moment_only_if_all_of_it_is() {
    let at = |moment| [("tradewind-as-of", moment)];
    for (headers, told) in [
        ([&at("2017-03-31")[..], &at("2017-03-31"), &at("2017-03-31")], "2017-03-31"),
        ([&at("2017-03-31"), &at("2017-03-30"), &at("2017-03-31")], ""),
        ([&at("2017-03-31"), &[], &at("2017-03-31")], ""),
        ([&[], &[], &[]], ""),
    ] {
        assert_eq!(given(headers).asked(&two(), &[]).await.header("tradewind-as-of"), told, "{headers:?}");
    }
}

#[tokio::test]
async fn the_entity_tag_is_of_the_bytes() {
    let first = given([&[], &[], &[]]).asked(&two(), &[]).await;
    let same = given([&[], &[], &[]]).asked(&two(), &[]).await;
    let other = given([&[], &[], &[]]).answers("one:/a", 9).asked(&two(), &[]).await;
    assert_eq!(first.header("etag"), same.header("etag"));
    assert_ne!(first.header("etag"), other.header("etag"));
}

#[tokio::test]
async fn the_report_is_a_list_of_structured_fields() {
    let piece = Piece::new(&http::HeaderMap::new(), "2");
    let piece = Piece { age: Duration::from_millis(41_001), freshness: Freshness::Stale(Duration::ZERO), ..piece };
    let asked = given([&[], &[], &[]]).answers_piece("two:/b", piece).asked(&two(), &[]).await;
    assert_eq!(asked.fragments(), "a, b;stale=42, c");
    let list = sfv::Parser::new(asked.fragments()).parse::<sfv::List>().unwrap();
    let sfv::ListEntry::Item(b) = &list[1] else { panic!("an item") };
    assert_eq!(b.bare_item.as_token().unwrap().as_str(), "b");
    assert_eq!(i64::from(b.params["stale"].as_integer().unwrap()), 42);
}
