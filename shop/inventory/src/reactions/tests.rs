mod system;

use crate::reservation::Status;
use system::{System, eventually};

#[tokio::test]
async fn an_order_has_all_of_its_goods_or_none() {
    let system = System::start(5).await;
    system.lists("1").await;
    system.lists("2").await;
    system.places("a", &[("1", 2), ("2", 5)]).await;
    assert_eq!(system.answer("a").await, Status::Made);
    // There is enough of the first, and nothing of the second.
    system.places("b", &[("1", 3), ("2", 1)]).await;
    assert_eq!(system.answer("b").await, Status::Refused);
    assert_eq!((system.available("1").await, system.available("2").await), (3, 0));
    assert_eq!(system.told(), ["GoodsReserved a", "GoodsUnavailable b: 1 of 2, 0 there"]);
}

#[tokio::test]
async fn goods_that_are_called_off_can_be_had_and_goods_that_left_cannot() {
    let system = System::start(5).await;
    system.lists("1").await;
    system.places("a", &[("1", 5)]).await;
    system.answer("a").await;
    system.calls_off("a").await;
    eventually("the goods are back", async || system.available("1").await == 5).await;
    system.places("b", &[("1", 5)]).await;
    assert_eq!(system.answer("b").await, Status::Made);
    system.ships("b").await;
    eventually("the goods have left", async || system.on_hand("1").await == 0).await;
    // Called off by mistake, after it has left: nothing comes back.
    system.calls_off("b").await;
    system.places("c", &[("1", 1)]).await;
    assert_eq!(system.answer("c").await, Status::Refused);
}

#[tokio::test]
async fn the_last_unit_is_promised_once_however_many_want_it_at_once() {
    let system = System::start(7).await;
    for product in ["1", "2", "3"] {
        system.lists(product).await;
    }
    // Each wants two of the three, in every order.
    let wants: Vec<_> = [["1", "2"], ["2", "3"], ["3", "1"]].into_iter().cycle().take(60).enumerate().collect();
    for (number, [one, other]) in &wants {
        system.places(&number.to_string(), &[(one, 1), (other, 1)]).await;
    }
    let mut made = 0;
    for (number, _) in &wants {
        made += u64::from(system.answer(&number.to_string()).await == Status::Made);
    }
    let mut promised = 0;
    for product in ["1", "2", "3"] {
        promised += 7 - system.available(product).await;
    }
    assert_eq!(promised, made * 2, "an order has all of its goods or none");
    assert!((9..=10).contains(&made), "{made} orders were promised two of 21 units each, and 7 of each kind");
}

#[tokio::test]
async fn an_order_waits_for_the_word_of_its_product_and_holds_nobody_up() {
    let system = System::start(5).await;
    system.lists("1").await;
    system.places("early", &[("2", 1)]).await;
    system.places("a", &[("1", 1)]).await;
    assert_eq!(system.answer("a").await, Status::Made);
    assert_eq!(system.reservation("early").await, None);
    system.lists("2").await;
    assert_eq!(system.answer("early").await, Status::Made);
}

#[tokio::test]
async fn orders_of_the_past_had_their_goods_there() {
    let system = System::start(5).await;
    system.lists("1").await;
    system.placed_in_the_past("then", &[("1", 5)]).await;
    system.places("now", &[("1", 5)]).await;
    assert_eq!(system.answer("now").await, Status::Made);
    assert_eq!(system.reservation("then").await, None);
}

#[tokio::test]
async fn what_is_met_again_after_a_crash_is_done_once() {
    let mut system = System::start(5).await;
    system.lists("1").await;
    // One after the other: orders are handled side by side.
    system.places("a", &[("1", 5)]).await;
    assert_eq!(system.answer("a").await, Status::Made);
    system.places("b", &[("1", 1)]).await;
    assert_eq!(system.answer("b").await, Status::Refused);
    system.calls_off("a").await;
    eventually("the goods are back", async || system.available("1").await == 5).await;
    let before = system.recorded().await;
    // It forgets how far it had come, and meets all of it again. By now there would be goods for the order that had none.
    system.crash_and_forget().await;
    system.places("c", &[("1", 5)]).await;
    assert_eq!(system.answer("c").await, Status::Made);
    assert_eq!(system.answer("b").await, Status::Refused);
    assert_eq!(system.recorded().await - before, 2, "only what is new: the order's answer and its goods");
}
