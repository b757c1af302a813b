use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use super::check;
use crate::events::{GoodsWrittenOff, StockEvent};
use crate::stock::Stock;

/// Say that goods are there no longer. What is set aside for an order is promised, and cannot be written off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteOffGoods {
    /// How many units.
    pub quantity: u32,
    /// Why, for people.
    pub reason: String,
}

impl Command for WriteOffGoods {
    type Entity = Stock;

    fn decide(&self, stock: &Stock, _at: Timestamp) -> Result<Vec<StockEvent>, Rejection> {
        stock.must_be_open()?;
        check(self.quantity, &self.reason)?;
        stock.must_have(self.quantity)?;
        Ok(vec![GoodsWrittenOff { quantity: self.quantity, reason: self.reason.clone() }.into()])
    }
}
