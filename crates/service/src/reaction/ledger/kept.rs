//! An event as a row: whole, so that it can be met without its source.

use tradewind_events::{EventId, Position, Recorded, RecordedParts, Revision, Timestamp};

use super::Names;
use crate::sql::{self, Row, Transaction, named_params};

/// Its table. `fixed` is the data that somebody has put in place of what was recorded.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS {events} (
        key TEXT NOT NULL, position BIGINT NOT NULL, revision BIGINT NOT NULL, id TEXT NOT NULL,
        stream TEXT NOT NULL, type TEXT NOT NULL, time BIGINT NOT NULL, recorded BIGINT NOT NULL,
        tags TEXT NOT NULL, metadata {bytes} NOT NULL, data {bytes} NOT NULL, fixed {bytes},
        PRIMARY KEY (key, position)) {keyed};";

/// Its columns, in the order in which [`read`] reads them.
pub(super) const COLUMNS: &str = "position, revision, id, stream, type, time, recorded, tags, metadata, data, fixed";

/// An event that is kept.
#[derive(Debug, Clone)]
pub(crate) struct KeptEvent {
    /// As it was set aside.
    pub(crate) event: Recorded,
    /// The data that somebody has put in place of its own.
    pub(crate) fixed: Option<Vec<u8>>,
}

impl KeptEvent {
    /// The event that is to be met.
    pub(crate) fn into_event(self) -> Recorded {
        match self.fixed {
            Some(data) => with_data(&self.event, &data).unwrap_or(self.event),
            None => self.event,
        }
    }
}

/// The same event, but it says something else.
fn with_data(event: &Recorded, data: &[u8]) -> Option<Recorded> {
    assemble(&Columns {
        position: event.position(),
        revision: event.revision(),
        id: event.id(),
        time: event.time(),
        recorded_at: event.recorded_at(),
        texts: [event.stream(), event.event_type(), event.tags_text()],
        metadata: event.metadata_bytes(),
        data,
    })
}

struct Columns<'a> {
    position: Position,
    revision: Revision,
    id: EventId,
    time: Timestamp,
    recorded_at: Timestamp,
    /// Stream, type and tags.
    texts: [&'a str; 3],
    metadata: &'a [u8],
    data: &'a [u8],
}

fn assemble(columns: &Columns<'_>) -> Option<Recorded> {
    let mut block = Vec::with_capacity(columns.metadata.len() + columns.data.len() + 128);
    let mut put = |bytes: &[u8]| {
        let start = block.len() as u32;
        block.extend_from_slice(bytes);
        start..block.len() as u32
    };
    let [stream, event_type, tags] = columns.texts.map(|text| put(text.as_bytes()));
    let (metadata, data) = (put(columns.metadata), put(columns.data));
    Recorded::from_parts(RecordedParts {
        position: columns.position,
        revision: columns.revision,
        id: columns.id,
        time: columns.time,
        recorded_at: columns.recorded_at,
        block: block.into(),
        stream,
        event_type,
        tags,
        metadata,
        data,
    })
}

pub(super) fn insert(tx: &Transaction<'_>, names: Names, key: &str, event: &Recorded) -> sql::Result<()> {
    let sql = format!(
        "INSERT INTO {} (key, position, revision, id, stream, type, time, recorded, tags, metadata, data) VALUES
         (:key, :position, :revision, :id, :stream, :type, :time, :recorded, :tags, :metadata, :data)
         ON CONFLICT (key, position) DO NOTHING",
        names.events
    );
    let columns = named_params! {
        ":key": key,
        ":position": event.position().0 as i64,
        ":revision": event.revision().0 as i64,
        ":id": event.id().to_string(),
        ":stream": event.stream(),
        ":type": event.event_type(),
        ":time": event.time().micros(),
        ":recorded": event.recorded_at().micros(),
        ":tags": event.tags_text(),
        ":metadata": event.metadata_bytes(),
        ":data": event.data(),
    };
    tx.prepare_cached(&sql)?.execute(columns)
}

/// Reads [`COLUMNS`], of which the first is the `first`-th of the row.
pub(super) fn read(row: &Row<'_>, first: usize) -> sql::Result<KeptEvent> {
    let text = |at: usize| -> sql::Result<&str> { Ok(row.get_ref(first + at)?.as_str()?) };
    let bytes = |at: usize| -> sql::Result<&[u8]> { Ok(row.get_ref(first + at)?.as_blob()?) };
    let malformed = |at: usize, name: &str| sql::Error::unreadable(first + at, format_args!("it is no {name}"));
    let texts: [&str; 3] = [text(3)?, text(4)?, text(7)?];
    let id: &str = text(2)?;
    let columns = Columns {
        position: Position(row.get::<_, i64>(first)? as u64),
        revision: Revision(row.get::<_, i64>(first + 1)? as u64),
        id: id.parse().map_err(|_| malformed(2, "id"))?,
        time: Timestamp::from_micros(row.get(first + 5)?),
        recorded_at: Timestamp::from_micros(row.get(first + 6)?),
        texts,
        metadata: bytes(8)?,
        data: bytes(9)?,
    };
    let event = assemble(&columns).ok_or_else(|| malformed(3, "stream"))?;
    Ok(KeptEvent { event, fixed: row.get(first + 10)? })
}
