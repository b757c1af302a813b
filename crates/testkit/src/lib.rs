//! What tests are written with: given, when, then; a simulated disk; an event store in memory.
