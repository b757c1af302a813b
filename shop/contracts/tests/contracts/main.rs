//! The contracts as they travel: each must look as its golden file says, and be read back from it.
//!
//! A test here fails because a reader somewhere would: add an optional field or a new event instead. Only a
//! contract that nobody has read yet may change with its golden file.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fmt::Debug;
use std::path::PathBuf;

use shop_contracts::ordering::CalledOffBecause;
use shop_contracts::{Contract, catalog, customers, inventory, invoicing, ordering};

fn golden_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

#[track_caller]
fn travels_as_its_golden_file_says<C: Contract + Debug + PartialEq>(example: &C) {
    let path = golden_folder().join(format!("{}.json", C::TYPE));
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let written = serde_json::to_string_pretty(example).unwrap() + "\n";
    assert_eq!(written, golden, "{} would travel otherwise than its readers expect", C::TYPE);
    assert_eq!(&serde_json::from_str::<C>(&golden).unwrap(), example);

    let mut newer: serde_json::Value = serde_json::from_str(&golden).unwrap();
    newer["a_field_of_a_later_version"] = "x".into();
    assert_eq!(&serde_json::from_value::<C>(newer).unwrap(), example, "readers pass over fields that they don't know");
}

fn order() -> String {
    "0192f3a1-5b1c-7c3e-9d2a-0123456789ab".to_owned()
}

fn review() -> String {
    "0192f3a1-5b1c-7c3e-9d2a-ba9876543210".to_owned()
}

#[test]
fn what_the_catalog_tells_keeps_its_shape() {
    travels_as_its_golden_file_says(&catalog::ProductListed {
        product_id: "1029743".into(),
        name: "Fluid Milk White Only, 1 gal".into(),
        department: "Grocery".into(),
        price_cents: 259,
    });
    travels_as_its_golden_file_says(&catalog::PriceChanged { product_id: "1029743".into(), price_cents: 279 });
    travels_as_its_golden_file_says(&catalog::ProductDelisted { product_id: "1029743".into() });
    travels_as_its_golden_file_says(&catalog::ReviewWritten {
        review_id: review(),
        product_id: "1029743".into(),
        customer_id: "1467".into(),
        stars: 4,
        title: "As milk should be".into(),
        text: "Fresh, but the cap leaks.".into(),
    });
    travels_as_its_golden_file_says(&catalog::ReviewRevised {
        review_id: review(),
        product_id: "1029743".into(),
        stars: 5,
        title: "As milk should be".into(),
        text: "Fresh, and the new cap does not leak.".into(),
    });
}

#[test]
fn what_ordering_tells_keeps_its_shape() {
    travels_as_its_golden_file_says(&ordering::OrderPlaced {
        order_id: order(),
        customer_id: "1467".into(),
        lines: vec![ordering::Line {
            product_id: "1029743".into(),
            name: "Fluid Milk White Only, 1 gal".into(),
            quantity: 2,
            unit_price_cents: 259,
        }],
        total_cents: 518,
    });
    travels_as_its_golden_file_says(&ordering::OrderPaid { order_id: order() });
    travels_as_its_golden_file_says(&ordering::OrderShipped { order_id: order() });
    travels_as_its_golden_file_says(&ordering::OrderDelivered { order_id: order() });
    travels_as_its_golden_file_says(&ordering::OrderCalledOff {
        order_id: order(),
        because: CalledOffBecause::PaymentFailed,
        note: "the card was declined".into(),
    });
}

#[test]
fn what_customers_tells_keeps_its_shape() {
    let address = customers::Address {
        street: "118 Sycamore Street, Apt. 4".into(),
        city: "Fairhaven".into(),
        region: "OH".into(),
        postal_code: "45011".into(),
        country: "United States".into(),
    };
    travels_as_its_golden_file_says(&customers::CustomerRegistered {
        customer_id: "1467".into(),
        name: "Zoë Marchetti".into(),
        address: address.clone(),
    });
    travels_as_its_golden_file_says(&customers::CustomerMoved { customer_id: "1467".into(), address });
    travels_as_its_golden_file_says(&customers::CustomerRenamed {
        customer_id: "1467".into(),
        name: "Zoë Lindqvist".into(),
    });
}

#[test]
fn what_inventory_tells_keeps_its_shape() {
    travels_as_its_golden_file_says(&inventory::GoodsReserved { order_id: order() });
    travels_as_its_golden_file_says(&inventory::GoodsUnavailable {
        order_id: order(),
        short: vec![inventory::Short {
            product_id: "1029743".into(),
            name: "Fluid Milk White Only, 1 gal".into(),
            wanted: 2,
            available: 1,
        }],
    });
}

#[test]
fn what_invoicing_tells_keeps_its_shape() {
    travels_as_its_golden_file_says(&invoicing::InvoiceIssued {
        number: "INV-2017-000123".into(),
        dated: "2017-03-31".into(),
        order_id: order(),
        customer_id: "1467".into(),
        total_cents: 518,
    });
    travels_as_its_golden_file_says(&invoicing::CreditNoteIssued {
        number: "CN-2017-000007".into(),
        dated: "2017-04-01".into(),
        invoice: "INV-2017-000123".into(),
        order_id: order(),
        customer_id: "1467".into(),
        total_cents: 518,
    });
}

#[test]
fn every_contract_has_a_golden_file_and_every_golden_file_a_contract() {
    let mut files: Vec<String> = std::fs::read_dir(golden_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let publishers = [catalog::TYPES, customers::TYPES, inventory::TYPES, invoicing::TYPES, ordering::TYPES];
    let mut contracts: Vec<String> = publishers.concat().iter().map(|(name, _)| (*name).to_owned()).collect();
    files.sort();
    contracts.sort();
    assert_eq!(files, contracts);
}
