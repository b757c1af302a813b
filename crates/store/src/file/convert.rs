//! Between the log's words and ours.

use std::io;

use tradewind_events::{
    Append, AppendError, Appended, EventId, ExpectedRevision, Position, Query, ReadError, Recorded, RecordedParts,
    Revision, Snapshot, StreamId, Tag, Timestamp,
};
use tradewind_log::{AppendRequest, Expected, Log, NewRecord, QueryItem, Record};
use uuid::Uuid;

/// An append as the log takes it.
pub(super) fn request(log: &Log, append: &Append) -> Result<AppendRequest, AppendError> {
    let refused = |error| append_error(error, append);
    let mut request = log.request();
    for part in &append.streams {
        let expected = match part.expected {
            ExpectedRevision::Any => Expected::Any,
            ExpectedRevision::None => Expected::None,
            ExpectedRevision::Exists => Expected::Exists,
            ExpectedRevision::Exactly(revision) => Expected::Exactly(revision.0),
        };
        request.stream(part.stream.as_str(), expected).map_err(refused)?;
        for event in &part.events {
            let tags: Vec<&str> = event.tags.iter().map(Tag::as_str).collect();
            let record = NewRecord {
                id: event.id.0.as_u128(),
                time: event.time.micros(),
                kind: event.event_type.as_str(),
                tags: &tags,
                metadata: &event.metadata.encode(),
                data: &event.data,
            };
            request.record(record).map_err(refused)?;
        }
    }
    if let Some(condition) = &append.condition {
        request.condition(query(&condition.fail_if), condition.after.0);
    }
    Ok(request)
}

pub(super) fn query(query: &Query) -> tradewind_log::Query {
    let item = |item: &tradewind_events::QueryItem| QueryItem {
        categories: item.categories.clone(),
        kinds: item.types.iter().map(|name| name.as_str().to_owned()).collect(),
        tags: item.tags.iter().map(|name| name.as_str().to_owned()).collect(),
    };
    tradewind_log::Query { items: query.items.iter().map(item).collect() }
}

pub(super) fn appended(appended: tradewind_log::Appended) -> Appended {
    Appended {
        first: Position(appended.first),
        last: Position(appended.last),
        revisions: appended.revisions.into_iter().map(|revision| revision.map(Revision)).collect(),
        duplicate: appended.duplicate,
    }
}

pub(super) fn recorded(record: &Record) -> Result<Recorded, ReadError> {
    let it = record.get();
    Recorded::from_parts(RecordedParts {
        position: Position(it.position()),
        revision: Revision(it.revision()),
        id: EventId(Uuid::from_u128(it.id())),
        time: Timestamp::from_micros(it.time()),
        recorded_at: Timestamp::from_micros(it.recorded_at()),
        block: record.block().clone(),
        stream: record.stream_range(),
        event_type: record.kind_range(),
        tags: record.tags_range(),
        metadata: record.metadata_range(),
        data: record.data_range(),
    })
    .ok_or_else(|| ReadError::Damaged {
        place: format!("position {}", it.position()),
        problem: "a name is not UTF-8".to_owned(),
    })
}

/// The log's error, with what the append asked for where that is told.
pub(super) fn append_error(error: tradewind_log::AppendError, append: &Append) -> AppendError {
    use tradewind_log::AppendError as Log;
    match error {
        Log::WrongRevision { index, actual, stream } => match append.streams.get(index) {
            Some(part) => AppendError::WrongRevision {
                stream: part.stream.clone(),
                expected: part.expected,
                actual: actual.map(Revision),
            },
            None => AppendError::Io(io::Error::other(format!("a conflict on {stream}, which was not asked for"))),
        },
        Log::ConditionFailed { position } => AppendError::ConditionFailed { position: Position(position) },
        Log::IdReused { id, position } => {
            AppendError::IdReused { id: EventId(Uuid::from_u128(id)), position: Position(position) }
        }
        Log::Invalid(problem) => AppendError::Invalid(problem),
        Log::DiskFull => AppendError::DiskFull,
        Log::OutcomeUnknown(why) => AppendError::OutcomeUnknown(why),
        Log::Closed(why) => AppendError::Unavailable(why),
        Log::Busy => AppendError::Timeout,
        Log::Check(why) => AppendError::Io(io::Error::other(why)),
    }
}

pub(super) fn read_error(error: tradewind_log::ReadError) -> ReadError {
    match error {
        tradewind_log::ReadError::Damaged { file, offset, problem } => {
            ReadError::Damaged { place: format!("{file} at offset {offset}"), problem }
        }
        tradewind_log::ReadError::Io { file, error } => {
            ReadError::Io(io::Error::new(error.kind(), format!("{file}: {error}")))
        }
    }
}

pub(super) fn snapshot_in(snapshot: &Snapshot) -> tradewind_log::Snapshot {
    tradewind_log::Snapshot {
        stream: snapshot.stream.as_str().to_owned(),
        revision: snapshot.revision.0,
        position: snapshot.position.0,
        schema: snapshot.schema.clone(),
        state: snapshot.state.to_vec(),
    }
}

pub(super) fn snapshot_out(stream: StreamId, snapshot: tradewind_log::Snapshot) -> Snapshot {
    Snapshot {
        stream,
        revision: Revision(snapshot.revision),
        position: Position(snapshot.position),
        schema: snapshot.schema,
        state: snapshot.state.into(),
    }
}
