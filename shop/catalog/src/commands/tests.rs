mod reviews;

use tradewind_testkit::scenario::{given, given_nothing};

use super::*;
use crate::events::{Description, ProductDelisted, ProductEvent, ProductListed, ProductPriceChanged, ReviewEvent};

fn milk() -> Description {
    Description { name: "Fluid Milk White Only, 1 gal".into(), department: "Grocery".into(), ..Description::default() }
}

fn listed() -> ProductEvent {
    ProductListed { description: milk(), price_cents: 259 }.into()
}

fn list(price_cents: u64) -> ListProduct {
    ListProduct { description: milk(), price_cents }
}

#[test]
fn a_product_can_be_listed() {
    given_nothing::<Product>().when(list(259)).then([listed()]);
}

#[test]
fn a_product_is_listed_once() {
    given::<Product>([listed()]).when(list(259)).then_rejected("product-already-listed");
    given::<Product>([listed()]).when(list(300)).then_rejected("product-already-listed");
}

#[test]
fn a_product_taken_off_can_come_back() {
    given::<Product>([listed(), ProductDelisted {}.into()]).when(list(259)).then([listed()]);
}

#[test]
fn a_product_needs_a_name_and_a_department() {
    let nameless = Description { name: "  ".into(), ..milk() };
    given_nothing::<Product>()
        .when(ListProduct { description: nameless, price_cents: 1 })
        .then_rejected("product-without-name");
    let homeless = Description { department: String::new(), ..milk() };
    given_nothing::<Product>()
        .when(ListProduct { description: homeless, price_cents: 1 })
        .then_rejected("product-without-name");
}

#[test]
fn a_text_has_a_length() {
    let endless = Description { size: "x".repeat(201), ..milk() };
    given_nothing::<Product>()
        .when(ListProduct { description: endless, price_cents: 1 })
        .then_rejected("product-text-too-long");
}

#[test]
fn nothing_is_free_and_nothing_costs_millions() {
    given_nothing::<Product>().when(list(0)).then_rejected("price-out-of-range");
    given_nothing::<Product>().when(list(Product::PRICE_CENTS_MAX + 1)).then_rejected("price-out-of-range");
    given::<Product>([listed()]).when(ChangePrice { price_cents: 0 }).then_rejected("price-out-of-range");
}

#[test]
fn the_price_of_what_is_on_sale_can_change() {
    given::<Product>([listed()])
        .when(ChangePrice { price_cents: 279 })
        .then([ProductPriceChanged { price_cents: 279 }.into()]);
}

#[test]
fn the_same_price_again_changes_nothing() {
    given::<Product>([listed()]).when(ChangePrice { price_cents: 259 }).then_nothing();
    given::<Product>([listed(), ProductPriceChanged { price_cents: 279 }.into()])
        .when(ChangePrice { price_cents: 279 })
        .then_nothing();
}

#[test]
fn what_is_not_on_sale_has_no_price() {
    given_nothing::<Product>().when(ChangePrice { price_cents: 279 }).then_rejected("product-not-listed");
    given::<Product>([listed(), ProductDelisted {}.into()])
        .when(ChangePrice { price_cents: 279 })
        .then_rejected("product-not-listed");
}

#[test]
fn a_product_can_be_taken_off_once() {
    given::<Product>([listed()]).when(DelistProduct).then([ProductDelisted {}.into()]);
    given::<Product>([listed(), ProductDelisted {}.into()]).when(DelistProduct).then_nothing();
    given_nothing::<Product>().when(DelistProduct).then_rejected("product-not-listed");
}
