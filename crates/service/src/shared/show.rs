//! What every instance knows of the shared read models: which generation answers, and how far it has come.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use tradewind_events::Position;
use tradewind_store::PostgresFailure;

use super::{Line, SharedDatabase, SharedTables};
use crate::follow::Status;
use crate::projection::{Generation, GenerationName, Projection, hash_of};

/// How often it is looked how far the read models have come, while nobody waits for that and while somebody does.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOK_EVERY_IN_HURRY: Duration = Duration::from_millis(5);
/// How long a look may take.
const WITHIN: Duration = Duration::from_secs(5);

/// The read models that this instance shows.
#[derive(Default)]
pub(super) struct Shown {
    all: Mutex<Vec<ReadModelShown>>,
    hurried: AtomicUsize,
    hurry: Notify,
}

struct ReadModelShown {
    projection: &'static str,
    tables: String,
    answering: watch::Sender<Arc<Generation>>,
    status: Arc<Status>,
}

/// Somebody waits for a read model. Dropped, he does not any more.
pub(crate) struct Hurry(SharedDatabase);

impl Drop for Hurry {
    fn drop(&mut self) {
        self.0.inner.shown.hurried.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A generation that answers, as the database has it.
struct Row {
    name: GenerationName,
    tables: String,
    position: Position,
}

impl SharedDatabase {
    pub(crate) fn hurry(&self) -> Hurry {
        self.inner.shown.hurried.fetch_add(1, Ordering::AcqRel);
        self.inner.shown.hurry.notify_one();
        Hurry(self.clone())
    }

    /// Keeps a read model's `answering` what it is in the database.
    pub(crate) fn show(
        &self,
        projection: &dyn Projection,
        answering: watch::Sender<Arc<Generation>>,
        status: Arc<Status>,
    ) {
        let tables = hash_of(projection.postgres_schema().unwrap_or_default());
        let shown = ReadModelShown { projection: projection.name(), tables, answering, status };
        self.inner.shown.all.lock().unwrap_or_else(PoisonError::into_inner).push(shown);
    }

    /// Looks again and again, until `shutdown`.
    pub(crate) async fn keep_showing(self, shutdown: CancellationToken) {
        let (line, shown) = (Line::new("positions"), &self.inner.shown);
        if shown.all.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return shutdown.cancelled().await;
        }
        let mut said = false;
        loop {
            match self.look_at_all(&line).await {
                Ok(()) => said = false,
                Err(failure) => {
                    if !std::mem::replace(&mut said, true) {
                        tracing::warn!(%failure, "failed to look how far read models have come; trying again");
                    }
                }
            }
            let is_hurried = !said && shown.hurried.load(Ordering::Acquire) > 0;
            let pause = if is_hurried { LOOK_EVERY_IN_HURRY } else { LOOK_EVERY };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = shown.hurry.notified(), if !said => {}
            }
        }
    }

    async fn look_at_all(&self, line: &Line) -> Result<(), PostgresFailure> {
        let s = self.schema();
        let select = format!(
            "SELECT DISTINCT ON (projection) projection, id, version, tables, position FROM {s}.generations
             WHERE state = 'answering' ORDER BY projection, id DESC"
        );
        let look = async |client: &Client| {
            let mut all = HashMap::new();
            for row in client.query(&select, &[]).await? {
                let (id, version): (i64, i32) = (row.try_get(1)?, row.try_get(2)?);
                let name = GenerationName { generation: id.unsigned_abs(), version: version.unsigned_abs() };
                let position = Position(row.try_get::<_, i64>(4)?.unsigned_abs());
                all.insert(row.try_get::<_, String>(0)?, Row { name, tables: row.try_get(3)?, position });
            }
            Ok(all)
        };
        let found = line.run(self, WITHIN, look).await?;
        for shown in self.inner.shown.all.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(row) = found.get(shown.projection) {
                self.update(shown, row);
            }
        }
        Ok(())
    }

    fn update(&self, shown: &ReadModelShown, row: &Row) {
        let known = shown.answering.borrow().clone();
        let name = known.name().map_or(0, |name| name.generation);
        if name == row.name.generation {
            known.set_position(row.position);
            shown.status.seen_at(row.position);
            return;
        }
        // What this instance has just put in its place may be newer than what was read.
        if name > row.name.generation {
            return;
        }
        let of_today = row.tables == shown.tables;
        let tables = SharedTables::new(self.clone(), row.name);
        shown.answering.send_replace(Arc::new(Generation::shared(tables, row.position, of_today)));
        shown.status.shows(row.name.version, of_today);
        shown.status.seen_at(row.position);
    }
}
