//! The context that knows the products.
