//! redb: events by position, positions by stream and revision; one transaction for each group, durable at once.

use std::path::Path;

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};
use tradewind_bench::measure::Fresh;

use crate::error::Failure;
use crate::heads::{Head, Heads};
use crate::peer::Peer;
use crate::value::{KeyValueJob, data, revision_of, stream_key};

const CACHE_BYTES: usize = 256 << 20;
const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
const STREAMS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("streams");

pub(crate) struct Redb {
    database: Database,
    heads: Heads,
    next: u64,
}

impl Peer for Redb {
    const NAME: &'static str = "redb";
    type Job = KeyValueJob;

    fn open(folder: &Path) -> Result<Self, Failure> {
        let database = Database::builder().set_cache_size(CACHE_BYTES).create(folder.join("events.redb"))?;
        let transaction = database.begin_write()?;
        let next = {
            transaction.open_table(STREAMS)?;
            let events = transaction.open_table(EVENTS)?;
            events.last()?.map_or(1, |(position, _)| position.value() + 1)
        };
        transaction.commit()?;
        Ok(Self { database, heads: Heads::default(), next })
    }

    fn prepare(event: &Fresh<'_>) -> KeyValueJob {
        KeyValueJob::of(event)
    }

    fn commit(&mut self, jobs: Vec<KeyValueJob>) -> Result<(), Failure> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut events = transaction.open_table(EVENTS)?;
            let mut streams = transaction.open_table(STREAMS)?;
            for job in &jobs {
                self.heads.check(&job.stream, job.last, || {
                    let (low, high) = (stream_key(&job.stream, 0), stream_key(&job.stream, u64::MAX));
                    let last = streams.range(low.as_slice()..=high.as_slice())?.next_back().transpose()?;
                    Ok(last.map(|(key, _)| Head { number: 0, last: revision_of(key.value()) }))
                })?;
                let revision = job.revision();
                streams.insert(stream_key(&job.stream, revision).as_slice(), self.next)?;
                events.insert(self.next, job.value.as_slice())?;
                self.next += 1;
                self.heads.set(&job.stream, Head { number: 0, last: revision });
            }
        }
        Ok(transaction.commit()?)
    }

    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let transaction = self.database.begin_read()?;
        let events = transaction.open_table(EVENTS)?;
        for event in events.iter()? {
            each(data(event?.1.value()));
        }
        Ok(())
    }

    fn stream(&mut self, name: &str) -> Result<usize, Failure> {
        let transaction = self.database.begin_read()?;
        let (events, streams) = (transaction.open_table(EVENTS)?, transaction.open_table(STREAMS)?);
        let (low, high) = (stream_key(name, 0), stream_key(name, u64::MAX));
        let mut found = Vec::new();
        for entry in streams.range(low.as_slice()..=high.as_slice())? {
            let position = entry?.1.value();
            let event = events.get(position)?.ok_or_else(|| Failure::new("an event is missing"))?;
            found.push(event.value().to_vec());
        }
        Ok(found.len())
    }
}
