//! Services that are well, and have not come as far as a request wants them to.

use http::{HeaderMap, StatusCode};

use crate::position::{AFTER, POSITION, position_in};

/// Whether an answer says that its service has not come so far yet: it refuses, and tells a position before the one that the
/// request asks for. That says nothing of what it would answer others.
pub(crate) fn is_behind(request: &HeaderMap, (status, answer): (StatusCode, &HeaderMap)) -> bool {
    status == StatusCode::SERVICE_UNAVAILABLE
        && position_in(request, &AFTER)
            .zip(position_in(answer, &POSITION))
            .is_some_and(|(wanted, reached)| reached < wanted)
}
