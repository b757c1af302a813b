//! What the contexts of the shop tell each other.
