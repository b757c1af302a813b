//! Waiting for writes, but not for ever.

use std::time::Duration;

use tradewind_events::AppendError;

/// Waits for a write: what has not answered in time may still be recorded.
pub(super) async fn write_within<T>(
    limit: Duration,
    write: impl Future<Output = Result<T, AppendError>>,
) -> Result<T, AppendError> {
    tokio::time::timeout(limit, write).await.unwrap_or_else(|_| {
        Err(AppendError::OutcomeUnknown(format!("the store did not answer within {} s", limit.as_secs())))
    })
}
