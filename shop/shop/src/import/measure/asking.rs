//! Asking the shop one question after the other, as a client asks.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::seed::client::ShopClient;

/// How long answers took, one after the other, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Asked {
    what: String,
    times: u64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Asks for each of these paths; what is asked for must be there.
pub(super) async fn ask(
    client: &ShopClient,
    what: impl Into<String>,
    paths: impl IntoIterator<Item = String>,
) -> anyhow::Result<Asked> {
    let mut took = Vec::new();
    for path in paths {
        let started = Instant::now();
        let is_there = client.exists(&path, 0).await?;
        took.push(started.elapsed());
        anyhow::ensure!(is_there, "{path} was not there");
    }
    let [p50, p99] = percentiles(&mut took, [50, 99]);
    let ms = |took: Duration| took.as_secs_f64() * 1e3;
    Ok(Asked { what: what.into(), times: took.len() as u64, p50_ms: ms(p50), p99_ms: ms(p99) })
}

/// So many of a hundred took no longer.
pub(super) fn percentiles<const N: usize>(took: &mut [Duration], percents: [usize; N]) -> [Duration; N] {
    took.sort_unstable();
    percents.map(|percent| took.get(took.len() * percent / 100).copied().unwrap_or_default())
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, times, p50_ms, p99_ms } = self;
        if *times == 1 {
            return write!(f, "{what}: {p50_ms:.1} ms");
        }
        write!(f, "{what}: half of {times} in {p50_ms:.1} ms, 99 of 100 in {p99_ms:.1} ms")
    }
}
