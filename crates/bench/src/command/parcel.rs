//! A small context, with all that a context has: a parcel that is scanned on its way.

use serde::{Deserialize, Serialize};
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction};
use tradewind_service::{Command, Entity, Projection, ProjectionError, Reader, Rejection, decode, events, tag};

events! {
    /// What can happen to a parcel.
    pub(super) enum ParcelEvent {
        ParcelScanned { tags: |scan| vec![tag("depot", &scan.depot)] },
    }
}

/// Somebody held a reader to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ParcelScanned {
    /// Where.
    pub(super) depot: String,
    /// What the reader said.
    pub(super) note: String,
}

/// A parcel on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Parcel {
    /// How often it was scanned.
    pub(super) scans: u64,
}

impl Entity for Parcel {
    const CATEGORY: &'static str = "parcel";
    const STATE_VERSION: u16 = 1;
    type Event = ParcelEvent;

    fn evolve(&mut self, event: &ParcelEvent) {
        match event {
            ParcelEvent::ParcelScanned(_) => self.scans += 1,
        }
    }
}

/// Note that a parcel was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScanParcel {
    /// What was read.
    pub(super) scan: ParcelScanned,
}

/// Nothing is scanned more often than this.
const SCANS_MAX: u64 = 1_000;

impl Command for ScanParcel {
    type Entity = Parcel;

    fn decide(&self, parcel: &Parcel, _at: Timestamp) -> Result<Vec<ParcelEvent>, Rejection> {
        if parcel.scans >= SCANS_MAX {
            return Err(Rejection::new("parcel-going-round", "the parcel goes round in circles"));
        }
        Ok(vec![self.scan.clone().into()])
    }
}

/// The read model: where each parcel is, and how often it was scanned.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whereabouts;

/// Where a parcel is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The last depot.
    pub(super) depot: String,
    /// How often it was scanned.
    pub(super) scans: u64,
}

impl Whereabouts {
    /// Where a parcel is.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(super) fn of(read: &Reader<'_>, id: &str) -> sql::Result<Option<Place>> {
        read.first("SELECT depot, scans FROM parcel WHERE id = ?1", [id], |row| {
            Ok(Place { depot: row.get(0)?, scans: row.get(1)? })
        })
    }
}

impl Projection for Whereabouts {
    fn name(&self) -> &'static str {
        "whereabouts"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE parcel (id TEXT PRIMARY KEY, depot TEXT NOT NULL, scans INTEGER NOT NULL) WITHOUT ROWID;"
    }

    fn query(&self) -> Query {
        Query::category(Parcel::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        if let Some(ParcelEvent::ParcelScanned(scan)) = decode::<ParcelEvent>(event)? {
            tx.prepare_cached(
                "INSERT INTO parcel VALUES (?1, ?2, 1)
                 ON CONFLICT (id) DO UPDATE SET depot = excluded.depot, scans = scans + 1",
            )?
            .execute([event.entity_id(), &scan.depot])?;
        }
        Ok(())
    }
}
