//! Newline-delimited CloudEvents, read line by line.

use std::io::{self, BufRead};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use tradewind_events::{CloudEvent, Event, StreamId, Timestamp};

use super::ToolError;

/// The longest line: the largest append, as JSON.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// The events of an input, with the lines that they stand on.
pub(super) struct Lines<R> {
    input: R,
    line: u64,
    buffer: Vec<u8>,
    now: Timestamp,
}

/// An event, the stream that it belongs to, and the line that it stands on.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) bytes: usize,
    pub(super) stream: StreamId,
    pub(super) event: Event,
}

impl<R: BufRead> Lines<R> {
    /// Events without a time happened at `now`.
    pub(super) fn of(input: R, now: Timestamp) -> Self {
        Self { input, line: 0, buffer: Vec::new(), now }
    }

    /// The next event; none at the end. Empty lines are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ToolError> {
        loop {
            self.buffer.clear();
            let bytes = read_line(&mut self.input, &mut self.buffer)?;
            if bytes == 0 {
                return Ok(None);
            }
            self.line += 1;
            if bytes as u64 > LINE_BYTES_MAX {
                return Err(ToolError::line(self.line, &format!("longer than {} MiB", LINE_BYTES_MAX >> 20)));
            }
            if self.buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let cloud: CloudEvent =
                serde_json::from_slice(&self.buffer).map_err(|error| ToolError::line(self.line, &error))?;
            let (stream, event) = event(cloud, self.line, self.now)?;
            return Ok(Some(Line { number: self.line, bytes, stream, event }));
        }
    }
}

fn read_line(input: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<usize> {
    io::Read::take(input, LINE_BYTES_MAX + 1).read_until(b'\n', buffer)
}

/// The event in a CloudEvent, whose data may be JSON or bytes.
pub(super) fn event(mut cloud: CloudEvent, line: u64, now: Timestamp) -> Result<(StreamId, Event), ToolError> {
    let bytes = match cloud.extensions.remove("data_base64") {
        Some(serde_json::Value::String(text)) => {
            // The bytes are taken as they are, whatever they are said to be.
            cloud.datacontenttype = None;
            Some(BASE64.decode(text).map_err(|error| ToolError::line(line, &format!("data_base64: {error}")))?)
        }
        Some(_) => return Err(ToolError::line(line, &"data_base64 is no string")),
        None => None,
    };
    let (stream, mut event) = cloud.into_event(now).map_err(|error| ToolError::line(line, &error))?;
    if let Some(bytes) = bytes {
        event.data = bytes.into();
    }
    Ok((stream, event))
}
