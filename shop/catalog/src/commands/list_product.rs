use tradewind_events::Timestamp;
use tradewind_service::{Command, Rejection};

use super::check_price;
use crate::events::{Description, ProductEvent, ProductListed};
use crate::product::{Listing, Product};

/// Put a product on sale, once. A product that was taken off can come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListProduct {
    /// What it is.
    pub description: Description,
    /// What one unit costs, in US cents.
    pub price_cents: u64,
}

impl ListProduct {
    /// The longest name, department and so on, in characters.
    const TEXT_CHARS_MAX: usize = 200;
}

impl Command for ListProduct {
    type Entity = Product;

    fn decide(&self, product: &Product, _at: Timestamp) -> Result<Vec<ProductEvent>, Rejection> {
        let Description { name, department, brand, category, kind, size } = &self.description;
        if name.trim().is_empty() || department.trim().is_empty() {
            return Err(Rejection::new("product-without-name", "a product needs a name and a department"));
        }
        if [name, department, brand, category, kind, size].iter().any(|t| t.chars().count() > Self::TEXT_CHARS_MAX) {
            let most = Self::TEXT_CHARS_MAX;
            return Err(Rejection::new(
                "product-text-too-long",
                format!("{most} characters are the most for each text"),
            ));
        }
        check_price(self.price_cents)?;
        if product.listing == Listing::Listed {
            return Err(Rejection::new("product-already-listed", "the product is on sale already"));
        }
        Ok(vec![ProductListed { description: self.description.clone(), price_cents: self.price_cents }.into()])
    }
}
