use tradewind_testkit::scenario::{given, given_nothing};

use super::*;
use crate::events::{
    GoodsLeft, GoodsPutBack, GoodsReceived, GoodsSetAside, GoodsWrittenOff, ReservationEvent, ReservationFulfilled,
    ReservationMade, ReservationRefused, ReservationReleased, StockEvent, StockOpened, TooFew, Wanted,
};
use crate::reservation::Reservation;
use crate::stock::Stock;

fn opened(quantity: u32) -> StockEvent {
    StockOpened { quantity }.into()
}

fn kept(order: &str, quantity: u32) -> StockEvent {
    GoodsSetAside { order_id: order.into(), quantity }.into()
}

fn keep(order: &str, quantity: u32) -> SetAsideGoods {
    SetAsideGoods { order_id: order.into(), quantity }
}

fn receive(quantity: u32) -> ReceiveGoods {
    ReceiveGoods { quantity, note: "from the harbor".into() }
}

fn write_off(quantity: u32) -> WriteOffGoods {
    WriteOffGoods { quantity, reason: "broken".into() }
}

#[test]
fn a_product_is_kept_from_its_opening_on_and_is_opened_once() {
    given_nothing::<Stock>().when(OpenStock { quantity: 5 }).then([opened(5)]);
    given::<Stock>([opened(5)]).when(OpenStock { quantity: 9 }).then_nothing();
    given_nothing::<Stock>().when(keep("a", 1)).then_rejected("no-such-stock");
    given_nothing::<Stock>().when(receive(1)).then_rejected("no-such-stock");
    given_nothing::<Stock>().when(write_off(1)).then_rejected("no-such-stock");
}

#[test]
fn what_is_there_is_promised_once() {
    given::<Stock>([opened(5)]).when(keep("a", 5)).then([kept("a", 5)]);
    given::<Stock>([opened(5), kept("a", 3)]).when(keep("b", 3)).then_rejected("too-few-goods");
    given::<Stock>([opened(5), kept("a", 3)]).when(keep("b", 2)).then([kept("b", 2)]);
    // The same order again has it already.
    given::<Stock>([opened(5), kept("a", 3)]).when(keep("a", 3)).then_nothing();
}

#[test]
fn what_is_put_back_can_be_had_again_and_what_has_left_cannot() {
    let back: StockEvent = GoodsPutBack { order_id: "a".into(), quantity: 5 }.into();
    given::<Stock>([opened(5), kept("a", 5)]).when(PutBackGoods { order_id: "a".into() }).then([back.clone()]);
    given::<Stock>([opened(5), kept("a", 5), back.clone()]).when(keep("b", 5)).then([kept("b", 5)]);
    given::<Stock>([opened(5), kept("a", 5), back]).when(PutBackGoods { order_id: "a".into() }).then_nothing();
    let left: StockEvent = GoodsLeft { order_id: "a".into(), quantity: 4 }.into();
    given::<Stock>([opened(5), kept("a", 4)]).when(LetGoodsLeave { order_id: "a".into() }).then([left.clone()]);
    given::<Stock>([opened(5), kept("a", 4), left.clone()]).when(keep("b", 2)).then_rejected("too-few-goods");
    given::<Stock>([opened(5), kept("a", 4), left]).when(LetGoodsLeave { order_id: "a".into() }).then_nothing();
}

#[test]
fn goods_come_and_are_written_off_but_not_what_is_promised() {
    let came: StockEvent = GoodsReceived { quantity: 7, note: "from the harbor".into() }.into();
    given::<Stock>([opened(0)]).when(receive(7)).then([came.clone()]);
    given::<Stock>([opened(0), came]).when(keep("a", 7)).then([kept("a", 7)]);
    let gone: StockEvent = GoodsWrittenOff { quantity: 2, reason: "broken".into() }.into();
    given::<Stock>([opened(5), kept("a", 3)]).when(write_off(2)).then([gone.clone()]);
    given::<Stock>([opened(5), kept("a", 3)]).when(write_off(3)).then_rejected("too-few-goods");
    given::<Stock>([opened(5), gone]).when(keep("a", 4)).then_rejected("too-few-goods");
}

#[test]
fn what_people_write_down_has_its_bounds() {
    given::<Stock>([opened(0)]).when(receive(0)).then_rejected("bad-quantity");
    given::<Stock>([opened(0)]).when(receive(QUANTITY_MAX + 1)).then_rejected("bad-quantity");
    let long = ReceiveGoods { quantity: 1, note: "x".repeat(NOTE_CHARS_MAX + 1) };
    given::<Stock>([opened(0)]).when(long).then_rejected("note-too-long");
}

fn goods() -> Vec<Wanted> {
    vec![Wanted { product_id: "1".into(), name: "Milk".into(), quantity: 2 }]
}

fn made() -> ReservationEvent {
    ReservationMade { goods: goods() }.into()
}

#[test]
fn an_order_is_answered_once() {
    let make = || MakeReservation { goods: goods() };
    let short = vec![TooFew { wanted: goods().remove(0), available: 1 }];
    let refuse = || RefuseReservation { short: short.clone() };
    let refused: ReservationEvent = ReservationRefused { short: short.clone() }.into();
    given_nothing::<Reservation>().when(make()).then([made()]);
    given_nothing::<Reservation>().when(refuse()).then([refused.clone()]);
    given::<Reservation>([made()]).when(refuse()).then_rejected("order-answered");
    given::<Reservation>([refused]).when(make()).then_rejected("order-answered");
}

#[test]
fn what_is_set_aside_ends_once() {
    let released: ReservationEvent = ReservationReleased {}.into();
    let fulfilled: ReservationEvent = ReservationFulfilled {}.into();
    given::<Reservation>([made()]).when(ReleaseReservation).then([released.clone()]);
    given::<Reservation>([made()]).when(FulfilReservation).then([fulfilled.clone()]);
    given::<Reservation>([made(), released]).when(FulfilReservation).then_nothing();
    given::<Reservation>([made(), fulfilled]).when(ReleaseReservation).then_nothing();
    given_nothing::<Reservation>().when(ReleaseReservation).then_nothing();
}
