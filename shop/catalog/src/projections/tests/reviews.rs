use super::*;

fn page(
    model: &Model<ProductReviews>,
    sort: ReviewSort,
    after: Option<&str>,
    limit: u64,
) -> (Vec<String>, Option<String>) {
    let after = after.map(|after| ReviewCursor::parse(after).unwrap());
    let wanted = Wanted { product_id: "1".into(), sort, after, limit, ..Wanted::default() };
    let page = ProductReviews::of(&model.read(), &wanted).unwrap();
    (page.items.into_iter().map(|review| review.id).collect(), page.next)
}

fn reviewed() -> Model<ProductReviews> {
    let mut model = Model::new(ProductReviews);
    for (review, customer) in [("a", "7"), ("b", "8"), ("c", "9"), ("d", "10")] {
        model.hear(review, written("1", customer, 4));
    }
    model.hear("other", written("2", "7", 1));
    for (review, customer) in [("b", "1"), ("b", "2"), ("a", "1")] {
        model.hear(review, helped(review, "1", customer));
    }
    model
}

#[test]
fn the_newest_or_the_most_helpful_come_first() {
    let model = reviewed();
    assert_eq!(
        page(&model, ReviewSort::Newest, None, 10),
        (vec!["d".into(), "c".into(), "b".into(), "a".into()], None)
    );
    assert_eq!(page(&model, ReviewSort::MostHelpful, None, 10).0, ["b", "a", "d", "c"]);
}

#[test]
fn pages_of_either_order_have_every_review_once() {
    let model = reviewed();
    for sort in [ReviewSort::Newest, ReviewSort::MostHelpful] {
        for limit in 1..=4 {
            let (mut all, mut next) = page(&model, sort, None, limit);
            while let Some(after) = next {
                let (more, behind) = page(&model, sort, Some(&after), limit);
                all.extend(more);
                next = behind;
            }
            assert_eq!(all, page(&model, sort, None, 10).0, "{sort:?} by {limit}");
        }
    }
    assert_eq!(ReviewCursor::parse("nonsense"), None);
}

#[test]
fn what_is_written_meanwhile_moves_no_page() {
    let mut model = reviewed();
    let (first, next) = page(&model, ReviewSort::Newest, None, 2);
    model.hear("e", written("1", "11", 5));
    let (second, _) = page(&model, ReviewSort::Newest, next.as_deref(), 2);
    assert_eq!([first, second].concat(), ["d", "c", "b", "a"]);
}

#[test]
fn a_revised_review_says_so_and_stays_where_it_was() {
    let mut model = reviewed();
    model.hear("a", revised("1", 4, 2));
    assert_eq!(page(&model, ReviewSort::Newest, None, 10).0, ["d", "c", "b", "a"]);
    let customer_id = Some("7".to_owned());
    let wanted = Wanted { product_id: "1".into(), customer_id, limit: 10, ..Wanted::default() };
    let only = ProductReviews::of(&model.read(), &wanted).unwrap().items;
    assert_eq!(only.len(), 1, "by this customer of this product");
    let ReviewView { stars, written_at, revised_at, helpful, .. } = only[0].clone();
    assert_eq!((stars, written_at, revised_at, helpful), (2, second(1), Some(second(9)), 1));
}

#[test]
fn a_rating_is_the_mean_of_what_each_customer_says_now() {
    let mut model = Model::new(ProductRatings);
    let none = ProductRatings::of(&model.read(), "1").unwrap();
    assert_eq!((none.average, none.count, none.distribution.len()), (None, 0, 5));
    for (review, stars) in [("a", 5), ("b", 4), ("c", 1)] {
        model.hear(review, written("1", review, stars));
    }
    model.hear("a", helped("a", "1", "z"));
    let counts = |rating: &Rating| rating.distribution.iter().map(|of| (of.stars, of.count)).collect::<Vec<_>>();
    let rating = ProductRatings::of(&model.read(), "1").unwrap();
    assert_eq!((rating.average, rating.count), (Some(3.33), 3));
    assert_eq!(counts(&rating), [(5, 1), (4, 1), (3, 0), (2, 0), (1, 1)]);
    model.hear("c", revised("1", 1, 5));
    let rating = ProductRatings::of(&model.read(), "1").unwrap();
    assert_eq!((rating.average, rating.count), (Some(4.67), 3));
    assert_eq!(counts(&rating), [(5, 2), (4, 1), (3, 0), (2, 0), (1, 0)]);
}
