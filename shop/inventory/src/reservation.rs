//! The goods of one order, from the moment at which they are wanted.

use serde::{Deserialize, Serialize};
use tradewind_service::Entity;

use crate::events::{ReservationEvent, Wanted};

/// What is set aside for an order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reservation {
    /// How far it has come; none if nobody has asked for it.
    pub status: Option<Status>,
    /// What was wanted and is, or was, set aside.
    pub goods: Vec<Wanted>,
}

/// How far the goods of an order have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// They are set aside.
    Made,
    /// They are not all there.
    Refused,
    /// They were put back.
    Released,
    /// They have left.
    Fulfilled,
}

impl Entity for Reservation {
    const CATEGORY: &'static str = "reservation";
    const STATE_VERSION: u16 = 1;
    type Event = ReservationEvent;

    fn evolve(&mut self, event: &ReservationEvent) {
        self.status = Some(match event {
            ReservationEvent::ReservationMade(made) => {
                self.goods.clone_from(&made.goods);
                Status::Made
            }
            ReservationEvent::ReservationRefused(_) => Status::Refused,
            ReservationEvent::ReservationReleased(_) => Status::Released,
            ReservationEvent::ReservationFulfilled(_) => Status::Fulfilled,
        });
    }
}
