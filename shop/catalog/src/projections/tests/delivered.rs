use shop_contracts::Contract;
use shop_contracts::ordering::{CalledOffBecause, Line, OrderCalledOff, OrderDelivered, OrderPlaced};

use super::*;

impl Model<DeliveredProducts> {
    fn told<C: Contract>(&mut self, order: &str, contract: &C) {
        self.apply_raw("order", order, C::TYPE, tradewind_service::json::to_vec(contract).unwrap());
    }

    fn placed(&mut self, order: &str, customer: &str, products: &[&str]) {
        let line = |product: &&str| Line {
            product_id: (*product).to_owned(),
            name: String::new(),
            quantity: 1,
            unit_price_cents: 1,
        };
        let (order_id, customer_id) = (order.to_owned(), customer.to_owned());
        let lines = products.iter().map(line).collect();
        self.told(order, &OrderPlaced { order_id, customer_id, lines, total_cents: 1 });
    }

    fn delivered(&mut self, order: &str) {
        self.told(order, &OrderDelivered { order_id: order.to_owned() });
    }

    fn get(&self, customer: &str, product: &str) -> Option<Delivered> {
        DeliveredProducts::get(&self.read(), customer, product).unwrap()
    }
}

#[test]
fn what_was_ordered_is_received_when_it_is_delivered_and_not_before() {
    let mut model = Model::new(DeliveredProducts);
    model.placed("a", "7", &["1", "2"]);
    assert_eq!(model.get("7", "1"), None);
    model.delivered("a");
    let delivered = Some(Delivered { order_id: "a".into(), delivered_at: second(2) });
    assert_eq!((model.get("7", "1"), model.get("7", "2")), (delivered.clone(), delivered));
    assert_eq!((model.get("7", "3"), model.get("8", "1")), (None, None));
}

#[test]
fn the_first_delivery_is_remembered() {
    let mut model = Model::new(DeliveredProducts);
    for order in ["a", "b"] {
        model.placed(order, "7", &["1"]);
        model.delivered(order);
    }
    assert_eq!(model.get("7", "1").unwrap().order_id, "a");
}

#[test]
fn what_is_called_off_is_never_received_and_nothing_of_it_is_kept() {
    let mut model = Model::new(DeliveredProducts);
    model.placed("a", "7", &["1"]);
    let (because, note) = (CalledOffBecause::Cancelled, String::new());
    model.told("a", &OrderCalledOff { order_id: "a".into(), because, note });
    model.delivered("a");
    assert_eq!(model.get("7", "1"), None);
    let kept: u64 = model.read().first("SELECT count(*) FROM underway", [], |row| row.get(0)).unwrap().unwrap();
    assert_eq!(kept, 0);
}
