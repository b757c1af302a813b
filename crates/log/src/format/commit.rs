//! A commit: what one append wrote, all or nothing.

use super::{checksum, get_u32, get_u64, put};

/// The bytes before a commit's body.
pub(crate) const COMMIT_HEADER_BYTES: usize = 32;
/// What every commit begins with; its kind follows.
pub(crate) const MAGIC: [u8; 3] = *b"TWc";

/// What a commit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its body is records.
    Records,
    /// Nothing; only that it tells how far the log was durable before it.
    Mark,
    /// No commit follows in this segment; the next one goes on.
    Seal,
    /// Its body names a stream, and the revision before which its records are given up.
    Truncate,
}

/// The fixed part of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommitHeader {
    pub(crate) kind: Kind,
    pub(crate) body_bytes: u32,
    /// How many records are in it.
    pub(crate) count: u32,
    /// The position of the first of them, or that of the next one if there is none.
    pub(crate) first: u64,
    /// How far back from this commit the log was already durable when it was written: in bytes of this segment.
    pub(crate) durable_back: u32,
    /// How often the log had been opened: a commit is not followed by one of an earlier opening.
    pub(crate) epoch: u32,
}

impl CommitHeader {
    /// The offset up to which the segment was durable when the commit at `offset` was written.
    pub(crate) fn durable(&self, offset: u32) -> u32 {
        offset.saturating_sub(self.durable_back)
    }
}

/// Writes the header before a body that is in place behind it.
pub(crate) fn seal_commit(frame: &mut [u8], header: &CommitHeader, seed: u64, segment: u32, offset: u32) {
    frame[..3].copy_from_slice(&MAGIC);
    frame[3] = match header.kind {
        Kind::Records => b'r',
        Kind::Mark => b'm',
        Kind::Seal => b's',
        Kind::Truncate => b't',
    };
    put(frame, 8, &header.body_bytes.to_le_bytes());
    put(frame, 12, &header.count.to_le_bytes());
    put(frame, 16, &header.first.to_le_bytes());
    put(frame, 24, &header.durable_back.to_le_bytes());
    put(frame, 28, &header.epoch.to_le_bytes());
    let end = COMMIT_HEADER_BYTES + header.body_bytes as usize;
    let sum = checksum(&frame[8..end], seed ^ u64::from(frame[3]), segment, offset);
    put(frame, 4, &sum.to_le_bytes());
}

/// Reads the commit at the beginning of `frame`, checking every byte of it; `None` if there is no whole, sound
/// commit.
pub(crate) fn open_commit(frame: &[u8], seed: u64, segment: u32, offset: u32) -> Option<CommitHeader> {
    let header = peek_commit(frame)?;
    let body = frame.get(8..COMMIT_HEADER_BYTES + header.body_bytes as usize)?;
    let sum = checksum(body, seed ^ u64::from(frame[3]), segment, offset);
    (get_u32(frame, 4) == sum).then_some(header)
}

/// Reads a commit's header without checking it.
pub(crate) fn peek_commit(frame: &[u8]) -> Option<CommitHeader> {
    if frame.len() < COMMIT_HEADER_BYTES || frame[..3] != MAGIC {
        return None;
    }
    let kind = match frame[3] {
        b'r' => Kind::Records,
        b'm' => Kind::Mark,
        b's' => Kind::Seal,
        b't' => Kind::Truncate,
        _ => return None,
    };
    Some(CommitHeader {
        kind,
        body_bytes: get_u32(frame, 8),
        count: get_u32(frame, 12),
        first: get_u64(frame, 16),
        durable_back: get_u32(frame, 24),
        epoch: get_u32(frame, 28),
    })
}

/// The body of a commit that truncates a stream.
pub(crate) fn truncation_body(stream: &[u8], before: u64) -> Vec<u8> {
    let mut body = before.to_le_bytes().to_vec();
    body.extend_from_slice(stream);
    body
}

/// Reads what [`truncation_body`] wrote.
pub(crate) fn open_truncation(body: &[u8]) -> Option<(&[u8], u64)> {
    (body.len() > 8).then(|| (&body[8..], get_u64(body, 0)))
}
