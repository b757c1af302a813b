use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{StockEvent, StockOpened};
use crate::stock::Stock;

/// Keep a product from now on. One that is kept already stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStock {
    /// How many units are there of it.
    pub quantity: u32,
}

impl Command for OpenStock {
    type Entity = Stock;

    fn decide(&self, stock: &Stock, _at: Timestamp) -> Result<Vec<StockEvent>, Rejection> {
        if stock.is_open {
            return Ok(Vec::new());
        }
        Ok(vec![StockOpened { quantity: self.quantity }.into()])
    }
}
