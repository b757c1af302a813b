//! The answer to an order that wants goods. It is given once.

use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{ReservationEvent, ReservationMade, ReservationRefused, TooFew, Wanted};
use crate::reservation::Reservation;

/// Say that all goods of an order are set aside. It is given together with [`SetAsideGoods`](super::SetAsideGoods) for
/// each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeReservation {
    /// Which goods.
    pub goods: Vec<Wanted>,
}

impl Command for MakeReservation {
    type Entity = Reservation;

    fn decide(&self, reservation: &Reservation, _at: Timestamp) -> Result<Vec<ReservationEvent>, Rejection> {
        must_be_unanswered(reservation)?;
        Ok(vec![ReservationMade { goods: self.goods.clone() }.into()])
    }
}

/// Say that not all goods of an order are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefuseReservation {
    /// What is missing.
    pub short: Vec<TooFew>,
}

impl Command for RefuseReservation {
    type Entity = Reservation;

    fn decide(&self, reservation: &Reservation, _at: Timestamp) -> Result<Vec<ReservationEvent>, Rejection> {
        must_be_unanswered(reservation)?;
        Ok(vec![ReservationRefused { short: self.short.clone() }.into()])
    }
}

/// The reason why an order is not answered twice.
pub(crate) const ANSWERED: &str = "order-answered";

fn must_be_unanswered(reservation: &Reservation) -> Result<(), Rejection> {
    match reservation.status {
        None => Ok(()),
        Some(_) => Err(Rejection::new(ANSWERED, "this order has had its answer")),
    }
}
