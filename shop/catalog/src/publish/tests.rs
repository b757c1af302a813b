use serde_json::{Value, json};
use tradewind_events::{Event, EventType, Position, Revision, Timestamp};
use tradewind_service::DomainEvent;

use super::*;
use crate::events::{
    Description, Opinion, ProductDelisted, ProductListed, ProductPriceChanged, ReviewFoundHelpful, ReviewRevised,
    ReviewWritten,
};

fn published(stream: &str, event: &impl DomainEvent) -> Option<Contract> {
    let raw = Event {
        data: event.encode().unwrap().into(),
        ..Event::new(EventType::new(event.event_type()).unwrap(), Timestamp::EPOCH, &()).unwrap()
    };
    let recorded = Recorded::assemble(stream, &raw, Position(1), Revision(0), Timestamp::EPOCH);
    assert!(PublishCatalog.query().matches(&recorded));
    PublishCatalog.publish(&recorded).unwrap()
}

fn read(contract: &Contract) -> (String, Value) {
    (contract.event_type.to_string(), serde_json::from_slice(&contract.data).unwrap())
}

fn told(event: impl Into<ProductEvent>) -> (String, Value) {
    read(&published("product-1", &event.into()).unwrap())
}

#[test]
fn all_that_happens_to_a_product_is_told() {
    let description = Description { name: "Milk".into(), department: "Grocery".into(), ..Description::default() };
    assert_eq!(
        told(ProductListed { description, price_cents: 259 }),
        (
            "ProductListed".to_owned(),
            json!({"product_id": "1", "name": "Milk", "department": "Grocery", "price_cents": 259})
        )
    );
    assert_eq!(
        told(ProductPriceChanged { price_cents: 279 }),
        ("PriceChanged".to_owned(), json!({"product_id": "1", "price_cents": 279}))
    );
    assert_eq!(told(ProductDelisted {}), ("ProductDelisted".to_owned(), json!({"product_id": "1"})));
}

#[test]
fn what_a_customer_says_of_a_product_is_told_and_whom_it_has_helped_is_not() {
    let (product_id, customer_id) = ("1".to_owned(), "7".to_owned());
    let opinion = Opinion { stars: 4, title: "Good".into(), text: "Fresh.".into() };
    let written = ReviewWritten { product_id: product_id.clone(), customer_id: customer_id.clone(), opinion };
    let contract = published("review-r", &ReviewEvent::from(written)).unwrap();
    assert_eq!(contract.tags, [tag("product", "1")]);
    let said = json!({"review_id": "r", "product_id": "1", "customer_id": "7", "stars": 4, "title": "Good",
        "text": "Fresh."});
    assert_eq!(read(&contract), ("ReviewWritten".to_owned(), said));
    let opinion = Opinion { stars: 5, ..Opinion::default() };
    let revised = ReviewRevised { product_id: product_id.clone(), opinion, stars_before: 4 };
    let said = json!({"review_id": "r", "product_id": "1", "stars": 5, "title": "", "text": ""});
    let contract = published("review-r", &ReviewEvent::from(revised)).unwrap();
    assert_eq!(read(&contract), ("ReviewRevised".to_owned(), said));
    let helped = ReviewFoundHelpful { review_id: "r".into(), product_id, customer_id };
    assert!(published("review-r", &ReviewEvent::from(helped)).is_none());
}
