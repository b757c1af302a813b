//! When is a command seen? Now and then somebody looks.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::client::HttpClient;
use crate::measure::Histogram;

/// How often somebody looks: seldom enough not to be a load.
const PAUSE: Duration = Duration::from_millis(10);

/// A command that was just acknowledged.
pub(super) struct Acknowledgement {
    at: Instant,
    position: u64,
    id: String,
    scans: u64,
}

impl Acknowledgement {
    /// At this moment.
    pub(super) fn now(position: u64, id: &str, scans: u64) -> Self {
        Self { at: Instant::now(), position, id: id.to_owned(), scans }
    }
}

/// Looks for acknowledged commands in the read model until there are no more, and answers how long each took to be
/// there.
pub(super) async fn probe(
    mut client: HttpClient,
    mut acknowledged: mpsc::Receiver<Acknowledgement>,
) -> Result<Histogram, String> {
    let mut lag = Histogram::default();
    loop {
        tokio::time::sleep(PAUSE).await;
        // The one that waited meanwhile is too old to tell anything.
        let _ = acknowledged.try_recv();
        let Some(Acknowledgement { at, position, id, scans }) = acknowledged.recv().await else { return Ok(lag) };
        let found = client.find(&id, position).await?;
        lag.record(at.elapsed());
        if found.scans < scans {
            return Err(format!("parcel {id} was scanned {scans} times, but only {} are seen", found.scans));
        }
    }
}
