//! The stock of one product: what is there, and what of it is promised to whom.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tradewind_service::{Entity, Rejection};

use crate::events::StockEvent;

/// What is there of a product. What is set aside is still there; what has left is not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stock {
    /// Whether the product is kept here at all.
    pub is_open: bool,
    /// How many units are there.
    pub on_hand: u64,
    /// How many of them are set aside, by order. Orders that are done are in it no longer.
    pub set_aside: BTreeMap<String, u32>,
}

impl Stock {
    /// How many units can still be promised.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.on_hand.saturating_sub(self.set_aside.values().copied().map(u64::from).sum())
    }

    /// The rule that a product must be kept here.
    pub(crate) fn must_be_open(&self) -> Result<(), Rejection> {
        if self.is_open { Ok(()) } else { Err(Rejection::new(NO_SUCH_STOCK, "this product is not kept here")) }
    }

    /// The rule that only what is neither gone nor promised can be had.
    pub(crate) fn must_have(&self, quantity: u32) -> Result<(), Rejection> {
        let available = self.available();
        if u64::from(quantity) <= available {
            return Ok(());
        }
        Err(Rejection::new(TOO_FEW, format!("{quantity} are wanted, and {available} can be had")))
    }
}

/// The reason why nothing can be done with the stock of a product that nobody keeps.
pub const NO_SUCH_STOCK: &str = "no-such-stock";
/// The reason why more than can be had is not promised.
pub const TOO_FEW: &str = "too-few-goods";

impl Entity for Stock {
    const CATEGORY: &'static str = "stock";
    const STATE_VERSION: u16 = 1;
    type Event = StockEvent;

    fn evolve(&mut self, event: &StockEvent) {
        match event {
            StockEvent::StockOpened(opened) => {
                self.is_open = true;
                self.on_hand = opened.quantity.into();
            }
            StockEvent::GoodsReceived(received) => self.on_hand += u64::from(received.quantity),
            StockEvent::GoodsWrittenOff(gone) => self.on_hand = self.on_hand.saturating_sub(gone.quantity.into()),
            StockEvent::GoodsSetAside(kept) => {
                self.set_aside.insert(kept.order_id.clone(), kept.quantity);
            }
            StockEvent::GoodsPutBack(back) => {
                self.set_aside.remove(&back.order_id);
            }
            StockEvent::GoodsLeft(left) => {
                self.set_aside.remove(&left.order_id);
                self.on_hand = self.on_hand.saturating_sub(left.quantity.into());
            }
        }
    }
}
