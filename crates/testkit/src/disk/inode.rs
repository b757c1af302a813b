//! One file: what its readers see, what the platter holds, and what is on the way between the two.

use std::collections::{BTreeMap, BTreeSet};

use super::persist::Persist;
use super::random::Random;

/// What a disk writes whole or not at all, unless told to tear it.
pub(super) const SECTOR: usize = 512;

/// The most older contents of one sector that a crash may bring back.
const VERSIONS_MAX: usize = 4;

pub(super) type InodeId = u64;
type Sector = [u8; SECTOR];

/// Where the bytes of a write go, if not where they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detour {
    Nowhere,
    To { inode: InodeId, sector: u64 },
}

/// A sector that lands in another file or at another place than it was written to.
pub(super) struct Stray {
    pub(super) inode: InodeId,
    pub(super) sector: u64,
    pub(super) bytes: Sector,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    cache: Vec<u8>,
    platter: Vec<u8>,
    /// What each sector has held since the last sync, newest last.
    dirty: BTreeMap<u64, Vec<Sector>>,
    /// The lengths that the file has had since the last sync, newest last.
    lengths: Vec<usize>,
    detours: BTreeMap<u64, Detour>,
    allocated: BTreeSet<u64>,
}

impl Inode {
    pub(super) fn durable(bytes: Vec<u8>) -> Self {
        let allocated = (0..sectors(bytes.len())).collect();
        Self { cache: bytes.clone(), platter: bytes, allocated, ..Self::default() }
    }

    pub(super) fn cache(&self) -> &[u8] {
        &self.cache
    }

    pub(super) fn platter(&self) -> &[u8] {
        &self.platter
    }

    pub(super) fn allocated(&self) -> u64 {
        self.allocated.len() as u64
    }

    /// How many of these bytes find room if only so many sectors are left.
    pub(super) fn fits(&self, length: usize, offset: usize, mut room: u64) -> usize {
        for sector in touched(offset, length) {
            if self.allocated.contains(&sector) {
                continue;
            }
            if room == 0 {
                return (sector as usize * SECTOR).saturating_sub(offset).min(length);
            }
            room -= 1;
        }
        length
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        if bytes.is_empty() {
            return;
        }
        let end = offset + bytes.len();
        if end > self.cache.len() {
            self.cache.resize(end, 0);
            self.lengths.push(end);
        }
        self.cache[offset..end].copy_from_slice(bytes);
        for sector in touched(offset, bytes.len()) {
            let content = sector_of(&self.cache, sector);
            let versions = self.dirty.entry(sector).or_default();
            if versions.len() == VERSIONS_MAX {
                versions.remove(0);
            }
            versions.push(content);
            self.detours.remove(&sector);
            self.allocated.insert(sector);
        }
    }

    pub(super) fn detour(&mut self, length: usize, offset: usize, mut to: impl FnMut(u64) -> Detour) {
        for (index, sector) in touched(offset, length).enumerate() {
            self.detours.insert(sector, to(index as u64));
        }
    }

    /// Lets nothing of what is on the way arrive.
    pub(super) fn detour_all(&mut self) {
        for &sector in self.dirty.keys() {
            self.detours.insert(sector, Detour::Nowhere);
        }
    }

    pub(super) fn set_len(&mut self, length: usize) {
        if length < self.cache.len() {
            let kept = sectors(length);
            self.dirty.retain(|&sector, _| sector < kept);
            self.allocated.retain(|&sector| sector < kept);
            self.detours.retain(|&sector, _| sector < kept);
        }
        self.cache.resize(length, 0);
        self.lengths.push(length);
    }

    /// Brings all that was written to the platter.
    pub(super) fn sync(&mut self) -> Vec<Stray> {
        for length in std::mem::take(&mut self.lengths) {
            self.platter.resize(length, 0);
        }
        let mut strays = Vec::new();
        for (sector, mut versions) in std::mem::take(&mut self.dirty) {
            if let Some(bytes) = versions.pop() {
                self.transfer(sector, bytes, &mut strays);
            }
        }
        strays
    }

