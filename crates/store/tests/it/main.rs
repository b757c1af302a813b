//! The engines, the server and the client, as programs use them.

mod conformance;
mod given;
