//! One connection to whoever is measured.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// As many headers as anybody answers with.
const HEADERS_MAX: usize = 48;
/// An answer and more.
const ROOM_BYTES: usize = 16 << 10;

/// A connection, with the answer to the last request on it.
#[derive(Debug)]
pub(in crate::gateway) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
    body_at: usize,
}

/// What is looked at of an answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) struct Head {
    pub(in crate::gateway) status: u16,
    /// `Age`, in seconds; 0 if it says nothing.
    pub(in crate::gateway) age_s: u64,
    /// Whether another request may follow.
    pub(super) lasts: bool,
    head_bytes: usize,
    body_bytes: usize,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(ROOM_BYTES), body_at: 0 })
    }

    /// Sends a request, and reads its answer to the end.
    pub(super) async fn ask(&mut self, request: &[u8]) -> io::Result<Head> {
        self.read.clear();
        self.stream.write_all(request).await?;
        let mut head = None;
        loop {
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head.is_none() {
                head = Head::parse(&self.read)?;
            }
            if let Some(head) = head.filter(|head| self.read.len() >= head.head_bytes + head.body_bytes) {
                self.body_at = head.head_bytes;
                return Ok(head);
            }
        }
    }

    /// The last answer's body.
    pub(super) fn body(&self) -> &[u8] {
        self.read.get(self.body_at..).unwrap_or_default()
    }

    /// The last answer, for people.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.read).chars().take(2_000).collect()
    }
}

impl Head {
    /// Nothing as long as it is not complete.
    fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(bytes).map_err(|error| refused(&error.to_string()))?;
        let httparse::Status::Complete(head_bytes) = parsed else { return Ok(None) };
        let mut head = Self {
            status: response.code.unwrap_or_default(),
            age_s: 0,
            lasts: response.version == Some(1),
            head_bytes,
            body_bytes: usize::MAX,
        };
        for header in &*response.headers {
            let is = |name| header.name.eq_ignore_ascii_case(name);
            let number = || str::from_utf8(header.value).ok()?.trim().parse::<u64>().ok();
            // By its length first, which none of the others has but few.
            match header.name.len() {
                14 if is("content-length") => {
                    head.body_bytes = number().and_then(|bytes| bytes.try_into().ok()).unwrap_or(usize::MAX);
                }
                3 if is("age") => head.age_s = number().unwrap_or(0),
                10 if is("connection") => head.lasts &= !header.value.eq_ignore_ascii_case(b"close"),
                _ => {}
            }
        }
        if head.body_bytes > ROOM_BYTES {
            return Err(refused("an answer that does not say how long it is, or is longer than any should be"));
        }
        Ok(Some(head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nAGE: 7\r\nConnection: Close\r\n\r\n";
        assert_eq!(Head::parse(&text[..text.len() - 1]).unwrap(), None);
        let expected = Head { status: 200, age_s: 7, lasts: false, head_bytes: text.len(), body_bytes: 12 };
        assert_eq!(Head::parse(text).unwrap(), Some(expected));
    }

    #[test]
    fn an_answer_of_unknown_length_is_refused() {
        for text in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "garbage\r\n\r\n"] {
            assert!(Head::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
