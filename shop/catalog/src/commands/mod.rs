//! What can be asked of the catalog: one file for each command.

mod change_price;
mod delist_product;
mod list_product;

pub use change_price::ChangePrice;
pub use delist_product::DelistProduct;
pub use list_product::ListProduct;

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

#[cfg(test)]
mod tests;
