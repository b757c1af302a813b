use super::*;

/// What it cost, from when, and until when.
type Price = (u64, u64, Option<u64>);

fn prices(model: &Model<PriceHistory>, after: Option<u64>, limit: u64) -> (Vec<Price>, Option<String>) {
    let page = PriceHistory::of(&model.read(), "1", after, limit).unwrap();
    let seconds = |at: Timestamp| at.micros() as u64 / 1_000_000;
    let prices = page.items.iter().map(|of| (of.price_cents, seconds(of.from), of.until.map(seconds))).collect();
    (prices, page.next)
}

fn changed() -> Model<PriceHistory> {
    let mut model = Model::new(PriceHistory);
    model.see("1", product("Milk", "Grocery", 259));
    model.see("2", product("Bread", "Grocery", 99));
    model.see("1", ProductPriceChanged { price_cents: 279 });
    model.see("1", ProductDelisted {});
    model.see("1", product("Milk", "Grocery", 239));
    model
}

#[test]
fn each_price_holds_until_the_next_or_until_the_product_is_taken_off() {
    assert_eq!(prices(&changed(), None, 10), (vec![(239, 5, None), (279, 3, Some(4)), (259, 1, Some(3))], None));
}

#[test]
fn prices_are_read_page_by_page() {
    let model = changed();
    let (first, next) = prices(&model, None, 2);
    let (rest, end) = prices(&model, next.map(|next| next.parse().unwrap()), 2);
    assert_eq!([first, rest].concat(), prices(&model, None, 10).0);
    assert_eq!(end, None);
}
