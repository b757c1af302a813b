//! A sealed segment's index as a file. All of it is derived: when a checksum fails, it is built anew from the
//! segment.
//!
//! ```text
//! header      128 bytes: what it is the index of, where its sections are, a checksum of each
//! marks       12 bytes for every 64th record: offset, time of recording
//! truncations revision, length, stream
//! dictionary  48 bytes a key, by hash: base, previous segment, count, where its postings are and their checksum
//! filter      16 bits an id
//! ids         8 bytes an id, by hash, in blocks of 512 with a checksum each
//! postings    offsets of the records that have a key
//! ```

use std::io;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::format::header::Header;
use crate::format::{checksum, get_u32, get_u64, get_u128, put};
use crate::index::bloom::Bloom;
use crate::index::live::LiveIndex;
use crate::index::table::{KeyState, KeyTable};
use crate::index::{KeyEntry, MARK_EVERY, postings};
use crate::key::Keys;
use crate::storage::File;

const MAGIC: &[u8; 8] = b"TWINDIDX";
const FORMAT: u32 = 1;
const HEADER_BYTES: usize = 128;
const MARK_BYTES: usize = 12;
const ENTRY_BYTES: usize = 48;
const ID_BYTES: usize = 8;
const IDS_A_BLOCK: usize = 512;
const BLOCK_BYTES: usize = IDS_A_BLOCK * ID_BYTES + 4;
/// How many dictionary entries one look reads.
const WINDOW: u64 = 64;
/// How often a place in the dictionary is estimated before it is found by halving.
const GUESSES: u32 = 3;

/// Where a segment ends: with which commit, and what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentEnd {
    /// Where the seal is.
    pub(crate) seal: u32,
    /// The position of the next segment's first record.
    pub(crate) next: u64,
}

/// The index of a sealed segment, whose larger part stays on the disk.
pub(crate) struct FileIndex {
    file: Arc<dyn File>,
    pub(crate) first: u64,
    pub(crate) count: u32,
    pub(crate) end: SegmentEnd,
    marks: Vec<(u32, i64)>,
    pub(crate) last_at: i64,
    pub(crate) truncations: Vec<(Box<[u8]>, u64)>,
    bloom: Bloom,
    keys: u64,
    dictionary_at: u64,
    ids_at: u64,
    postings_at: u64,
    postings_bytes: u32,
    /// The file as memory, if that was asked for.
    mapped: OnceLock<Bytes>,
}

/// Why an index file is of no use: it is missing, cut, stale or damaged. The segment tells the same.
#[derive(Debug)]
pub(crate) struct Useless(pub(crate) String);

