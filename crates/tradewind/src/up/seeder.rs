//! What follows the start: the first data.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tradewind_events::Clock;
use tradewind_fleet::{CommandTemplate, FleetHandle, ServiceName, ServiceStatus, State, TaskLine, Values, run_task};

use super::news::News;
use super::screen::Screen;
use super::system::millis;

/// How often a seed that fails is tried: a service may fall while it runs.
const TRIES: u32 = 3;
/// How long between tries.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs the manifest's seed command once all services are ready.
pub(crate) struct Seeder {
    pub(crate) command: CommandTemplate,
    pub(crate) dir: PathBuf,
    pub(crate) url: String,
    pub(crate) screen: Screen,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) handle: FleetHandle,
    pub(crate) drain: CancellationToken,
}

impl Seeder {
    /// Waits, runs it, and tells how it went.
    pub(crate) async fn run(self) {
        let drain = self.drain.clone();
        tokio::select! {
            () = self.all_ready() => {}
            () = drain.cancelled() => return,
        }
        self.seed().await;
    }

    /// A service that failed may come back; the seed waits for it, and says so.
    async fn all_ready(&self) {
        self.handle.settled().await;
        let mut told = Vec::new();
        loop {
            let status = self.handle.status();
            let missing: Vec<&ServiceStatus> = status.iter().filter(|status| status.state != State::Ready).collect();
            if missing.is_empty() {
                return;
            }
            // What starts or restarts will be there, or fail, by itself.
            let stuck = missing.iter().all(|status| matches!(status.state, State::Failed | State::Waiting));
            let mut services: Vec<ServiceName> = missing.iter().map(|status| status.instance.service.clone()).collect();
            services.dedup();
            if stuck && services != told {
                self.screen.tell(News::SeedWaiting { services: services.clone() }).await;
                told = services;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn seed(&self) {
        let addresses = self.handle.addresses().into_iter();
        let upstreams = addresses.map(|(name, address)| (name, format!("http://{address}"))).collect();
        let values = Values { gateway: Some(self.url.clone()), upstreams, ..Values::default() };
        let begun = Instant::now();
        let mut reason = None;
        for attempt in 1..=TRIES {
            reason = match self.command.fill(&values) {
                Ok(words) => self.seed_once(&words).await,
                Err(error) => Some(error.to_string()),
            };
            if reason.is_none() || self.drain.is_cancelled() || attempt == TRIES {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if !self.drain.is_cancelled() {
            self.screen.tell(News::Seeded { ok: reason.is_none(), took_ms: millis(begun.elapsed()), reason }).await;
        }
    }

    /// Runs the seed; tells why it failed if it did.
    async fn seed_once(&self, words: &[String]) -> Option<String> {
        self.screen.tell(News::Seeding { command: shell_words::join(words) }).await;
        let line = |TaskLine { output, text }| {
            self.screen.try_tell(News::Log { at: self.clock.now(), service: "seed", output, text });
        };
        run_task(words, &self.dir, &self.drain, line).await.err().map(|error| error.to_string())
    }
}
