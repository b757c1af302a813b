//! HTTP/2 by hand, frame by frame, as no client should speak it (RFC 9113 §4, §6; RFC 7541 §6.2.2).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::Peer;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

/// On `SETTINGS` and `PING`, that they are answers; on others, that the stream ends.
pub(crate) const END_STREAM: u8 = 1;
const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A setting: how much of a stream's answer may be sent before there is more room.
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

pub(crate) const PROTOCOL_ERROR: u32 = 1;
pub(crate) const FLOW_CONTROL_ERROR: u32 = 3;
pub(crate) const STREAM_CLOSED: u32 = 5;
pub(crate) const FRAME_SIZE_ERROR: u32 = 6;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const COMPRESSION_ERROR: u32 = 9;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;

/// How long something is waited for that has to come.
const WITHIN: Duration = Duration::from_secs(10);

pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// How a stream has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With an answer: its status, if it is one of the usual ones, and the bytes of its body.
    Answered(u16, usize),
    /// By itself, for this reason.
    Reset(u32),
    /// With its connection, for this reason; none, if the gateway has said nothing.
    Connection(Option<u32>),
}

/// A client's side of a connection.
pub(crate) struct Client(Peer);

impl Client {
    /// Connects, and says how it wants to be spoken to.
    pub(crate) async fn connect(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut client = Self(Peer::connect(address).await);
        client.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        let settings =
            settings.iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat());
        client.send(SETTINGS, 0, 0, &settings.collect::<Vec<u8>>()).await;
        client
    }

    /// Bytes; whoever has been cut off says them to nobody.
    pub(crate) async fn say(&mut self, bytes: &[u8]) -> bool {
        timeout(WITHIN, self.0.0.write_all(bytes)).await.expect("nobody reads").is_ok()
    }

    pub(crate) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> bool {
        self.say(&frame(kind, flags, stream, payload)).await
    }

    /// A whole head.
    pub(crate) async fn head(&mut self, stream: u32, flags: u8, fields: &[(&str, &str)]) {
        self.send(HEADERS, flags | END_HEADERS, stream, &block(fields)).await;
    }

    /// A whole request without a body.
    pub(crate) async fn get(&mut self, stream: u32, path: &str) {
        self.head(stream, END_STREAM, &request("GET", path, &[])).await;
    }

    /// Room for so many more bytes, of a stream or, for 0, of the connection.
    pub(crate) async fn give_room(&mut self, stream: u32, bytes: u32) -> bool {
        self.send(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes()).await
    }

    /// The next frame; what it asks to be confirmed is.
    pub(crate) async fn hear(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        timeout(WITHIN, self.0.0.read_exact(&mut head)).await.expect("nothing came").ok()?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        timeout(WITHIN, self.0.0.read_exact(&mut payload)).await.expect("nothing came").ok()?;
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & (u32::MAX >> 1);
        if matches!(kind, SETTINGS | PING) && flags & ACK == 0 {
            let confirmed: &[u8] = if kind == PING { &payload } else { &[] };
            self.send(kind, ACK, 0, confirmed).await;
        }
        Some(Frame { kind, flags, stream, payload })
    }

    /// How a stream ends.
    pub(crate) async fn end_of(&mut self, stream: u32) -> End {
        let (mut status, mut bytes) = (0, 0);
        while let Some(frame) = self.hear().await {
            let code =
                |at: usize| frame.payload.get(at..at + 4).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
            match frame.kind {
                // That the gateway would like to end it is no reason.
                GOAWAY if code(4) != Some(0) => return End::Connection(code(4)),
                RST_STREAM if frame.stream == stream => return End::Reset(code(0).unwrap()),
                HEADERS if frame.stream == stream && status == 0 => status = status_of(&frame.payload),
                DATA if frame.stream == stream => bytes += frame.payload.len(),
                _ => {}
            }
            let ends = matches!(frame.kind, HEADERS | DATA) && frame.stream == stream && frame.flags & END_STREAM != 0;
            if ends {
                return End::Answered(status, bytes);
            }
        }
        End::Connection(None)
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A request's fields, these behind what each must have.
pub(crate) fn request<'a>(method: &'a str, path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let all = [(":method", method), (":scheme", "http"), (":authority", "shop.example"), (":path", path)];
    [&all[..], more].concat()
}

/// Fields as they are said, none of which is to be remembered.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            // Longer texts would take more than one byte for their length.
            block.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// A head's status, which stands first: those that have a place in the table of all, or 0.
fn status_of(block: &[u8]) -> u16 {
    let known = [(0x88, 200), (0x89, 204), (0x8a, 206), (0x8b, 304), (0x8c, 400), (0x8d, 404), (0x8e, 500)];
    // What the size of the table of what is remembered may be stands before it.
    let first = block.iter().find(|byte| **byte & 0xe0 != 0x20);
    known.iter().find(|(byte, _)| Some(byte) == first).map_or(0, |(_, status)| *status)
}
