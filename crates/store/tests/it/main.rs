//! The engines, the server and the client, as programs use them.

mod client;
mod conformance;
mod feed;
mod folder;
mod given;
mod proxy;
mod server;
mod tool;
