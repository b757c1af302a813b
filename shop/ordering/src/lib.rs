//! The context that takes orders and sees them delivered.
