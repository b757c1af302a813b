//! A record: one event as bytes. It can be read and checked by itself, without the commit around it.

use std::ops::Range;

use bytes::Bytes;

use super::{checksum, get_u16, get_u32, get_u64, get_u128, put};

/// The fixed part of a record.
pub(crate) const RECORD_HEADER_BYTES: usize = 60;
/// It is the last of its commit.
const LAST: u8 = 1;
/// It was given up: only its stream and id are left, so that positions, revisions and ids keep their meaning.
const GIVEN_UP: u8 = 2;
/// It is the first of its commit.
const FIRST: u8 = 4;

/// What a record is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) id: u128,
    pub(crate) time: i64,
    pub(crate) stream: &'a [u8],
    pub(crate) category_bytes: u8,
    pub(crate) kind: &'a [u8],
    pub(crate) tags: &'a [u8],
    pub(crate) metadata: &'a [u8],
    pub(crate) data: &'a [u8],
}

/// Appends a record whose place is not yet known; [`place_record`] completes it.
pub(crate) fn draft_record(parts: &Parts<'_>, body: &mut Vec<u8>) {
    let len = RECORD_HEADER_BYTES
        + parts.stream.len()
        + parts.kind.len()
        + parts.tags.len()
        + parts.metadata.len()
        + parts.data.len();
    let mut header = [0; RECORD_HEADER_BYTES];
    put(&mut header, 0, &(len as u32).to_le_bytes());
    put(&mut header, 8, &parts.id.to_le_bytes());
    put(&mut header, 24, &parts.time.to_le_bytes());
    header[52] = parts.stream.len() as u8;
    header[53] = parts.category_bytes;
    header[54] = parts.kind.len() as u8;
    put(&mut header, 56, &(parts.tags.len() as u16).to_le_bytes());
    put(&mut header, 58, &(parts.metadata.len() as u16).to_le_bytes());
    body.extend_from_slice(&header);
    for part in [parts.stream, parts.kind, parts.tags, parts.metadata, parts.data] {
        body.extend_from_slice(part);
    }
}

/// Appends what is left of a record that was given up elsewhere, whose place here is not yet known.
pub(crate) fn draft_given_up(id: u128, time: i64, stream: &[u8], category_bytes: u8, body: &mut Vec<u8>) {
    let start = body.len();
    draft_record(&Parts { id, time, stream, category_bytes, kind: &[], tags: &[], metadata: &[], data: &[] }, body);
    body[start + 55] |= GIVEN_UP;
}

/// Where a record comes to stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) seed: u64,
    pub(crate) segment: u32,
    pub(crate) offset: u32,
    /// Its number within its segment, from 0.
    pub(crate) ordinal: u32,
    pub(crate) revision: u64,
    /// When it is recorded.
    pub(crate) at: i64,
    pub(crate) first: bool,
    pub(crate) last: bool,
}

/// Completes a drafted record with its place, and seals it.
pub(crate) fn place_record(record: &mut [u8], place: &Place) {
    put(record, 32, &place.at.to_le_bytes());
    put(record, 40, &place.revision.to_le_bytes());
    put(record, 48, &place.ordinal.to_le_bytes());
    let ends = if place.first { FIRST } else { 0 } | if place.last { LAST } else { 0 };
    record[55] = (record[55] & !(FIRST | LAST)) | ends;
    reseal_record(record, place.seed, place.segment, place.offset);
}

/// Computes a record's checksum anew, after it was moved.
pub(crate) fn reseal_record(record: &mut [u8], seed: u64, segment: u32, offset: u32) {
    let sum = checksum(&record[8..], seed, segment, offset);
    put(record, 4, &sum.to_le_bytes());
}

/// Appends what remains of a record that was given up.
pub(crate) fn give_up_record(record: RecordRef<'_>, body: &mut Vec<u8>) {
    let start = body.len();
    let keep = RECORD_HEADER_BYTES + record.stream().len();
    body.extend_from_slice(&record.bytes[..keep]);
    let header = &mut body[start..];
    put(header, 0, &(keep as u32).to_le_bytes());
    header[54] = 0;
    header[55] |= GIVEN_UP;
    put(header, 56, &[0; 4]);
}

/// A record in somebody's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    bytes: &'a [u8],
    first: u64,
}

/// Why bytes are no record.
pub(crate) const UNSOUND: &str = "a record's checksum or shape is wrong";

impl<'a> RecordRef<'a> {
    /// Reads the record at the beginning of `bytes` and checks it. `first` is the position of its segment's first
    /// record.
    pub(crate) fn open(bytes: &'a [u8], seed: u64, segment: u32, offset: u32, first: u64) -> Option<Self> {
        let record = Self::peek(bytes, first)?;
        (get_u32(bytes, 4) == checksum(&record.bytes[8..], seed, segment, offset)).then_some(record)
    }

