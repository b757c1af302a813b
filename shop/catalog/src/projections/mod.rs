//! The catalog's read models: one file for each, with what changes it and what can be asked of it. All but one are made
//! from the catalog's own events; who has received what is the catalog's own copy of what ordering tells.

mod delivered_products;
mod departments;
mod price_history;
mod product_ratings;
mod product_reviews;
mod product_search;

pub use delivered_products::{Delivered, DeliveredProducts};
pub use departments::{Department, Departments};
pub use price_history::{PriceHistory, PricePage, PriceView};
pub use product_ratings::{ProductRatings, Rating, StarCount};
pub use product_reviews::{ProductReviews, ReviewCursor, ReviewPage, ReviewSort, ReviewView, Wanted};
pub use product_search::{
    Facet, FacetCount, Facets, Filters, Found, Item, PriceBand, ProductSearch, RatingBand, Search, Sort,
};

#[cfg(test)]
mod tests;
