//! The gateway runs in this process; what it logs is shown beside what the services log.

use std::io;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tradewind_events::{Clock, ErrorCode, SystemClock};
use tradewind_fleet::Output;
use tradewind_gateway::AccessLog;

use super::news::News;
use super::screen::{Screen, WeakScreen};
use crate::failure::Failure;
use crate::manifest::{AccessSection, Manifest};

/// Sends this process's log to the screen. `RUST_LOG` chooses what is logged.
pub(crate) fn start(screen: &Screen) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let writer = ToScreen::new(screen, Output::Stderr);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // It fails only if a log was started before, which is as good.
    let _ = log.without_time().with_target(false).with_ansi(false).try_init();
}

/// Begins the access log, if there is to be one: in a file, or on the screen.
///
/// # Errors
/// TW-4001 if the file cannot be written.
pub(crate) fn start_access(manifest: &Manifest, screen: &Screen) -> anyhow::Result<Option<AccessLog>> {
    let Some(AccessSection { options, file, .. }) = &manifest.gateway.access else { return Ok(None) };
    let Some(file) = file.as_ref().map(|file| manifest.dir.join(file)) else {
        return Ok(Some(AccessLog::to(*options, ToScreen::new(screen, Output::Stdout))?));
    };
    let log = AccessLog::to_file(*options, &file).map_err(|error| {
        let message = format!("the access log {} cannot be written: {error}", file.display());
        Failure::coded(ErrorCode::BAD_MANIFEST, message, "name a file that may be written in [gateway.log], or none")
    })?;
    Ok(Some(log))
}

#[derive(Clone)]
struct ToScreen {
    screen: WeakScreen,
    output: Output,
    clock: Arc<dyn Clock>,
}

impl ToScreen {
    fn new(screen: &Screen, output: Output) -> Self {
        Self { screen: screen.downgrade(), output, clock: Arc::new(SystemClock) }
    }
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
            self.screen.try_tell(News::Log { at, service: "gateway", output: self.output, text });
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
