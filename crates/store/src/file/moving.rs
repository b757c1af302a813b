//! A folder as what a store is moved from or to.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use futures_core::future::BoxFuture;
use futures_util::future::join_all;
use tradewind_events::{AppendError, EventId, Position, ReadError, Revision, StreamId, Timestamp};
use tradewind_log::{AppendRequest, Expected, Log, NewRecord};
use uuid::Uuid;

use super::{FileStore, blocking, convert};
use crate::OpenError;
use crate::moving::{Kept, Movable, StoppedWriters};

/// The file that says where the store is now. Whoever removes it has the old store again.
const MARK: &str = "moved-to";

/// Whether the store is still here.
pub(super) fn check(folder: &Path) -> Result<(), OpenError> {
    match std::fs::read_to_string(folder.join(MARK)) {
        Ok(to) => Err(OpenError::Moved { place: folder.display().to_string(), to: to.trim().to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        // There is no folder, or it is none: the log says it better.
        Err(_) if !folder.is_dir() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn kept(kept: &tradewind_log::Kept) -> Result<Kept, ReadError> {
    let (first, last) = (kept.first, kept.last);
    if !kept.given_up {
        return Ok(Kept { event: convert::recorded(&kept.record)?, first, last, given_up: false });
    }
    let it = kept.record.get();
    let id = EventId(Uuid::from_u128(it.id()));
    let times = (Timestamp::from_micros(it.time()), Timestamp::from_micros(it.recorded_at()));
    std::str::from_utf8(it.stream())
        .ok()
        .and_then(|stream| {
            Kept::given_up((Position(it.position()), Revision(it.revision())), id, times, stream, (first, last))
        })
        .ok_or_else(|| ReadError::Damaged {
            place: format!("position {}", it.position()),
            problem: "a name is not UTF-8".to_owned(),
        })
}

/// One append of another store as a request that puts it in the same place.
fn request(log: &Log, events: &[Kept]) -> Result<AppendRequest, tradewind_log::AppendError> {
    let mut request = log.request();
    let mut stream = None;
    for kept in events {
        let event = &kept.event;
        if stream != Some(event.stream()) {
            let before = event.revision().0.checked_sub(1);
            request.stream(event.stream(), before.map_or(Expected::None, Expected::Exactly))?;
            stream = Some(event.stream());
        }
        let id = event.id().0.as_u128();
        if kept.given_up {
            request.given_up(id, event.time().micros())?;
            continue;
        }
        let tags: Vec<&str> = event.tags().collect();
        request.record(NewRecord {
            id,
            time: event.time().micros(),
            kind: event.event_type(),
            tags: &tags,
            metadata: event.metadata_bytes(),
            data: event.data(),
        })?;
    }
    if let Some(Kept { event, .. }) = events.first() {
        request.recorded_before(event.position().0, event.recorded_at().micros());
    }
    Ok(request)
}

fn names(names: impl IntoIterator<Item = String>) -> Result<Vec<StreamId>, ReadError> {
    let named = |name: String| {
        StreamId::new(&name).map_err(|error| ReadError::Damaged { place: name, problem: error.to_string() })
    };
    names.into_iter().map(named).collect()
}

impl Movable for FileStore {
    fn identity(&self) -> BoxFuture<'_, Result<String, ReadError>> {
        Box::pin(async move { Ok(format!("{:032x}", self.stat().store)) })
    }

    fn kept(&self, after: Position, limit: usize) -> BoxFuture<'_, Result<Vec<Kept>, ReadError>> {
        Box::pin(self.inner.read(move |log| {
            let page = log.kept(after.0, limit).map_err(convert::read_error)?;
            page.iter().map(kept).collect()
        }))
    }

    fn restore<'a>(&'a self, events: &'a [Kept]) -> BoxFuture<'a, Result<(), AppendError>> {
        Box::pin(async move {
            let refused = |error| convert::append_error(error, &tradewind_events::Append::default());
            let appends = events.split_inclusive(|kept| kept.last);
            let requests: Vec<AppendRequest> =
                appends.map(|append| request(&self.inner.log, append)).collect::<Result<_, _>>().map_err(refused)?;
            // They are taken in the order in which they are submitted.
            let submitted =
                requests.into_iter().map(|request| self.inner.submit(move |log, answer| log.submit(request, answer)));
            for (outcome, append) in join_all(submitted).await.into_iter().zip(events.split_inclusive(|kept| kept.last))
            {
                let appended = outcome.map_err(refused)?;
                let first = append.first().map(|kept| kept.event.position().0);
                if appended.duplicate || Some(appended.first) != first {
                    let there = format!("what belongs to position {first:?} is there at {}", appended.first);
                    return Err(AppendError::Invalid(there));
                }
            }
            Ok(())
        })
    }

    fn truncations(&self) -> BoxFuture<'_, Result<Vec<(StreamId, Revision)>, ReadError>> {
        Box::pin(async move {
            let (streams, firsts): (Vec<String>, Vec<u64>) = self.inner.log.truncations().into_iter().unzip();
            Ok(names(streams)?.into_iter().zip(firsts.into_iter().map(Revision)).collect())
        })
    }

    fn snapshot_streams(&self) -> BoxFuture<'_, Result<Vec<StreamId>, ReadError>> {
        Box::pin(async move { names(self.inner.log.snapshot_streams()) })
    }

    /// The folder is open here and nowhere else, so nobody writes but users of this very store; the mark is for those
    /// who open it later.
    fn stop_writers<'a>(&'a self, to: &'a str) -> BoxFuture<'a, Result<Box<dyn StoppedWriters>, AppendError>> {
        Box::pin(
            async move { Ok(Box::new(Stopped { store: self.clone(), to: to.to_owned() }) as Box<dyn StoppedWriters>) },
        )
    }
}

struct Stopped {
    store: FileStore,
    to: String,
}

impl StoppedWriters for Stopped {
    fn moved(self: Box<Self>) -> BoxFuture<'static, Result<(), AppendError>> {
        Box::pin(async move {
            let folder = self.store.inner.folder.clone();
            let mark = move || {
                let temporary = folder.join(format!("{MARK}.new"));
                let mut file = File::create(&temporary)?;
                writeln!(file, "{}", self.to)?;
                file.sync_all()?;
                std::fs::rename(&temporary, folder.join(MARK))?;
                File::open(&folder)?.sync_all()
            };
            Ok(blocking(mark).await??)
        })
    }
}
