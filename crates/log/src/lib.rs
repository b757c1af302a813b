//! The embedded event log: segments, group commit, index, recovery, verification.
