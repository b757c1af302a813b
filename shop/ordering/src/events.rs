//! What can happen to an order.

use serde::{Deserialize, Serialize};
use tradewind_service::{events, tag};

events! {
    /// What can happen to an order: six stages when all goes well, and three ways in which it ends early.
    pub enum OrderEvent {
        OrderCreated { tags: |order| vec![tag("customer", &order.customer_id)] },
        OrderApproved,
        OrderPaid,
        OrderPrepared,
        OrderShipped,
        OrderDelivered,
        OrderRejected,
        OrderPaymentFailed,
        OrderCancelled,
    }
}

/// A customer has ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCreated {
    /// Whose order.
    pub customer_id: String,
    /// What was ordered.
    pub lines: Vec<OrderLine>,
    /// What all lines cost together, in US cents.
    pub total_cents: u64,
}

/// One product in an order. Name, department and price are those of the moment when it was ordered, and stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// Which product.
    pub product_id: String,
    /// What it is called.
    pub name: String,
    /// The department that sells it.
    pub department: String,
    /// How many units.
    pub quantity: u32,
    /// What one unit costs, in US cents.
    pub unit_price_cents: u64,
}

impl OrderLine {
    /// What the line costs, in US cents.
    #[must_use]
    pub fn total_cents(&self) -> u64 {
        total_cents(self.unit_price_cents, self.quantity)
    }
}

/// What so many units cost, in US cents.
pub(crate) fn total_cents(unit_price_cents: u64, quantity: u32) -> u64 {
    unit_price_cents.saturating_mul(quantity.into())
}

/// The shop accepts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderApproved {}

/// The payment has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaid {
    /// By what the payment provider knows the payment.
    pub reference: String,
}

/// The goods are packed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPrepared {}

/// The goods have left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShipped {}

/// The goods have arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDelivered {}

/// The shop does not accept it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRejected {
    /// Why, for people.
    pub reason: String,
}

/// It could not be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaymentFailed {
    /// Why, for people.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
}

/// The customer no longer wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Why, for people.
    pub reason: String,
}
