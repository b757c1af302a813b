//! Proof that the embedded log keeps its word.
