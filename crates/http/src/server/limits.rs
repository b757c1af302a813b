//! What a server puts up with.

use std::time::Duration;

/// The limits of a server. Bodies have none here: a stream may live for days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; further ones wait in the listen queue.
    pub connections_max: usize,
    /// Connections at once from one address, of IPv6 from all whose first 64 bits are the same; further ones are closed.
    /// `usize::MAX` for any number: behind a gateway all of them come from there.
    pub connections_per_address_max: usize,
    /// How long an HTTP/2 connection may stay on which nothing is under way.
    pub idle_max: Duration,
    /// How long a client may take to send a request's head. A connection that brings no request within it is closed,
    /// and one of HTTP/1.1 that brings no other one.
    pub head_within: Duration,
    /// Bytes of a request's head. Bodies are read in pieces of at most as much.
    pub head_bytes_max: usize,
    /// Headers of a request.
    pub headers_max: usize,
    /// Requests at once on one HTTP/2 connection.
    pub streams_max: u32,
    /// How long a client may take nothing of what it has been sent, before its connection is dropped: a live stream
    /// that nobody reads must not stay for ever. On Linux; elsewhere the system decides. Of an HTTP/2 client that takes
    /// nothing of one answer, that stream is reset, everywhere.
    pub stalled_max: Duration,
    /// How long the rest of a request is read and thrown away that has been answered before it was whole, as one that is
    /// too large, before its connection is closed: until then its client can read the answer.
    pub unread_within: Duration,
    /// Bytes of it, at most.
    pub unread_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            connections_per_address_max: usize::MAX,
            idle_max: Duration::from_secs(300),
            head_within: Duration::from_secs(30),
            head_bytes_max: 64 << 10,
            headers_max: 100,
            streams_max: 250,
            stalled_max: Duration::from_secs(120),
            unread_within: Duration::from_secs(10),
            unread_bytes_max: 64 << 20,
        }
    }
}
