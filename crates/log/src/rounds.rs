//! The rounds that readers do not see yet: one is being prepared, one is at the disk, and some have come back from
//! there. An append is checked against all of them as if they were durable; if one does not become so, what rests on
//! it is not written either.

use std::collections::VecDeque;
use std::io;

use bytes::{Bytes, BytesMut};

use crate::key::Keys;
use crate::pending::{Pending, PendingRecord};
use crate::query::Query;
use crate::round::Round;

/// How many rounds may have come back and wait to be shown, before the disk waits for that.
const LANDED_MAX: usize = 2;
/// How much more room than a round like the last one needs a reused buffer may have: it stays in memory as long as
/// what is written into it.
const REUSED_BYTES_OVER: usize = 4_096;

/// A round that was at the disk, and what the disk said.
pub(crate) struct Landed {
    pub(crate) round: Round<Bytes>,
    pub(crate) written: io::Result<()>,
}

pub(crate) struct Rounds {
    /// The one that is being prepared.
    pub(crate) next: Round<BytesMut>,
    /// The one at the disk.
    sent: Option<Round<Bytes>>,
    /// Those that have come back, oldest first.
    landed: VecDeque<Landed>,
    /// The next one is to stay here: the segment is about to change.
    pub(crate) held: bool,
    /// One could not be written: no other ever will be.
    failed: bool,
    pub(crate) closed: bool,
    /// What rounds that are over no longer need.
    used_pending: Vec<Pending>,
    used_bytes: Option<BytesMut>,
    keys: Keys,
}

impl Rounds {
    pub(crate) fn new(next: Round<BytesMut>, keys: Keys) -> Self {
        Self {
            next,
            sent: None,
            landed: VecDeque::new(),
            held: false,
            failed: false,
            closed: false,
            used_pending: Vec::new(),
            used_bytes: None,
            keys,
        }
    }

    /// The one at the disk.
    pub(crate) fn sent(&self) -> Option<&Round<Bytes>> {
        self.sent.as_ref()
    }

    /// Whether none is at the disk, and none that has come back waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.sent.is_none() && self.landed.is_empty()
    }

    /// Whether only the disk can bring it further.
    pub(crate) fn is_waiting(&self) -> bool {
        self.sent.is_some() && self.landed.is_empty()
    }

    /// Takes the next round as it is, and begins another behind it.
    pub(crate) fn turn(&mut self) -> Round<Bytes> {
        let next = &self.next;
        let bytes = match self.used_bytes.take() {
            Some(used) if used.capacity() <= next.bytes.len() * 2 + REUSED_BYTES_OVER => used,
            _ => BytesMut::with_capacity(next.bytes.len()),
        };
        let round = Round {
            segment: std::sync::Arc::clone(&next.segment),
            epoch: next.epoch,
            bytes,
            start: next.end(),
            records: Vec::with_capacity(next.records.len()),
            first: next.next(),
            pending: self.used_pending.pop().unwrap_or_else(|| Pending::new(&self.keys)),
            truncations: Vec::new(),
            answers: Vec::with_capacity(next.answers.len()),
        };
        std::mem::replace(&mut self.next, round).freeze()
    }

    /// Sends the next round to the disk, if there is something to write and nothing against it. Answers whether it
    /// did.
    pub(crate) fn send(&mut self) -> bool {
        let may = self.sent.is_none() && !self.held && !self.failed && self.landed.len() < LANDED_MAX;
        if !may || self.next.bytes.is_empty() {
            return false;
        }
        self.sent = Some(self.turn());
        true
    }

    /// Takes the one at the disk back.
    pub(crate) fn land(&mut self, written: io::Result<()>) {
        self.failed |= written.is_err();
        self.landed.extend(self.sent.take().map(|round| Landed { round, written }));
    }

    /// The oldest one that has come back.
    pub(crate) fn take_landed(&mut self) -> Option<Landed> {
        self.landed.pop_front()
    }

    /// Keeps for the rounds to come what one that is over no longer needs.
    pub(crate) fn reuse(&mut self, mut pending: Pending, bytes: Option<BytesMut>) {
        pending.clear();
        self.used_pending.push(pending);
        self.used_bytes = bytes.map(|mut bytes| {
            bytes.clear();
            bytes
        });
    }

    fn each(&self) -> impl Iterator<Item = &Pending> {
        // The newest first: what it says of a stream holds.
        let landed = self.landed.iter().rev().map(|landed| &landed.round.pending);
        std::iter::once(&self.next.pending).chain(self.sent.iter().map(|sent| &sent.pending)).chain(landed)
    }

    /// How many records a stream will have, if one of them writes to it, and the second look at its name.
    pub(crate) fn stream(&self, hash: u128) -> Option<(u64, u32)> {
        self.each().find_map(|pending| pending.stream(hash))
    }

    pub(crate) fn id(&self, id: u128) -> Option<PendingRecord> {
        self.each().find_map(|pending| pending.id(id))
    }

    /// The newest position of a category, type or tag, as of the last [`Rounds::note_names`].
    pub(crate) fn newest(&self, hash: u128) -> Option<u64> {
        self.each().find_map(|pending| pending.newest(hash))
    }

    /// Brings [`Rounds::newest`] up to date.
    pub(crate) fn note_names(&mut self) {
        let older = self.landed.iter_mut().map(|landed| &mut landed.round).chain(&mut self.sent);
        older.for_each(|round| round.note_names(&self.keys));
        self.next.note_names(&self.keys);
    }

    /// The last position among them and before them.
    pub(crate) fn last(&self) -> u64 {
        self.next.next() - 1
    }

    /// The position of the first record after another that matches.
    pub(crate) fn first_match(&self, query: &Query, after: u64) -> Option<u64> {
        let older = self.landed.iter().map(|landed| &landed.round).chain(&self.sent);
        let mut records = older.flat_map(|round| round.records_from(0)).chain(self.next.records_from(0));
        let found = records.find(|record| record.position() > after && query.matches(*record))?;
        Some(found.position())
    }
}
