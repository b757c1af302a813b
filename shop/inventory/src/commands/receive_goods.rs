use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use super::check;
use crate::events::{GoodsReceived, StockEvent};
use crate::stock::Stock;

/// Take goods in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiveGoods {
    /// How many units.
    pub quantity: u32,
    /// From where, for people.
    pub note: String,
}

impl Command for ReceiveGoods {
    type Entity = Stock;

    fn decide(&self, stock: &Stock, _at: Timestamp) -> Result<Vec<StockEvent>, Rejection> {
        stock.must_be_open()?;
        check(self.quantity, &self.note)?;
        Ok(vec![GoodsReceived { quantity: self.quantity, note: self.note.clone() }.into()])
    }
}
