//! The end of what is set aside for an order. What has ended stays so: asking for it again changes nothing.

use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{ReservationEvent, ReservationFulfilled, ReservationReleased};
use crate::reservation::{Reservation, Status};

/// The order was called off. It is given together with [`PutBackGoods`](super::PutBackGoods) for all that is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseReservation;

impl Command for ReleaseReservation {
    type Entity = Reservation;

    fn decide(&self, reservation: &Reservation, _at: Timestamp) -> Result<Vec<ReservationEvent>, Rejection> {
        Ok(if is_made(reservation) { vec![ReservationReleased {}.into()] } else { Vec::new() })
    }
}

/// The goods have left. It is given together with [`LetGoodsLeave`](super::LetGoodsLeave) for all that is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FulfilReservation;

impl Command for FulfilReservation {
    type Entity = Reservation;

    fn decide(&self, reservation: &Reservation, _at: Timestamp) -> Result<Vec<ReservationEvent>, Rejection> {
        Ok(if is_made(reservation) { vec![ReservationFulfilled {}.into()] } else { Vec::new() })
    }
}

fn is_made(reservation: &Reservation) -> bool {
    reservation.status == Some(Status::Made)
}
