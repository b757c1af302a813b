use std::collections::HashSet;

use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use crate::events::{OrderCreated, OrderEvent, OrderLine};
use crate::order::Order;

/// Order some products, at prices that are known already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Who orders.
    pub customer_id: String,
    /// What, at which prices.
    pub lines: Vec<OrderLine>,
    /// The ids of products that were asked for, too, but that nobody here knows.
    pub unknown_products: Vec<String>,
    /// What the customer was told that it costs, in US cents; none if nobody was told.
    pub expected_total_cents: Option<u64>,
}

impl PlaceOrder {
    /// The most lines of an order.
    pub const LINES_MAX: usize = 500;
    /// The most units of one product in an order.
    pub const QUANTITY_MAX: u32 = 999;
    /// The longest customer id, in bytes.
    pub const CUSTOMER_BYTES_MAX: usize = 100;

    /// The rule that an order has at most [`Self::LINES_MAX`] lines.
    pub(crate) fn too_many_lines() -> Rejection {
        Rejection::new("too-many-lines", format!("an order has at most {} lines", Self::LINES_MAX))
    }
}

impl Command for PlaceOrder {
    type Entity = Order;

    fn decide(&self, order: &Order, _at: Timestamp) -> Result<Vec<OrderEvent>, Rejection> {
        if self.customer_id.trim().is_empty() || self.customer_id.len() > Self::CUSTOMER_BYTES_MAX {
            return Err(Rejection::new("bad-customer", "an order needs a customer with an ordinary id"));
        }
        // Before all that depends on today's prices: whoever asks again must hear of the order that there is.
        if order.status.is_some() {
            return Err(Rejection::new("order-exists", "there is an order with this id already"));
        }
        if let [first, others @ ..] = self.unknown_products.as_slice() {
            let more = if others.is_empty() { String::new() } else { format!(" (and {} others)", others.len()) };
            return Err(Rejection::new("unknown-product", format!("product {first}{more} is not on sale here")));
        }
        if self.lines.is_empty() {
            return Err(Rejection::new("empty-order", "an order needs at least one line"));
        }
        if self.lines.len() > Self::LINES_MAX {
            return Err(Self::too_many_lines());
        }
        let mut seen = HashSet::new();
        for line in &self.lines {
            let id = &line.product_id;
            if !(1..=Self::QUANTITY_MAX).contains(&line.quantity) {
                let most = Self::QUANTITY_MAX;
                return Err(Rejection::new("bad-quantity", format!("product {id}: 1 to {most} units can be ordered")));
            }
            if !seen.insert(id) {
                return Err(Rejection::new("product-twice", format!("product {id} is in the order twice")));
            }
        }
        let total_cents = self.lines.iter().fold(0, |sum: u64, line| sum.saturating_add(line.total_cents()));
        if let Some(expected) = self.expected_total_cents.filter(|expected| *expected != total_cents) {
            let (now, before) = (dollars(total_cents), dollars(expected));
            return Err(Rejection::new("total-changed", format!("this costs {now} now, and not {before}")));
        }
        let created = OrderCreated { customer_id: self.customer_id.clone(), lines: self.lines.clone(), total_cents };
        Ok(vec![created.into()])
    }
}

fn dollars(cents: u64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
