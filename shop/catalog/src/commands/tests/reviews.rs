use tradewind_events::AppendCondition;
use tradewind_service::{Command, tag};
use tradewind_testkit::scenario::{given, given_nothing};

use super::*;
use crate::events::{Opinion, ReviewFoundHelpful, ReviewRevised, ReviewWritten};
use crate::review::Review;

fn opinion(stars: u8) -> Opinion {
    Opinion { stars, title: "As milk should be".into(), text: "Fresh, but the cap leaks.".into() }
}

fn write(opinion: Opinion) -> WriteReview {
    WriteReview { product_id: "1".into(), customer_id: "7".into(), opinion, delivered: true }
}

fn written(stars: u8) -> ReviewEvent {
    ReviewWritten { product_id: "1".into(), customer_id: "7".into(), opinion: opinion(stars) }.into()
}

fn revise(opinion: Opinion) -> ReviseReview {
    ReviseReview { product_id: "1".into(), customer_id: "7".into(), opinion }
}

fn helpful(customer: &str) -> FindHelpful {
    FindHelpful { review_id: "r".into(), product_id: "1".into(), customer_id: customer.into() }
}

#[test]
fn who_has_received_a_product_can_review_it() {
    given_nothing::<Review>().when(write(opinion(4))).then([written(4)]);
}

#[test]
fn who_has_not_received_it_cannot() {
    let unseen = WriteReview { delivered: false, ..write(opinion(4)) };
    given_nothing::<Review>().when(unseen).then_rejected("not-delivered");
}

#[test]
fn a_review_gives_one_to_five_stars() {
    for stars in [0, 6] {
        given_nothing::<Review>().when(write(opinion(stars))).then_rejected("bad-stars");
        given::<Review>([written(4)]).when(revise(opinion(stars))).then_rejected("bad-stars");
    }
    let wordless = Opinion { stars: 1, ..Opinion::default() };
    let (product_id, customer_id) = ("1".to_owned(), "7".to_owned());
    given_nothing::<Review>().when(write(wordless.clone())).then([ReviewWritten {
        product_id,
        customer_id,
        opinion: wordless,
    }
    .into()]);
}

#[test]
fn a_title_and_a_text_have_a_length() {
    let title = Opinion { title: "é".repeat(Review::TITLE_CHARS_MAX + 1), ..opinion(4) };
    let text = Opinion { text: "é".repeat(Review::TEXT_CHARS_MAX + 1), ..opinion(4) };
    given_nothing::<Review>().when(write(title)).then_rejected("review-title-too-long");
    given::<Review>([written(4)]).when(revise(text)).then_rejected("review-text-too-long");
}

#[test]
fn a_review_is_written_once_whatever_is_known_of_deliveries_by_then() {
    let again = WriteReview { delivered: false, ..write(opinion(1)) };
    given::<Review>([written(4)]).when(again).then_rejected("review-exists");
}

#[test]
fn no_customer_reviews_a_product_twice_under_any_id() {
    let AppendCondition { fail_if, after } = write(opinion(4)).condition().unwrap();
    assert_eq!(after.0, 0, "ever");
    assert_eq!(fail_if.items[0].tags, [tag("product", "1"), tag("customer", "7")]);
    assert_eq!(fail_if.items[0].types[0].as_str(), "ReviewWritten");
}

#[test]
fn its_author_can_revise_a_review_and_nobody_else() {
    given::<Review>([written(4)]).when(revise(opinion(2))).then([ReviewRevised {
        product_id: "1".into(),
        opinion: opinion(2),
        stars_before: 4,
    }
    .into()]);
    let other = ReviseReview { customer_id: "8".into(), ..revise(opinion(1)) };
    given::<Review>([written(4)]).when(other).then_rejected("review-of-another");
    given_nothing::<Review>().when(revise(opinion(2))).then_rejected("no-such-review");
    let of_other_product = ReviseReview { product_id: "2".into(), ..revise(opinion(2)) };
    given::<Review>([written(4)]).when(of_other_product).then_rejected("no-such-review");
}

#[test]
fn saying_the_same_again_changes_nothing() {
    given::<Review>([written(4)]).when(revise(opinion(4))).then_nothing();
}

#[test]
fn a_review_can_help_others_but_not_its_author() {
    let helped = ReviewFoundHelpful { review_id: "r".into(), product_id: "1".into(), customer_id: "8".into() };
    given::<Review>([written(4)]).when(helpful("8")).then([helped.into()]);
    given::<Review>([written(4)]).when(helpful("7")).then_rejected("own-review");
    given::<Review>([written(4)]).when(helpful(" ")).then_rejected("bad-customer");
    given_nothing::<Review>().when(helpful("8")).then_rejected("no-such-review");
    let tags = helpful("8").condition().unwrap().fail_if.items.remove(0).tags;
    assert_eq!(tags, [tag("review", "r"), tag("voter", "8")], "each once");
}
