//! What can be asked of the catalog: one file for each command.

mod change_price;
mod delist_product;
mod find_helpful;
mod list_product;
mod revise_review;
mod write_review;

pub use change_price::ChangePrice;
pub use delist_product::DelistProduct;
pub use find_helpful::FindHelpful;
pub use list_product::ListProduct;
pub use revise_review::ReviseReview;
pub use write_review::WriteReview;

use tradewind_events::EventType;
use tradewind_service::Rejection;

use crate::product::Product;

/// What a price must be, wherever one is set.
fn check_price(price_cents: u64) -> Result<(), Rejection> {
    if (1..=Product::PRICE_CENTS_MAX).contains(&price_cents) {
        Ok(())
    } else {
        Err(Rejection::new(
            "price-out-of-range",
            format!("a price must be from 1 to {} cents", Product::PRICE_CENTS_MAX),
        ))
    }
}

fn not_listed() -> Rejection {
    Rejection::new("product-not-listed", "there is no such product on sale")
}

/// Event types by their names; none of a name that cannot be one, which none of ours is.
fn types<const N: usize>(names: [&str; N]) -> Vec<EventType> {
    names.into_iter().filter_map(|name| EventType::new(name).ok()).collect()
}

#[cfg(test)]
mod tests;
