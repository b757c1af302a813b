//! The page that people see.