impl From<io::Error> for Useless {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

fn useless(what: &str) -> Useless {
    Useless(what.to_owned())
}

/// Writes a segment's index as one block of bytes.
pub(crate) fn encode(live: &LiveIndex, header: &Header, end: SegmentEnd, keys: &Keys) -> Vec<u8> {
    let sum = |bytes: &[u8], part: u32| checksum(bytes, keys.seed(), header.segment, part);
    let mut marks = Vec::with_capacity(live.marks.len() * MARK_BYTES);
    for (offset, at) in &live.marks {
        marks.extend_from_slice(&offset.to_le_bytes());
        marks.extend_from_slice(&at.to_le_bytes());
    }
    let mut truncations = Vec::new();
    for (stream, before) in &live.truncations {
        truncations.extend_from_slice(&before.to_le_bytes());
        truncations.push(stream.len() as u8);
        truncations.extend_from_slice(stream);
    }

    let mut sorted: Vec<_> = live.keys.iter().collect();
    sorted.sort_unstable_by_key(|(hash, _)| **hash);
    let (mut dictionary, mut lists) = (Vec::with_capacity(sorted.len() * ENTRY_BYTES), Vec::new());
    for (hash, key) in sorted {
        let start = lists.len();
        postings::encode(&key.offsets, &mut lists);
        let mut entry = [0; ENTRY_BYTES];
        put(&mut entry, 0, &hash.to_le_bytes());
        put(&mut entry, 16, &key.check.to_le_bytes());
        put(&mut entry, 20, &(key.offsets.len() as u32).to_le_bytes());
        put(&mut entry, 24, &key.base.to_le_bytes());
        put(&mut entry, 32, &key.previous.to_le_bytes());
        put(&mut entry, 36, &(start as u32).to_le_bytes());
        put(&mut entry, 40, &key.last_ordinal.to_le_bytes());
        put(&mut entry, 44, &sum(&lists[start..], start as u32).to_le_bytes());
        dictionary.extend_from_slice(&entry);
    }

    let mut ids: Vec<(u64, u32)> = live.ids.iter().map(|(id, offset)| (keys.id(*id), *offset)).collect();
    ids.sort_unstable();
    let mut bloom = Bloom::for_ids(ids.len());
    ids.iter().for_each(|(hash, _)| bloom.insert(*hash));
    let mut filter = Vec::new();
    bloom.encode(&mut filter);
    let mut blocks = Vec::with_capacity(ids.len() * ID_BYTES + ids.len() / 64);
    for chunk in ids.chunks(IDS_A_BLOCK) {
        let start = blocks.len();
        for (hash, offset) in chunk {
            blocks.extend_from_slice(&((hash >> 32) as u32).to_le_bytes());
            blocks.extend_from_slice(&offset.to_le_bytes());
        }
        let block = sum(&blocks[start..], start as u32);
        blocks.extend_from_slice(&block.to_le_bytes());
    }

    let mut out = vec![0; HEADER_BYTES];
    put(&mut out, 0, MAGIC);
    put(&mut out, 8, &FORMAT.to_le_bytes());
    put(&mut out, 12, &header.segment.to_le_bytes());
    put(&mut out, 16, &header.store.to_le_bytes());
    put(&mut out, 32, &live.first.to_le_bytes());
    put(&mut out, 40, &live.count.to_le_bytes());
    put(&mut out, 44, &header.generation.to_le_bytes());
    put(&mut out, 48, &end.seal.to_le_bytes());
    put(&mut out, 52, &end.next.to_le_bytes());
    put(&mut out, 60, &live.last_at.to_le_bytes());
    for (number, section) in [&marks, &truncations, &dictionary, &filter].into_iter().enumerate() {
        put(&mut out, 68 + number * 8, &(section.len() as u32).to_le_bytes());
        put(&mut out, 72 + number * 8, &sum(section, number as u32).to_le_bytes());
    }
    put(&mut out, 100, &(ids.len() as u32).to_le_bytes());
    put(&mut out, 104, &(lists.len() as u32).to_le_bytes());
    let whole = sum(&out[..HEADER_BYTES - 4], u32::MAX);
    put(&mut out, HEADER_BYTES - 4, &whole.to_le_bytes());
    for section in [marks, truncations, dictionary, filter, blocks, lists] {
        out.extend_from_slice(&section);
    }
    out
}

fn ids_bytes(ids: u64) -> u64 {
    ids * ID_BYTES as u64 + ids.div_ceil(IDS_A_BLOCK as u64) * 4
}

impl FileIndex {
    /// Opens an index if it is sound and of this very segment. Its dictionary comes with it, for
    /// [`FileIndex::absorb`].
    pub(crate) fn open(
        file: Arc<dyn File>,
        segment: &Header,
        first: u64,
        keys: &Keys,
    ) -> Result<(Self, Vec<u8>), Useless> {
        let mut header = [0; HEADER_BYTES];
        file.read_at(&mut header, 0)?;
        let sum = |bytes: &[u8], part: u32| checksum(bytes, keys.seed(), segment.segment, part);
        if &header[..8] != MAGIC || get_u32(&header, 8) != FORMAT {
            return Err(useless("it is no index of this format"));
        }
        if get_u32(&header, HEADER_BYTES - 4) != sum(&header[..HEADER_BYTES - 4], u32::MAX) {
            return Err(useless("its header is damaged"));
        }
        if get_u32(&header, 12) != segment.segment
            || get_u128(&header, 16) != segment.store
            || get_u32(&header, 44) != segment.generation
            || get_u64(&header, 32) != first
        {
            return Err(useless("it belongs to another segment"));
        }
        let lengths: [u64; 4] = std::array::from_fn(|number| u64::from(get_u32(&header, 68 + number * 8)));
        let (ids, postings_bytes) = (u64::from(get_u32(&header, 100)), get_u32(&header, 104));
        if ids != u64::from(get_u32(&header, 40)) {
            return Err(useless("it does not have an id for every record"));
        }
        let mut at = HEADER_BYTES as u64;
        let starts = lengths.map(|length| {
            let start = at;
            at += length;
            start
        });
        let (ids_at, postings_at) = (at, at + ids_bytes(ids));
        if file.len()? != postings_at + u64::from(postings_bytes) {
            return Err(useless("it is cut"));
        }
        let section = |number: usize| -> Result<Vec<u8>, Useless> {
            let mut bytes = vec![0; lengths[number] as usize];
            file.read_at(&mut bytes, starts[number])?;
            if get_u32(&header, 72 + number * 8) != sum(&bytes, number as u32) {
                return Err(useless("one of its sections is damaged"));
            }
            Ok(bytes)
        };

        let marks = section(0)?
            .chunks_exact(MARK_BYTES)
            .map(|mark| (get_u32(mark, 0), get_u64(mark, 4).cast_signed()))
            .collect();
        let mut truncations: Vec<(Box<[u8]>, u64)> = Vec::new();
        let bytes = section(1)?;
        let mut rest = bytes.as_slice();
        while rest.len() > 9 {
            let len = rest[8] as usize;
            let stream = rest.get(9..9 + len).ok_or_else(|| useless("its truncations are cut"))?;
            truncations.push((stream.into(), get_u64(rest, 0)));
            rest = &rest[9 + len..];
        }
        let dictionary = section(2)?;
        let bloom = Bloom::decode(&section(3)?).ok_or_else(|| useless("its filter is cut"))?;
        let index = Self {
            first,
            count: get_u32(&header, 40),
            end: SegmentEnd { seal: get_u32(&header, 48), next: get_u64(&header, 52) },
            marks,
            last_at: get_u64(&header, 60).cast_signed(),
            truncations,
            bloom,
            keys: lengths[2] / ENTRY_BYTES as u64,
            dictionary_at: starts[2],
            ids_at,
            postings_at,
            postings_bytes,
            mapped: OnceLock::new(),
            file,
        };
        Ok((index, dictionary))
    }

