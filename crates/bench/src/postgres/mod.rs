//! `tradewind bench postgres --url …`: `postgres/append/N`, the event store in PostgreSQL with N appends on their way,
//! beside an insert for each event over connections of their own, on the same server, in turns.

mod plain;

use std::path::Path;
use std::time::Duration;

use clap::Args;
use tradewind_store::{PostgresOptions, PostgresStore, PostgresUrl};

use crate::BenchError;
use crate::http::{HttpRounds, OurClient, Works, runtime};
use crate::measure::{Aim, Report, Spread, drive_clients};
use plain::Plain;

/// More connections than this do not make the plain inserts faster.
const PLAIN_CONNECTIONS_MAX: usize = 64;
/// From so many in flight on, the aims hold.
const AIMED_FROM: usize = 64;
const RATE_MIN: f64 = 50_000.0;
const RATIO_MIN: f64 = 8.0;

/// How the event store in PostgreSQL is measured.
#[derive(Debug, Clone, Args)]
pub struct PostgresBench {
    /// The database: postgres://USER@HOST/DATABASE. A schema is made in it for the measurement, and removed
    #[arg(long)]
    pub url: String,
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// How often each measurement is repeated, in turns
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How many appends are on their way at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256, 1024])]
    pub in_flight: Vec<usize>,
    /// How many batches are on their way at once
    #[arg(long, default_value_t = 1)]
    pub batches: usize,
    /// A line of JSON for each figure
    #[arg(long)]
    pub json: bool,
}

struct Count {
    in_flight: usize,
    ours: HttpRounds,
    plain: HttpRounds,
    ratio: Spread,
}

impl PostgresBench {
    /// Measures and shows.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn run(&self) -> Result<(), BenchError> {
        let counts_good = !self.in_flight.is_empty() && self.in_flight.iter().all(|count| (1..=16_384).contains(count));
        if self.rounds == 0 || !counts_good || !(0.01..=3_600.0).contains(&self.seconds) {
            let problem = "--rounds from 1, --in-flight from 1 to 16384, --seconds from 0.01 to 3600";
            return Err(BenchError::Option(problem.to_owned()));
        }
        runtime("clients")?.block_on(self.measure())
    }

    async fn measure(&self) -> Result<(), BenchError> {
        let report = Report::begin(self.json, Path::new("."))?;
        let schema = format!("tradewind_bench_{}", std::process::id());
        let joint = if self.url.contains('?') { '&' } else { '?' };
        let refused = |problem| BenchError::Option(format!("--url: {problem}"));
        let url: PostgresUrl = format!("{}{joint}schema={schema}", self.url).parse().map_err(refused)?;
        let plain = Plain::prepare(&self.url, &schema).await?;
        let measured = self.rounds(url, &plain).await;
        plain.remove().await?;
        for count in measured? {
            let mut figure = count.plain.figure(format!("postgres/plain/{}", count.in_flight));
            report.figure(&figure)?;
            figure = count.ours.figure(format!("postgres/append/{}", count.in_flight));
            figure = figure.versus("plain", count.ratio.median());
            if count.in_flight >= AIMED_FROM {
                let rate = figure.value;
                figure = figure.aim(Aim::at_least("value", RATE_MIN, rate));
                figure = figure.aim(Aim::at_least("ratio", RATIO_MIN, count.ratio.median()));
            }
            report.figure(&figure)?;
        }
        Ok(())
    }

    async fn rounds(&self, url: PostgresUrl, plain: &Plain) -> Result<Vec<Count>, BenchError> {
        let options = PostgresOptions { batches_in_flight_max: self.batches, ..PostgresOptions::default() };
        let store = PostgresStore::open(url, options, true).await?;
        let time = Duration::from_secs_f64(self.seconds);
        let mut works = Works::default();
        let count = |in_flight: &usize| Count {
            in_flight: *in_flight,
            ours: HttpRounds::default(),
            plain: HttpRounds::default(),
            ratio: Spread::default(),
        };
        let mut counts: Vec<Count> = self.in_flight.iter().map(count).collect();
        for _ in 0..self.rounds {
            for count in &mut counts {
                let clients = plain.clients(count.in_flight.min(PLAIN_CONNECTIONS_MAX)).await?;
                let apart = drive_clients(works.give(clients), time).await?;
                let clients = vec![OurClient::new(store.clone()); count.in_flight];
                let ours = drive_clients(works.give(clients), time).await?;
                count.ratio.push(ours.rate() / apart.rate());
                count.ours.push(&ours);
                count.plain.push(&apart);
            }
        }
        Ok(counts)
    }
}
