//! What is asked for.

use std::io::Write as _;

/// A GET, over and over; if it is numbered, of another path each time.
#[derive(Debug, Clone)]
pub(in crate::gateway) struct Ask {
    path: String,
    numbered: bool,
    headers: String,
}

impl Ask {
    /// Asks for a path.
    pub(in crate::gateway) fn get(path: impl Into<String>) -> Self {
        let headers = "Host: shop.example\r\nUser-Agent: tradewind-bench\r\nAccept: application/json\r\n".to_owned();
        Self { path: path.into(), numbered: false, headers }
    }

    /// With a number behind the path, which is another one each time.
    pub(in crate::gateway) fn numbered(mut self) -> Self {
        self.numbered = true;
        self
    }

    /// With one more header.
    pub(in crate::gateway) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Writes the request of this number.
    pub(super) fn write(&self, number: u64, into: &mut Vec<u8>) {
        into.extend_from_slice(b"GET ");
        into.extend_from_slice(self.path.as_bytes());
        if self.numbered {
            // Writing to memory does not fail.
            let _ = write!(into, "{number}");
        }
        into.extend_from_slice(b" HTTP/1.1\r\n");
        into.extend_from_slice(self.headers.as_bytes());
        into.extend_from_slice(b"\r\n");
    }
}
