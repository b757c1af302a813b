use super::*;
use crate::seed::sample::BasketRow;

fn product(id: &str, price_cents: Option<u64>) -> ProductRow {
    ProductRow {
        product_id: id.into(),
        name: format!("Product {id}"),
        department: "Grocery".into(),
        brand: String::new(),
        category: String::new(),
        kind: String::new(),
        size: String::new(),
        price_cents,
    }
}

fn basket(id: &str) -> BasketRow {
    BasketRow { basket_id: id.into(), household_id: "7".into(), placed_at: Timestamp::EPOCH }
}

fn line(basket: &str, product: &str, quantity: i64, paid_cents: i64) -> LineRow {
    LineRow { basket_id: basket.into(), product_id: product.into(), quantity, paid_cents }
}

fn sample(lines: Vec<LineRow>) -> Sample {
    let products = vec![product("1", Some(259)), product("2", None), product("3", Some(0))];
    Sample { products, baskets: vec![basket("a"), basket("b")], lines }
}

#[test]
fn every_line_that_cannot_be_ordered_has_its_reason() {
    let plan = Plan::of(&sample(vec![
        line("a", "1", 2, 518),
        line("a", "1", 0, 100),
        line("a", "1", -1, 100),
        line("a", "1", 1, 0),
        line("a", "404", 1, 100),
        line("a", "2", 1, 100),
        line("a", "3", 10_000, 2_500),
        line("a", "1", 1_000, 100),
        line("a", "1", 1, 259),
        line("lost", "1", 1, 259),
    ]));
    let expected = [
        ("no-such-basket", 1),
        ("nothing-paid", 1),
        ("price-below-a-cent", 1),
        ("product-twice", 1),
        ("product-without-price", 1),
        ("quantity-not-positive", 2),
        ("quantity-too-large", 1),
        ("unknown-product", 1),
    ];
    assert_eq!(plan.lines_not_ordered, expected.map(|(word, n)| (word.to_owned(), n)).into());
    assert_eq!(plan.orders.len(), 1);
    assert_eq!(plan.orders[0].lines.len(), 1);
    assert_eq!(plan.baskets_empty, 1, "basket b");
}

#[test]
fn a_product_without_a_price_is_not_listed() {
    let plan = Plan::of(&sample(Vec::new()));
    assert_eq!(plan.products.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["1"]);
    let expected = [("price-below-a-cent", 1), ("product-without-price", 1)];
    assert_eq!(plan.products_not_listed, expected.map(|(word, n)| (word.to_owned(), n)).into());
}

#[test]
fn the_embedded_sample_adds_up() {
    let sample = Sample::embedded().unwrap();
    let plan = Plan::of(&sample);
    let ordered: u64 = plan.orders.iter().map(|order| order.lines.len() as u64).sum();
    assert_eq!(ordered + plan.lines_not_ordered.values().sum::<u64>(), plan.lines_total);
    assert_eq!(plan.orders.len() as u64 + plan.baskets_empty, sample.baskets.len() as u64);
    let listed = plan.products.len() as u64 + plan.products_not_listed.values().sum::<u64>();
    assert_eq!(listed, sample.products.len() as u64);
    assert!(plan.orders.len() > 1_800);
    assert!(plan.lines_not_ordered["quantity-not-positive"] > 0, "the sample is as dirty as its source");
    assert!(plan.orders.is_sorted_by_key(|order| order.placed_at));
}

#[test]
fn a_basket_always_becomes_the_same_order() {
    let orders = || Plan::of(&sample(vec![line("a", "1", 1, 259)])).orders;
    assert_eq!(orders()[0].order_id, orders()[0].order_id);
    assert_ne!(order_id("a"), order_id("b"));
}