    /// Reads the record at the beginning of `bytes` without its checksum, which its commit's has covered. What it
    /// gives never points outside the record, whatever the bytes are.
    pub(crate) fn peek(bytes: &'a [u8], first: u64) -> Option<Self> {
        if bytes.len() < RECORD_HEADER_BYTES {
            return None;
        }
        let len = get_u32(bytes, 0) as usize;
        let record = Self { bytes: bytes.get(..len)?, first };
        (len >= RECORD_HEADER_BYTES && record.data_start() <= len && record.bytes[53] <= record.bytes[52])
            .then_some(record)
    }

    fn stream_end(&self) -> usize {
        RECORD_HEADER_BYTES + self.bytes[52] as usize
    }

    fn kind_end(&self) -> usize {
        self.stream_end() + self.bytes[54] as usize
    }

    fn tags_end(&self) -> usize {
        self.kind_end() + get_u16(self.bytes, 56) as usize
    }

    fn data_start(&self) -> usize {
        self.tags_end() + get_u16(self.bytes, 58) as usize
    }

    /// Where it stands in the log.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.first + u64::from(self.ordinal())
    }

    pub(crate) fn ordinal(&self) -> u32 {
        get_u32(self.bytes, 48)
    }

    /// Where it stands in its stream.
    #[must_use]
    pub fn revision(&self) -> u64 {
        get_u64(self.bytes, 40)
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> u128 {
        get_u128(self.bytes, 8)
    }

    /// When it happened, in microseconds since the epoch, by its writer.
    #[must_use]
    pub fn time(&self) -> i64 {
        get_u64(self.bytes, 24).cast_signed()
    }

    /// When it was recorded, in microseconds since the epoch, by the log's clock.
    #[must_use]
    pub fn recorded_at(&self) -> i64 {
        get_u64(self.bytes, 32).cast_signed()
    }

    /// Its stream's name.
    #[must_use]
    pub fn stream(&self) -> &'a [u8] {
        &self.bytes[RECORD_HEADER_BYTES..self.stream_end()]
    }

    /// The part of its stream's name that is the category.
    #[must_use]
    pub fn category(&self) -> &'a [u8] {
        &self.bytes[RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + self.bytes[53] as usize]
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &'a [u8] {
        &self.bytes[self.stream_end()..self.kind_end()]
    }

    /// Its tags, separated by commas.
    #[must_use]
    pub fn tags(&self) -> &'a [u8] {
        &self.bytes[self.kind_end()..self.tags_end()]
    }

    /// Its tags, one by one.
    pub fn each_tag(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.tags().split(|byte| *byte == b',').filter(|tag| !tag.is_empty())
    }

    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &'a [u8] {
        &self.bytes[self.tags_end()..self.data_start()]
    }

    /// Its data.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        &self.bytes[self.data_start()..]
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn is_first(&self) -> bool {
        self.bytes[55] & FIRST != 0
    }

    pub(crate) fn is_last(&self) -> bool {
        self.bytes[55] & LAST != 0
    }

    pub(crate) fn is_given_up(&self) -> bool {
        self.bytes[55] & GIVEN_UP != 0
    }
}

/// A record that shares the block it was read in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    block: Bytes,
    first: u64,
}

impl Record {
    /// The record that begins `block`, which has been checked.
    pub(crate) fn new(block: Bytes, first: u64) -> Self {
        Self { block, first }
    }

    /// The record, to be asked.
    #[must_use]
    pub fn get(&self) -> RecordRef<'_> {
        RecordRef { bytes: &self.block, first: self.first }
    }

    /// All of its bytes; the ranges below point into them.
    #[must_use]
    pub fn block(&self) -> &Bytes {
        &self.block
    }

    /// Where its stream's name lies in the block.
    #[must_use]
    pub fn stream_range(&self) -> Range<u32> {
        RECORD_HEADER_BYTES as u32..self.get().stream_end() as u32
    }

    /// Where its type lies in the block.
    #[must_use]
    pub fn kind_range(&self) -> Range<u32> {
        self.get().stream_end() as u32..self.get().kind_end() as u32
    }

    /// Where its tags lie in the block.
    #[must_use]
    pub fn tags_range(&self) -> Range<u32> {
        self.get().kind_end() as u32..self.get().tags_end() as u32
    }

    /// Where its metadata lies in the block.
    #[must_use]
    pub fn metadata_range(&self) -> Range<u32> {
        self.get().tags_end() as u32..self.get().data_start() as u32
    }

    /// Where its data lies in the block.
    #[must_use]
    pub fn data_range(&self) -> Range<u32> {
        self.get().data_start() as u32..self.block.len() as u32
    }
}
