//! The gateway with real sockets.
