//! What happens to the stock of one product on behalf of an order.

use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{GoodsLeft, GoodsPutBack, GoodsSetAside, StockEvent};
use crate::stock::Stock;

/// Keep goods for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAsideGoods {
    /// For which.
    pub order_id: String,
    /// How many units.
    pub quantity: u32,
}

impl Command for SetAsideGoods {
    type Entity = Stock;

    fn decide(&self, stock: &Stock, _at: Timestamp) -> Result<Vec<StockEvent>, Rejection> {
        stock.must_be_open()?;
        if stock.set_aside.contains_key(&self.order_id) {
            return Ok(Vec::new());
        }
        stock.must_have(self.quantity)?;
        Ok(vec![GoodsSetAside { order_id: self.order_id.clone(), quantity: self.quantity }.into()])
    }
}

/// Keep goods for an order no longer. If none are, nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBackGoods {
    /// For which order they are kept.
    pub order_id: String,
}

impl Command for PutBackGoods {
    type Entity = Stock;

    fn decide(&self, stock: &Stock, _at: Timestamp) -> Result<Vec<StockEvent>, Rejection> {
        let order_id = self.order_id.clone();
        let back = |&quantity: &u32| GoodsPutBack { order_id, quantity }.into();
        Ok(stock.set_aside.get(&self.order_id).map(back).into_iter().collect())
    }
}

/// Let the goods leave that are kept for an order. If none are, nothing changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetGoodsLeave {
    /// For which order they are kept.
    pub order_id: String,
}

impl Command for LetGoodsLeave {
    type Entity = Stock;

    fn decide(&self, stock: &Stock, _at: Timestamp) -> Result<Vec<StockEvent>, Rejection> {
        let order_id = self.order_id.clone();
        let left = |&quantity: &u32| GoodsLeft { order_id, quantity }.into();
        Ok(stock.set_aside.get(&self.order_id).map(left).into_iter().collect())
    }
}
