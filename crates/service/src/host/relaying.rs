//! The relay of a service with several instances: one of them publishes, under a lease, and how far it has come is kept
//! where the next one finds it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tradewind_broker::{Relay, RelayPlace};
use tradewind_events::Position;

use crate::SharedDatabase;
use crate::follow::Status;
use crate::reaction::{Entry, Ledger};
use crate::shared::{FOLLOWERS, Seat, Term};

/// What its lease is called. Those of followers have two words.
const LEASE: &str = "relay";
/// What its ledger is called, as no follower's can be.
const LEDGER: &str = "the relay";
/// Between two tries to take over.
const PAUSE: Duration = Duration::from_millis(500);

/// Publishes for as long as this instance holds the lease.
pub(super) struct LeasedRelay {
    relay: Relay,
    seat: Seat,
    ledger: Ledger,
}

/// How far the relay has come, in the database that the instances share.
struct SharedPlace(Ledger);

impl RelayPlace for SharedPlace {
    fn load(&self) -> BoxFuture<'_, io::Result<Option<Position>>> {
        async move {
            let position = self.0.position().await.map_err(io::Error::other)?;
            Ok(Some(position).filter(|position| *position > Position::START))
        }
        .boxed()
    }

    fn save(&self, through: Position) -> BoxFuture<'_, io::Result<()>> {
        async move { self.0.record(Entry { through, ..Entry::default() }).await.map_err(io::Error::other) }.boxed()
    }
}

impl LeasedRelay {
    /// `status` is told who has the lease.
    pub(super) fn new(relay: Relay, shared: &SharedDatabase, status: Arc<Status>) -> Self {
        let ledger = Ledger::shared(shared.clone(), LEDGER.to_owned());
        let relay = relay.kept_in(Arc::new(SharedPlace(ledger.clone())));
        Self { relay, seat: shared.seat(LEASE, FOLLOWERS, status), ledger }
    }

    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            self.relay.stands_by();
            let Some(term) = shutdown.run_until_cancelled(self.seat.next(&shutdown)).await else { return };
            if self.take_over(&term).await {
                self.relay.run_until(term.stop(), &shutdown).await;
            }
            self.ledger.let_go();
        }
    }

    /// Begins to use the ledger; false if the lease was taken away meanwhile.
    async fn take_over(&self, term: &Term) -> bool {
        while let Err(problem) = self.ledger.take_over(term, LEDGER).await {
            tracing::warn!(problem, "the relay failed to take over; trying again");
            if term.stop().run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return false;
            }
        }
        true
    }
}
