//! What an append asks for. The caller's thread does what can be done there: copying the bytes into their final
//! shape and hashing the names. The writer only fills in the places.

use crate::AppendError;
use crate::format::record::{Parts, RECORD_HEADER_BYTES, draft_given_up, draft_record};
use crate::key::{Domain, Key, Keys};
use crate::query::{ItemKeys, Query};

/// What the writer of a stream believes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Any,
    /// It has no record.
    None,
    /// It has at least one.
    Exists,
    /// Its last record has this revision.
    Exactly(u64),
}

impl Expected {
    pub(crate) fn holds(self, actual: Option<u64>) -> bool {
        match self {
            Self::Any => true,
            Self::None => actual.is_none(),
            Self::Exists => actual.is_some(),
            Self::Exactly(revision) => actual == Some(revision),
        }
    }
}

/// A record to be appended.
#[derive(Debug, Clone, Copy)]
pub struct NewRecord<'a> {
    /// Its identity: the same one again is not written again.
    pub id: u128,
    /// When it happened, in microseconds since the epoch.
    pub time: i64,
    /// Its type; at most 255 bytes.
    pub kind: &'a str,
    /// Its tags, without commas; together at most 65,535 bytes.
    pub tags: &'a [&'a str],
    /// Its metadata; at most 65,535 bytes.
    pub metadata: &'a [u8],
    /// Its data.
    pub data: &'a [u8],
}

pub(crate) struct StreamPart {
    pub(crate) name: Box<str>,
    pub(crate) category_bytes: u8,
    pub(crate) key: Key,
    pub(crate) expected: Expected,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Draft {
    pub(crate) id: u128,
    pub(crate) stream: u32,
    /// Where in the body it lies.
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// Where an append stood in the store that it comes from, and when it was recorded there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    pub(crate) first: u64,
    pub(crate) at: i64,
}

pub(crate) struct Condition {
    pub(crate) query: Query,
    pub(crate) items: Vec<ItemKeys>,
    pub(crate) after: u64,
}

/// Records for one or several streams, to be appended together or not at all.
pub struct AppendRequest {
    keys: Keys,
    bytes_max: usize,
    pub(crate) streams: Vec<StreamPart>,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) body: Vec<u8>,
    pub(crate) condition: Option<Condition>,
    pub(crate) before: Option<Before>,
}

fn invalid(what: impl Into<String>) -> AppendError {
    AppendError::Invalid(what.into())
}

impl AppendRequest {
    pub(crate) fn new(keys: Keys, bytes_max: usize) -> Self {
        Self {
            keys,
            bytes_max,
            streams: Vec::with_capacity(1),
            drafts: Vec::with_capacity(1),
            body: Vec::new(),
            condition: None,
            before: None,
        }
    }

    /// Names the stream that the following records belong to. Its category is the part before the first dash.
    ///
    /// # Errors
    /// If the name is empty, longer than 255 bytes, or was named in this request before.
    pub fn stream(&mut self, name: &str, expected: Expected) -> Result<&mut Self, AppendError> {
        if name.is_empty() || name.len() > 255 {
            return Err(invalid("a stream's name must have from 1 to 255 bytes"));
        }
        if self.streams.iter().any(|stream| &*stream.name == name) {
            return Err(invalid(format!("the stream {name} is named twice")));
        }
        self.streams.push(StreamPart {
            category_bytes: name.find('-').unwrap_or(name.len()) as u8,
            key: self.keys.key(Domain::Stream, name.as_bytes()),
            name: name.into(),
            expected,
        });
        Ok(self)
    }

    /// Adds a record to the stream named last.
    ///
    /// # Errors
    /// If no stream was named, an id comes twice, or something is over its limit.
    pub fn record(&mut self, record: NewRecord<'_>) -> Result<&mut Self, AppendError> {
        let stream = self.streams.last().ok_or_else(|| invalid("a record comes before its stream"))?;
        if record.kind.is_empty() || record.kind.len() > 255 {
            return Err(invalid("a type's name must have from 1 to 255 bytes"));
        }
        if record.tags.iter().any(|tag| tag.is_empty() || tag.contains(',')) {
            return Err(invalid("a tag is empty or has a comma"));
        }
        let tags = if record.tags.is_empty() { String::new() } else { record.tags.join(",") };
        if tags.len() > usize::from(u16::MAX) || record.metadata.len() > usize::from(u16::MAX) {
            return Err(invalid("tags and metadata may have 65,535 bytes each"));
        }
        let start = self.body.len();
        if start + record.data.len() + tags.len() + record.metadata.len() + 1_024 > self.bytes_max {
            return Err(invalid(format!("an append may have {} bytes", self.bytes_max)));
        }
        let stream_bytes = stream.name.len();
        self.body.reserve(
            RECORD_HEADER_BYTES
                + stream_bytes
                + record.kind.len()
                + tags.len()
                + record.metadata.len()
                + record.data.len(),
        );
        draft_record(
            &Parts {
                id: record.id,
                time: record.time,
                stream: stream.name.as_bytes(),
                category_bytes: stream.category_bytes,
                kind: record.kind.as_bytes(),
                tags: tags.as_bytes(),
                metadata: record.metadata,
                data: record.data,
            },
            &mut self.body,
        );
        self.drafts.push(Draft {
            id: record.id,
            stream: self.streams.len() as u32 - 1,
            start: start as u32,
            len: (self.body.len() - start) as u32,
        });
        Ok(self)
    }

    /// Adds what is left of a record that was given up, to the stream named last.
    ///
    /// # Errors
    /// If no stream was named.
    pub fn given_up(&mut self, id: u128, time: i64) -> Result<&mut Self, AppendError> {
        let stream = self.streams.last().ok_or_else(|| invalid("a record comes before its stream"))?;
        let start = self.body.len();
        draft_given_up(id, time, stream.name.as_bytes(), stream.category_bytes, &mut self.body);
        let len = (self.body.len() - start) as u32;
        self.drafts.push(Draft { id, stream: self.streams.len() as u32 - 1, start: start as u32, len });
        Ok(self)
    }

    /// The append comes from another store, where its first record has the position `first` and it was recorded at
    /// `at`, in microseconds since the epoch. It is refused if that position is not the next one here.
    pub fn recorded_before(&mut self, first: u64, at: i64) -> &mut Self {
        self.before = Some(Before { first, at });
        self
    }

    /// Refuses the append if a record that matches the query has come after a position.
    pub fn condition(&mut self, query: Query, after: u64) -> &mut Self {
        self.condition = Some(Condition { items: query.resolve(&self.keys), query, after });
        self
    }

    /// Whether an id comes twice.
    pub(crate) fn repeats_an_id(&self) -> bool {
        match self.drafts.as_slice() {
            [] | [_] => false,
            [one, other] => one.id == other.id,
            many => {
                let mut ids: Vec<u128> = many.iter().map(|draft| draft.id).collect();
                ids.sort_unstable();
                ids.windows(2).any(|pair| pair[0] == pair[1])
            }
        }
    }
}
