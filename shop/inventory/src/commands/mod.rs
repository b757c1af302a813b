//! What can be asked of inventory: one file for each command. People receive goods and write them off; the rest is what
//! follows from orders.

mod answer_order;
mod end_reservation;
mod keep_goods;
mod open_stock;
mod receive_goods;
mod write_off_goods;

pub(crate) use answer_order::ANSWERED;
pub use answer_order::{MakeReservation, RefuseReservation};
pub use end_reservation::{FulfilReservation, ReleaseReservation};
pub use keep_goods::{LetGoodsLeave, PutBackGoods, SetAsideGoods};
pub use open_stock::OpenStock;
pub use receive_goods::ReceiveGoods;
pub use write_off_goods::WriteOffGoods;

use tradewind_service::Rejection;

/// The most units that come or go at once.
pub const QUANTITY_MAX: u32 = 1_000_000;
/// The longest note, in characters.
pub const NOTE_CHARS_MAX: usize = 500;

/// The rules for what people write down.
fn check(quantity: u32, note: &str) -> Result<(), Rejection> {
    if !(1..=QUANTITY_MAX).contains(&quantity) {
        return Err(Rejection::new("bad-quantity", format!("1 to {QUANTITY_MAX} units can come or go at once")));
    }
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(Rejection::new("note-too-long", format!("a note has at most {NOTE_CHARS_MAX} characters")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
