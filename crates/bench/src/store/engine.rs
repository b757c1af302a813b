//! The embedded log, as the closed loop drives it.

use std::path::Path;
use std::sync::Arc;

use tradewind_log::{AppendRequest, Expected, Log, NewRecord, OpenError, Options, Query, QueryItem};

use crate::BenchError;
use crate::measure::{CountingStorage, Engine, Fresh, Ticket, Written};

/// What an append rests on besides its stream's revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing, and the event has no tag.
    Untagged,
    /// Nothing; the event has its customer's tag.
    Tagged,
    /// No event of this type and tag after the head as the writer last saw it; the event has the tag.
    SinceHead,
    /// No event with a tag that nobody ever used, in the whole log; the event has its customer's tag.
    Ever,
}

/// The embedded log on a counted disk.
pub struct LogEngine {
    log: Log,
    storage: Arc<CountingStorage>,
    rule: Rule,
}

/// How the benchmarks open a log: with its defaults.
#[must_use]
pub(crate) fn options() -> Options {
    let epoch = std::time::Instant::now();
    // The log wants to be told the time; any that does not go back does here.
    Options::new(Arc::new(move || 1_500_000_000_000_000 + epoch.elapsed().as_micros() as i64))
}

impl LogEngine {
    /// Opens or begins a log in a folder.
    ///
    /// # Errors
    /// [`BenchError::Open`].
    pub fn open(folder: &Path) -> Result<Self, BenchError> {
        let storage = Arc::new(CountingStorage::new(folder)?);
        let log = Log::open(Arc::clone(&storage) as _, options()).map_err(|error: OpenError| error)?;
        Ok(Self { log, storage, rule: Rule::Untagged })
    }

    /// The same log under a rule.
    #[must_use]
    pub fn under(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    /// Puts the log under another rule.
    pub fn set_rule(&mut self, rule: Rule) {
        self.rule = rule;
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What the log's writer has written so far.
    #[must_use]
    pub fn written(&self) -> Written {
        self.storage.written()
    }

    fn request(&self, event: &Fresh<'_>) -> Result<AppendRequest, String> {
        let mut request = self.log.request();
        let tag = [event.tag];
        let record = NewRecord {
            id: event.id,
            time: event.time,
            kind: event.kind,
            tags: if self.rule == Rule::Untagged { &[] } else { &tag },
            metadata: &[],
            data: event.data,
        };
        let expected = event.last.map_or(Expected::None, Expected::Exactly);
        request
            .stream(event.stream, expected)
            .and_then(|request| request.record(record))
            .map_err(|error| error.to_string())?;
        let item = |kinds: Vec<String>, tag: String| {
            let item = QueryItem { categories: Vec::new(), kinds, tags: vec![tag] };
            Query { items: vec![item] }
        };
        match self.rule {
            Rule::Untagged | Rule::Tagged => {}
            Rule::SinceHead => {
                request.condition(item(vec![event.kind.to_owned()], event.tag.to_owned()), self.log.head());
            }
            Rule::Ever => {
                request.condition(item(Vec::new(), format!("never:{}", event.id)), 0);
            }
        }
        Ok(request)
    }
}

impl Engine for LogEngine {
    fn append(&self, event: &Fresh<'_>) -> Result<(), String> {
        let request = self.request(event)?;
        self.log.append(request).map(drop).map_err(|error| error.to_string())
    }

    fn submit(&self, event: &Fresh<'_>, ticket: Ticket) {
        match self.request(event) {
            Ok(request) => {
                self.log.submit(request, |result| ticket.tell(result.map(drop).map_err(|error| error.to_string())));
            }
            Err(problem) => ticket.tell(Err(problem)),
        }
    }
}
