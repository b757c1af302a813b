//! The last revision of each stream, in memory: what any store would keep beside an engine that has to be asked.

use std::collections::HashMap;

use crate::error::Failure;

/// How many streams are remembered; then it begins anew.
const STREAMS_MAX: usize = 2_000_000;

/// A stream's number in its engine, if that has any, and its last revision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) number: i64,
    pub(crate) last: u64,
}

#[derive(Default)]
pub(crate) struct Heads(HashMap<Box<str>, Head>);

impl Heads {
    /// Checks what a writer believes of a stream, and answers its head, if it has one; `find` asks the engine.
    pub(crate) fn check(
        &mut self,
        stream: &str,
        expected: Option<u64>,
        find: impl FnOnce() -> Result<Option<Head>, Failure>,
    ) -> Result<Option<Head>, Failure> {
        let head = match self.0.get(stream) {
            Some(head) => Some(*head),
            None => find()?,
        };
        let actual = head.map(|head| head.last);
        if actual == expected {
            return Ok(head);
        }
        Err(Failure::new(format!("stream {stream} is at {actual:?}, not {expected:?}")))
    }

    /// Notes a stream's new head.
    pub(crate) fn set(&mut self, stream: &str, head: Head) {
        if let Some(known) = self.0.get_mut(stream) {
            *known = head;
            return;
        }
        if self.0.len() >= STREAMS_MAX {
            self.0.clear();
        }
        self.0.insert(stream.into(), head);
    }
}
