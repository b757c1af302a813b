//! What can happen to the stock of a product, and to what is set aside for an order.

use serde::{Deserialize, Serialize};
use tradewind_service::events;

events! {
    /// What can happen to the stock of one product. Its id is the product's.
    pub enum StockEvent {
        StockOpened,
        GoodsReceived,
        GoodsWrittenOff,
        GoodsSetAside,
        GoodsPutBack,
        GoodsLeft,
    }
}

events! {
    /// What can happen to the goods of one order. Their id is the order's.
    pub enum ReservationEvent {
        ReservationMade,
        ReservationRefused,
        ReservationReleased,
        ReservationFulfilled,
    }
}

/// The product is kept from now on, and this is what is there of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockOpened {
    /// How many units.
    pub quantity: u32,
}

/// Goods have come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsReceived {
    /// How many units.
    pub quantity: u32,
    /// From where, for people.
    pub note: String,
}

/// Goods are there no longer, though nobody bought them: broken, gone, or miscounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsWrittenOff {
    /// How many units.
    pub quantity: u32,
    /// Why, for people.
    pub reason: String,
}

/// Goods are kept for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsSetAside {
    /// For which.
    pub order_id: String,
    /// How many units.
    pub quantity: u32,
}

/// Goods are no longer kept for an order, and can be had by others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsPutBack {
    /// For which they were kept.
    pub order_id: String,
    /// How many units.
    pub quantity: u32,
}

/// Goods that were kept for an order have left with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsLeft {
    /// With which.
    pub order_id: String,
    /// How many units.
    pub quantity: u32,
}

/// So many units of a product are part of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Which product.
    pub product_id: String,
    /// What it is called in the order.
    pub name: String,
    /// How many units.
    pub quantity: u32,
}

/// A product of which there is less than an order wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TooFew {
    /// What was wanted.
    #[serde(flatten)]
    pub wanted: Wanted,
    /// How many units were to be had.
    pub available: u64,
}

/// All goods of the order are set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationMade {
    /// Which.
    pub goods: Vec<Wanted>,
}

/// Nothing is set aside for the order, since not all of it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationRefused {
    /// What is missing.
    pub short: Vec<TooFew>,
}

/// The order was called off, and its goods were put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationReleased {}

/// The order's goods have left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationFulfilled {}
