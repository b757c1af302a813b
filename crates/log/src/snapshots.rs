//! Snapshots: one file beside the log, appended to, with the newest of each stream in a map. All of it is derived:
//! whatever is not whole is as if it were not there, and nothing waits for the disk.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use crate::format::{get_u32, get_u64, get_u128, put};
use crate::segment::temporary_name;
use crate::storage::{File, Storage};

const NAME: &str = "snapshots";
const MAGIC: &[u8; 8] = b"TWINDSNP";
const HEADER_BYTES: u64 = 24;
/// Before a snapshot: its length, a checksum, revision, position, and the lengths of its two names.
const ENTRY_BYTES: usize = 4 + 4 + 8 + 8 + 1 + 1;
/// The longest state that is kept.
const STATE_BYTES_MAX: usize = 4 << 20;
/// The file is written anew when it is larger than this and mostly outdated.
const COMPACT_BYTES: u64 = 16 << 20;

/// The state of a stream's entity after some record, as somebody's code made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream; at most 255 bytes.
    pub stream: String,
    /// The last record in it.
    pub revision: u64,
    /// That record's position.
    pub position: u64,
    /// Which code made it; at most 255 bytes.
    pub schema: String,
    /// The state.
    pub state: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    len: u32,
    revision: u64,
}

/// The file and where in it each stream's newest snapshot is. Without a file, nothing is kept.
pub(crate) struct Snapshots {
    store: u128,
    file: Option<Arc<dyn File>>,
    places: HashMap<Box<str>, Place>,
    end: u64,
    live_bytes: u64,
}

fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let mut entry = vec![0; ENTRY_BYTES];
    put(&mut entry, 8, &snapshot.revision.to_le_bytes());
    put(&mut entry, 16, &snapshot.position.to_le_bytes());
    entry[24] = snapshot.stream.len() as u8;
    entry[25] = snapshot.schema.len() as u8;
    entry.extend_from_slice(snapshot.stream.as_bytes());
    entry.extend_from_slice(snapshot.schema.as_bytes());
    entry.extend_from_slice(&snapshot.state);
    let len = entry.len() as u32;
    put(&mut entry, 0, &len.to_le_bytes());
    let sum = crc_fast::crc32_iscsi(&entry[8..]);
    put(&mut entry, 4, &sum.to_le_bytes());
    entry
}

fn decode(entry: &[u8]) -> Option<Snapshot> {
    if entry.len() < ENTRY_BYTES || get_u32(entry, 4) != crc_fast::crc32_iscsi(&entry[8..]) {
        return None;
    }
    let stream_end = ENTRY_BYTES + entry[24] as usize;
    let schema_end = stream_end + entry[25] as usize;
    Some(Snapshot {
        stream: std::str::from_utf8(entry.get(ENTRY_BYTES..stream_end)?).ok()?.to_owned(),
        revision: get_u64(entry, 8),
        position: get_u64(entry, 16),
        schema: std::str::from_utf8(entry.get(stream_end..schema_end)?).ok()?.to_owned(),
        state: entry.get(schema_end..)?.to_vec(),
    })
}

impl Snapshots {
    /// Opens the file, as far as it is whole; a file that is not of this log is begun anew.
    pub(crate) fn open(storage: &dyn Storage, store: u128) -> Self {
        let mut this = Self { store, file: None, places: HashMap::new(), end: HEADER_BYTES, live_bytes: 0 };
        let opened = storage.open(NAME).ok().filter(|file| this.scan(file.as_ref()).is_ok());
        this.file = opened.or_else(|| {
            this.places.clear();
            this.begin(storage, NAME).ok()
        });
        this
    }

    fn begin(&mut self, storage: &dyn Storage, name: &str) -> io::Result<Arc<dyn File>> {
        let file = storage.create(name)?;
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&self.store.to_le_bytes());
        file.write_at(&header, 0)?;
        (self.end, self.live_bytes) = (HEADER_BYTES, 0);
        Ok(file)
    }

    fn scan(&mut self, file: &dyn File) -> io::Result<()> {
        let len = file.len()?;
        let mut header = [0; HEADER_BYTES as usize];
        file.read_at(&mut header, 0)?;
        if &header[..8] != MAGIC || get_u128(&header, 8) != self.store {
            return Err(io::ErrorKind::InvalidData.into());
        }
        while self.end + ENTRY_BYTES as u64 <= len {
            let mut size = [0; 4];
            file.read_at(&mut size, self.end)?;
            let size = u32::from_le_bytes(size);
            if (size as usize) < ENTRY_BYTES || self.end + u64::from(size) > len {
                break;
            }
            let Some(snapshot) = read_entry(file, self.end, size) else { break };
            self.note(&snapshot, size);
        }
        Ok(())
    }

    fn note(&mut self, snapshot: &Snapshot, len: u32) {
        let place = Place { offset: self.end, len, revision: snapshot.revision };
        if let Some(before) = self.places.insert(snapshot.stream.as_str().into(), place) {
            self.live_bytes -= u64::from(before.len);
        }
        self.live_bytes += u64::from(len);
        self.end += u64::from(len);
    }

    pub(crate) fn revision(&self, stream: &str) -> Option<u64> {
        self.places.get(stream).map(|place| place.revision)
    }

    pub(crate) fn streams(&self) -> Vec<String> {
        self.places.keys().map(|stream| stream.to_string()).collect()
    }

    pub(crate) fn load(&self, stream: &str) -> Option<Snapshot> {
        let place = self.places.get(stream)?;
        let snapshot = read_entry(self.file.as_deref()?, place.offset, place.len)?;
        (snapshot.stream == stream).then_some(snapshot)
    }

    pub(crate) fn save(&mut self, storage: &dyn Storage, snapshot: &Snapshot) {
        let too_long = snapshot.stream.len() > 255 || snapshot.schema.len() > 255;
        let outdated = self.places.get(snapshot.stream.as_str()).is_some_and(|kept| kept.revision > snapshot.revision);
        if too_long || outdated || snapshot.state.len() > STATE_BYTES_MAX {
            return;
        }
        let entry = encode(snapshot);
        let Some(file) = &self.file else { return };
        if file.write_at(&entry, self.end).is_err() {
            // A disk that is full or failing has no room for what can be made anew.
            self.file = None;
            self.places.clear();
            return;
        }
        self.note(snapshot, entry.len() as u32);
        if self.end > COMPACT_BYTES && self.live_bytes < self.end / 2 {
            self.compact(storage);
        }
    }

    /// Writes the newest snapshots into a new file in place of the old one.
    fn compact(&mut self, storage: &dyn Storage) {
        let streams: Vec<Box<str>> = self.places.keys().cloned().collect();
        let mut fresh = Self { store: self.store, file: None, places: HashMap::new(), end: 0, live_bytes: 0 };
        let written = (|| {
            let name = temporary_name(NAME);
            let file = fresh.begin(storage, &name)?;
            for stream in streams {
                if let Some(snapshot) = self.load(&stream) {
                    let entry = encode(&snapshot);
                    file.write_at(&entry, fresh.end)?;
                    fresh.note(&snapshot, entry.len() as u32);
                }
            }
            storage.rename(&name, NAME)?;
            Ok::<_, io::Error>(file)
        })();
        if let Ok(file) = written {
            fresh.file = Some(file);
            *self = fresh;
        }
    }
}

fn read_entry(file: &dyn File, offset: u64, len: u32) -> Option<Snapshot> {
    let mut entry = vec![0; len as usize];
    file.read_at(&mut entry, offset).ok()?;
    decode(&entry)
}
