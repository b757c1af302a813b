//! Logs: pretty on a terminal, JSON otherwise. Whoever reads the environment decides which.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people, with colours.
    Pretty,
    /// For people, without colours.
    Plain,
    /// For programs: one JSON object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is malformed.
    #[error("log filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// It has been set up before.
    #[error(transparent)]
    Twice(#[from] TryInitError),
}

/// Sets up logging to standard error for the whole process, once. `filter` is as `info,tradewind_service=debug`.
///
/// # Errors
/// [`LogError`] if the filter is malformed or logging is set up already.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(filter)?;
    let base = tracing_subscriber::registry().with(filter);
    let writer = std::io::stderr;
    match format {
        LogFormat::Pretty => base.with(fmt::layer().with_writer(writer).with_target(false)).try_init()?,
        LogFormat::Plain => base.with(fmt::layer().with_writer(writer).with_ansi(false)).try_init()?,
        LogFormat::Json => {
            base.with(fmt::layer().json().flatten_event(true).with_writer(writer)).try_init()?;
        }
    }
    Ok(())
}
