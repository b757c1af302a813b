use super::*;

#[test]
fn a_day_is_one_of_the_calendar_in_utc() {
    let day = Day::of("2017-03-31T23:59:59.999999Z".parse().unwrap());
    assert_eq!((day.as_str(), day.year()), ("2017-03-31", "2017"));
    assert_eq!(Day::of("2017-03-31T23:59:59-05:00".parse().unwrap()).as_str(), "2017-04-01");
}

#[test]
fn a_day_is_written_in_words() {
    let words = |text: &str| Day(text.to_owned()).in_words();
    assert_eq!(words("2017-03-31"), "March 31, 2017");
    assert_eq!(words("2017-12-01"), "December 1, 2017");
    assert_eq!(words("2017-13-01"), "2017-13-01", "what is no day is not made one");
}
