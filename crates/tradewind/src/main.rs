//! The Tradewind program.
fn main() {}