    /// From now on reads through memory.
    pub(crate) fn map(&self) {
        let whole = self.postings_at + u64::from(self.postings_bytes);
        if let Some(bytes) = self.file.map()
            && bytes.len() as u64 == whole
        {
            let _ = self.mapped.set(bytes);
        }
    }

    fn read(&self, at: u64, bytes: usize) -> Result<Bytes, Useless> {
        if let Some(mapped) = self.mapped.get() {
            let start = at as usize;
            return if start + bytes <= mapped.len() {
                Ok(mapped.slice(start..start + bytes))
            } else {
                Err(useless("it is cut"))
            };
        }
        let mut buffer = vec![0; bytes];
        self.file.read_at(&mut buffer, at)?;
        Ok(Bytes::from(buffer))
    }

    /// Takes the keys of a dictionary over into the table of all keys.
    pub(crate) fn absorb(&self, dictionary: &[u8], segment: u32, table: &mut KeyTable) {
        table.reserve(dictionary.len() / ENTRY_BYTES / 2);
        for entry in dictionary.chunks_exact(ENTRY_BYTES) {
            let state = KeyState {
                check: get_u32(entry, 16),
                segment,
                count: get_u64(entry, 24) + u64::from(get_u32(entry, 20)),
                last: self.first + u64::from(get_u32(entry, 40)),
            };
            table.put(get_u128(entry, 0), state);
        }
    }

    /// What the index knows of a key. The error says why the file is of no use.
    pub(crate) fn find(&self, hash: u128, keys: &Keys, segment: u32) -> Result<Option<KeyEntry>, Useless> {
        let Some((entry, end)) = self.dictionary_entry(hash)? else {
            return Ok(None);
        };
        let start = get_u32(&entry, 36);
        let length = end.checked_sub(start).ok_or_else(|| useless("its postings overlap"))? as usize;
        let bytes = self.read(self.postings_at + u64::from(start), length)?;
        if checksum(&bytes, keys.seed(), segment, start) != get_u32(&entry, 44) {
            return Err(useless("its postings are damaged"));
        }
        let offsets = postings::decode(&bytes, get_u32(&entry, 20) as usize)
            .ok_or_else(|| useless("its postings are not a list"))?;
        Ok(Some(KeyEntry { base: get_u64(&entry, 24), previous: get_u32(&entry, 32), offsets: offsets.into() }))
    }

