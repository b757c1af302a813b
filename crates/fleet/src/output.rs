//! What processes write, line by line.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The longest line that is passed on, in bytes; what is behind it is dropped and the cut marked.
pub(crate) const LINE_BYTES_MAX: usize = 8 * 1024;
/// The mark at the end of a cut line.
pub(crate) const CUT_MARK: &str = " […cut]";

/// The lines of a pipe, each of bounded length.
pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    collected: Vec<u8>,
    cut: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn of(from: R) -> Self {
        Self { reader: BufReader::new(from), collected: Vec::new(), cut: false }
    }

    /// The next line without its end; none when the other side has closed.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            // A read error means what the end means: there is nothing more to come.
            let available = self.reader.fill_buf().await.unwrap_or_default();
            if available.is_empty() {
                return (!self.collected.is_empty()).then(|| self.finish());
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let piece = &available[..end.unwrap_or(available.len())];
            let room = LINE_BYTES_MAX - self.collected.len();
            self.collected.extend_from_slice(&piece[..piece.len().min(room)]);
            self.cut |= piece.len() > room;
            let used = piece.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Some(self.finish());
            }
        }
    }

    fn finish(&mut self) -> String {
        let bytes = self.collected.strip_suffix(b"\r").unwrap_or(&self.collected);
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        if std::mem::take(&mut self.cut) {
            text.push_str(CUT_MARK);
        }
        self.collected.clear();
        text
    }
}
