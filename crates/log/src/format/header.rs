//! The first block of a segment's file: which store it belongs to, and which segment it is.

use super::{HEADER_BYTES, checksum, get_u32, get_u64, get_u128, put};

const MAGIC: &[u8; 8] = b"TWINDLOG";
/// The format that this program writes. Older ones are read; newer ones are refused.
pub(crate) const FORMAT: u32 = 1;
const CHECKED_BYTES: usize = 60;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) store: u128,
    pub(crate) seed: u64,
    pub(crate) segment: u32,
    /// How long the file is: shorter than others, once its space was reclaimed.
    pub(crate) bytes: u32,
    /// How often its space was reclaimed.
    pub(crate) generation: u32,
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut block = vec![0; HEADER_BYTES];
        put(&mut block, 0, MAGIC);
        put(&mut block, 8, &FORMAT.to_le_bytes());
        put(&mut block, 12, &(HEADER_BYTES as u32).to_le_bytes());
        put(&mut block, 16, &self.store.to_le_bytes());
        put(&mut block, 32, &self.seed.to_le_bytes());
        put(&mut block, 40, &self.segment.to_le_bytes());
        put(&mut block, 44, &self.bytes.to_le_bytes());
        put(&mut block, 48, &self.generation.to_le_bytes());
        let sum = checksum(&block[..CHECKED_BYTES], self.seed, self.segment, 0);
        put(&mut block, CHECKED_BYTES, &sum.to_le_bytes());
        block
    }

    /// Reads a header; the error says what is wrong.
    pub(crate) fn decode(block: &[u8]) -> Result<Self, &'static str> {
        if block.len() < HEADER_BYTES {
            return Err("it is shorter than its header");
        }
        if &block[..8] != MAGIC {
            return Err("it does not begin as a segment does");
        }
        if get_u32(block, 8) > FORMAT {
            return Err("it was written by a newer program");
        }
        let header = Self {
            store: get_u128(block, 16),
            seed: get_u64(block, 32),
            segment: get_u32(block, 40),
            bytes: get_u32(block, 44),
            generation: get_u32(block, 48),
        };
        let sum = checksum(&block[..CHECKED_BYTES], header.seed, header.segment, 0);
        if get_u32(block, CHECKED_BYTES) != sum || get_u32(block, 8) == 0 || get_u32(block, 12) != HEADER_BYTES as u32 {
            return Err("its header is damaged");
        }
        if block[CHECKED_BYTES + 4..HEADER_BYTES].iter().any(|byte| *byte != 0) {
            return Err("its header has bytes where none belong");
        }
        Ok(header)
    }
}
