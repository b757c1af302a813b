//! The service behind whoever is measured: it reads a head, looks at the first segment of its path, and writes what it
//! has ready. It does as little as can be done, since it shares its core with the load.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tradewind_events::{Clock, SystemClock};

use super::answers::ALL;

/// A head is never longer.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// An answer, but for its date.
struct Ready {
    before_date: Vec<u8>,
    after_date: Vec<u8>,
}

/// What all connections share.
struct Answers {
    by_segment: HashMap<&'static str, Ready>,
    date: RefCell<(u64, String)>,
}

impl Answers {
    fn new() -> Self {
        let ready = |kind: &super::answers::Kind| {
            let body = kind.body();
            let mut before_date = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n".to_vec();
            if let Some(control) = kind.cache_control {
                before_date.extend_from_slice(format!("cache-control: {control}\r\n").as_bytes());
            }
            before_date.extend_from_slice(format!("content-length: {}\r\ndate: ", body.len()).as_bytes());
            let after_date = [b"\r\n\r\n".as_slice(), &body].concat();
            (kind.segment, Ready { before_date, after_date })
        };
        Self { by_segment: ALL.iter().map(ready).collect(), date: RefCell::default() }
    }

    /// Writes the answer to a request with this head. False if there is none for it.
    fn answer(&self, head: &[u8], into: &mut Vec<u8>) -> bool {
        let target = head.strip_prefix(b"GET /").unwrap_or_default();
        let end = target.iter().position(|byte| matches!(byte, b'/' | b' ' | b'?')).unwrap_or(target.len());
        let ready = str::from_utf8(&target[..end]).ok().and_then(|segment| self.by_segment.get(segment));
        let Some(ready) = ready else { return false };
        let mut date = self.date.borrow_mut();
        let now = u64::try_from(SystemClock.now().micros()).unwrap_or(0) / 1_000_000;
        if date.0 != now {
            *date = (now, httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(now)));
        }
        into.extend_from_slice(&ready.before_date);
        into.extend_from_slice(date.1.as_bytes());
        into.extend_from_slice(&ready.after_date);
        true
    }
}

/// Answers whoever connects, for as long as it is polled. It has to be within a `LocalSet`.
pub(super) async fn serve(listener: TcpListener) -> io::Result<()> {
    let answers = Rc::new(Answers::new());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = Rc::clone(&answers);
        tokio::task::spawn_local(async move {
            // Whoever leaves has what it wanted.
            let _ = converse(stream, &answers).await;
        });
    }
}

async fn converse(mut stream: TcpStream, answers: &Answers) -> io::Result<()> {
    let (mut read, mut written) = (Vec::with_capacity(HEAD_BYTES_MAX), Vec::with_capacity(4 << 10));
    loop {
        if stream.read_buf(&mut read).await? == 0 || read.len() > HEAD_BYTES_MAX {
            return Ok(());
        }
        // One request at a time: nobody who is measured sends the next one before the answer.
        if !read.ends_with(b"\r\n\r\n") {
            continue;
        }
        written.clear();
        if !answers.answer(&read, &mut written) {
            written.extend_from_slice(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        }
        stream.write_all(&written).await?;
        read.clear();
    }
}
