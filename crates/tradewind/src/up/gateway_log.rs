//! The gateway runs in this process; what it logs is shown beside what the services log.

use std::io;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tradewind_events::{Clock, SystemClock};
use tradewind_fleet::Output;

use super::news::News;
use super::screen::{Screen, WeakScreen};

/// Sends this process's log to the screen. `RUST_LOG` chooses what is logged.
pub(crate) fn start(screen: &Screen) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let writer = ToScreen { screen: screen.downgrade(), clock: Arc::new(SystemClock) };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // It fails only if a log was started before, which is as good.
    let _ = log.without_time().with_target(false).with_ansi(false).try_init();
}

#[derive(Clone)]
struct ToScreen {
    screen: WeakScreen,
    clock: Arc<dyn Clock>,
}

impl<'a> MakeWriter<'a> for ToScreen {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl io::Write for ToScreen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(bytes).lines() {
            let text = line.trim().to_owned();
            let at = self.clock.now();
            self.screen.try_tell(News::Log { at, service: "gateway", output: Output::Stderr, text });
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
