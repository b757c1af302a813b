//! The broker's ports, the relay and the brokered source, over real servers.

mod conformance;
mod ends;
mod faulty;
mod given;
