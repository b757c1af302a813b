//! Services that are well, and have not come as far as a request wants them to.

use http::{HeaderMap, StatusCode};

/// Whether an answer says that its service has not come so far yet: it refuses, and tells a position before the one that the
/// request asks for. That says nothing of what it would answer others.
pub(crate) fn is_behind(request: &HeaderMap, (status, answer): (StatusCode, &HeaderMap)) -> bool {
    let position = |headers: &HeaderMap, name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    status == StatusCode::SERVICE_UNAVAILABLE
        && position(request, "tradewind-after")
            .zip(position(answer, "tradewind-position"))
            .is_some_and(|(wanted, reached)| reached < wanted)
}