    /// A sync that fails: some of what was written reaches the platter, and what does not is forgotten, though
    /// readers see it until it is evicted. This is what Linux does.
    pub(super) fn fail_sync(&mut self, random: &mut Random) -> Vec<Stray> {
        let persist = Persist::draw(random);
        self.settle(persist, random)
    }

    /// The power goes: some of what was not synced is on the platter, and the platter is all there is.
    pub(super) fn crash(&mut self, persist: Persist, random: &mut Random) -> Vec<Stray> {
        let strays = self.settle(persist, random);
        self.cache = self.platter.clone();
        self.detours.clear();
        strays
    }

    /// Readers see again what the platter holds, where nothing is on the way to it.
    pub(super) fn evict(&mut self) {
        for sector in 0..sectors(self.cache.len()) {
            if !self.dirty.contains_key(&sector) {
                let content = sector_of(&self.platter, sector);
                let start = sector as usize * SECTOR;
                let end = (start + SECTOR).min(self.cache.len());
                self.cache[start..end].copy_from_slice(&content[..end - start]);
            }
        }
    }

    /// Puts bytes on the platter past everything else, as damage does.
    pub(super) fn damage(&mut self, offset: usize, bytes: &[u8]) {
        for content in [&mut self.platter, &mut self.cache] {
            let end = (offset + bytes.len()).min(content.len());
            if offset < end {
                content[offset..end].copy_from_slice(&bytes[..end - offset]);
            }
        }
    }

    /// Takes in a sector that was meant for another place. Readers notice when it is read from the platter again.
    pub(super) fn take_in(&mut self, sector: u64, bytes: &Sector) {
        put(&mut self.platter, sector, bytes);
    }

    fn settle(&mut self, persist: Persist, random: &mut Random) -> Vec<Stray> {
        let lengths = std::mem::take(&mut self.lengths);
        let kept = persist.prefix(lengths.len(), random);
        for &length in &lengths[..kept] {
            self.platter.resize(length, 0);
        }
        let mut strays = Vec::new();
        let dirty = std::mem::take(&mut self.dirty);
        let count = dirty.len();
        for (index, (sector, versions)) in dirty.into_iter().enumerate() {
            if !persist.keeps(index, count, random) {
                continue;
            }
            let chosen = if persist.is_total() { versions.len() - 1 } else { random.index(versions.len()) };
            let mut bytes = versions[chosen];
            if persist.tears(random) {
                // A torn sector: the head is new, the rest is as it was.
                let old = sector_of(&self.platter, sector);
                let at = random.index(SECTOR);
                bytes[at..].copy_from_slice(&old[at..]);
            }
            self.transfer(sector, bytes, &mut strays);
        }
        strays
    }

    fn transfer(&mut self, sector: u64, bytes: Sector, strays: &mut Vec<Stray>) {
        match self.detours.remove(&sector) {
            None => put(&mut self.platter, sector, &bytes),
            Some(Detour::Nowhere) => {}
            Some(Detour::To { inode, sector }) => strays.push(Stray { inode, sector, bytes }),
        }
    }
}

fn sectors(length: usize) -> u64 {
    length.div_ceil(SECTOR) as u64
}

fn touched(offset: usize, length: usize) -> std::ops::Range<u64> {
    if length == 0 { 0..0 } else { (offset / SECTOR) as u64..sectors(offset + length) }
}

fn sector_of(content: &[u8], sector: u64) -> Sector {
    let start = (sector as usize * SECTOR).min(content.len());
    let end = (start + SECTOR).min(content.len());
    let mut bytes = [0; SECTOR];
    bytes[..end - start].copy_from_slice(&content[start..end]);
    bytes
}

fn put(content: &mut [u8], sector: u64, bytes: &Sector) {
    let start = (sector as usize * SECTOR).min(content.len());
    let end = (start + SECTOR).min(content.len());
    content[start..end].copy_from_slice(&bytes[..end - start]);
}