    /// The dictionary's entry for a hash, and where its postings end. Hashes are spread evenly: the first guess is
    /// some dozens of entries off, the second, from the edge of what was read, nearly always right. Halving makes
    /// sure that it ends.
    fn dictionary_entry(&self, hash: u128) -> Result<Option<([u8; ENTRY_BYTES], u32)>, Useless> {
        let (mut low, mut high) = (0, self.keys);
        let share = |distance: u128| (((distance >> 64) * u128::from(self.keys)) >> 64) as u64;
        let mut guess = share(hash);
        for attempt in 0.. {
            if low >= high {
                break;
            }
            let start = guess.saturating_sub(WINDOW / 2).clamp(low, high - 1);
            // One entry more, since it tells where the last one's postings end.
            let count = WINDOW.min(high - start);
            let read = (count + 1).min(self.keys - start);
            let bytes = self.read(self.dictionary_at + start * ENTRY_BYTES as u64, read as usize * ENTRY_BYTES)?;
            let entries: &[[u8; ENTRY_BYTES]] = bytes.as_chunks().0;
            let window = &entries[..count as usize];
            match window.binary_search_by_key(&hash, |entry| get_u128(entry, 0)) {
                Ok(found) => {
                    let end = entries.get(found + 1).map_or(self.postings_bytes, |next| get_u32(next, 36));
                    return Ok(Some((window[found], end)));
                }
                Err(0) => {
                    high = start;
                    guess = start.saturating_sub(share(get_u128(&window[0], 0) - hash));
                }
                Err(at) if at == window.len() => {
                    low = start + count;
                    guess = low + share(hash - get_u128(&window[at - 1], 0));
                }
                Err(_) => return Ok(None),
            }
            if attempt >= GUESSES {
                guess = low + (high - low) / 2;
            }
        }
        Ok(None)
    }

    /// The offsets of the records whose ids may be this one.
    pub(crate) fn find_id(&self, hash: u64, keys: &Keys, segment: u32) -> Result<Vec<u32>, Useless> {
        let mut found = Vec::new();
        if !self.bloom.may_contain(hash) || self.count == 0 {
            return Ok(found);
        }
        let wanted = (hash >> 32) as u32;
        let blocks = u64::from(self.count).div_ceil(IDS_A_BLOCK as u64);
        // The first block whose last hash is not below the wanted one.
        let (mut low, mut high) = (0, blocks);
        let mut guess = (u64::from(wanted) * blocks) >> 32;
        while low < high {
            let block = self.id_block(guess, keys, segment)?;
            let last = block.len() - ID_BYTES;
            if get_u32(&block, last) < wanted {
                low = guess + 1;
            } else if guess == low || get_u32(&block, 0) < wanted {
                (low, high) = (guess, guess);
            } else {
                high = guess;
            }
            guess = (low + high) / 2;
        }
        while low < blocks {
            let block = self.id_block(low, keys, segment)?;
            for entry in block.chunks_exact(ID_BYTES) {
                match get_u32(entry, 0).cmp(&wanted) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => found.push(get_u32(entry, 4)),
                    std::cmp::Ordering::Greater => return Ok(found),
                }
            }
            low += 1;
        }
        Ok(found)
    }

    fn id_block(&self, number: u64, keys: &Keys, segment: u32) -> Result<Bytes, Useless> {
        let start = number * BLOCK_BYTES as u64;
        let ids = (u64::from(self.count) - number * IDS_A_BLOCK as u64).min(IDS_A_BLOCK as u64) as usize;
        let mut block = self.read(self.ids_at + start, ids * ID_BYTES + 4)?;
        let body = block.len() - 4;
        if get_u32(&block, body) != checksum(&block[..body], keys.seed(), segment, start as u32) {
            return Err(useless("its ids are damaged"));
        }
        block.truncate(body);
        Ok(block)
    }

    /// The marked record at or before an ordinal: its ordinal and offset.
    pub(crate) fn mark_before(&self, ordinal: u32) -> Option<(u32, u32)> {
        let index = ((ordinal / MARK_EVERY) as usize).min(self.marks.len().checked_sub(1)?);
        Some((index as u32 * MARK_EVERY, self.marks[index].0))
    }

    pub(crate) fn marks(&self) -> &[(u32, i64)] {
        &self.marks
    }

    /// Reads all of it and checks every byte. For verification.
    pub(crate) fn check_all(&self, keys: &Keys, segment: u32) -> Result<(), Useless> {
        for number in 0..u64::from(self.count).div_ceil(IDS_A_BLOCK as u64) {
            self.id_block(number, keys, segment)?;
        }
        let dictionary = self.read(self.dictionary_at, self.keys as usize * ENTRY_BYTES)?;
        for entry in dictionary.chunks_exact(ENTRY_BYTES) {
            self.find(get_u128(entry, 0), keys, segment)?;
        }
        Ok(())
    }
}
