use http::{HeaderMap, HeaderValue, StatusCode};
use tradewind_events::Position;

use super::{AFTER, POSITION, position_in};
use crate::behind::is_behind;
use crate::cache::CachePolicy;
use crate::compose::Piece;

#[test]
fn all_who_read_a_position_take_the_same_for_one() {
    let headers = |name, text| HeaderMap::from_iter([(name, HeaderValue::from_static(text))]);
    for (text, position) in [
        ("0", Some(0)),
        (" 42 ", Some(42)),
        ("007", Some(7)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("+5", None),
        ("-5", None),
        ("5.0", None),
        ("4 2", None),
        ("", None),
        ("catalog=42", None),
    ] {
        let answer = headers(POSITION, text);
        assert_eq!(position_in(&answer, &POSITION), position.map(Position), "{text:?}");
        assert_eq!(Piece::new(&answer, "").position, position, "{text:?}");
        let policy = CachePolicy::new("test", "origin");
        assert_eq!(crate::cache::position_of(&answer, &policy), position.map(Position), "{text:?}");
        let refused = (StatusCode::SERVICE_UNAVAILABLE, &headers(POSITION, "0"));
        assert_eq!(is_behind(&headers(AFTER, text), refused), position.is_some_and(|wanted| wanted > 0), "{text:?}");
    }
}
