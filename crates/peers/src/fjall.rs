//! fjall: events by position, positions by stream and revision; one batch for each group, its journal synced.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use tradewind_bench::measure::Fresh;

use crate::error::Failure;
use crate::heads::{Head, Heads};
use crate::peer::Peer;
use crate::value::{KeyValueJob, data, revision_of, stream_key};

const CACHE_BYTES: u64 = 256 << 20;

pub(crate) struct Fjall {
    database: Database,
    events: Keyspace,
    streams: Keyspace,
    heads: Heads,
    next: u64,
}

impl Peer for Fjall {
    const NAME: &'static str = "fjall";
    type Job = KeyValueJob;

    fn open(folder: &Path) -> Result<Self, Failure> {
        let database = Database::builder(folder).cache_size(CACHE_BYTES).manual_journal_persist(true).open()?;
        let events = database.keyspace("events", KeyspaceCreateOptions::default)?;
        let streams = database.keyspace("streams", KeyspaceCreateOptions::default)?;
        let next = match events.last_key_value() {
            Some(last) => revision_of(&last.key()?) + 1,
            None => 1,
        };
        Ok(Self { database, events, streams, heads: Heads::default(), next })
    }

    fn prepare(event: &Fresh<'_>) -> KeyValueJob {
        KeyValueJob::of(event)
    }

    fn commit(&mut self, jobs: Vec<KeyValueJob>) -> Result<(), Failure> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for job in jobs {
            let streams = &self.streams;
            self.heads.check(&job.stream, job.last, || {
                let last = streams.prefix(stream_key(&job.stream, 0)[..=job.stream.len()].to_vec()).next_back();
                let Some(last) = last else { return Ok(None) };
                Ok(Some(Head { number: 0, last: revision_of(&last.key()?) }))
            })?;
            let (position, revision) = (self.next.to_be_bytes(), job.revision());
            self.next += 1;
            batch.insert(&self.streams, stream_key(&job.stream, revision), position);
            batch.insert(&self.events, position, job.value);
            self.heads.set(&job.stream, Head { number: 0, last: revision });
        }
        Ok(batch.commit()?)
    }

    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        for event in self.events.iter() {
            each(data(&event.value()?));
        }
        Ok(())
    }

    fn stream(&mut self, name: &str) -> Result<usize, Failure> {
        let mut found = Vec::new();
        for entry in self.streams.prefix(&stream_key(name, 0)[..=name.len()]) {
            let position = entry.value()?;
            let event = self.events.get(position)?.ok_or_else(|| Failure::new("an event is missing"))?;
            found.push(event);
        }
        Ok(found.len())
    }
}
