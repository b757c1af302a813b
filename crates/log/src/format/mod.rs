//! The bytes on the disk. `docs/internals/log.md` draws them; everything is little-endian.

pub(crate) mod commit;
pub(crate) mod header;
pub(crate) mod record;
mod scan;

pub use scan::decode_segment;
pub(crate) use scan::{Scan, find_commit_behind};

/// Where the frames of a segment begin.
pub(crate) const HEADER_BYTES: usize = 4_096;
/// The shortest segment: for tests, which want to see many.
pub(crate) const SEGMENT_BYTES_MIN: u32 = 32 << 10;
/// The longest segment.
pub(crate) const SEGMENT_BYTES_MAX: u32 = 1 << 30;
/// Frames begin at multiples of this.
pub(crate) const FRAME_ALIGN: usize = 8;

/// The first number at or behind `bytes` at which a frame may begin.
pub(crate) fn aligned(bytes: usize) -> usize {
    bytes.next_multiple_of(FRAME_ALIGN)
}

/// A checksum that also says where its bytes belong: CRC-32C of the bytes, mixed with their address in the store
/// they were written for. The right bytes at a wrong place are wrong bytes.
pub(crate) fn checksum(bytes: &[u8], seed: u64, segment: u32, offset: u32) -> u32 {
    // What cargo-fuzz builds has no checksums, or it would never get past them.
    if cfg!(fuzzing) {
        return 0;
    }
    let mut place = seed ^ (u64::from(segment) << 32 | u64::from(offset)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    place = (place ^ place >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    place = (place ^ place >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    crc_fast::crc32_iscsi(bytes) ^ (place ^ place >> 31) as u32
}

pub(crate) fn get_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(crate) fn get_u32(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

pub(crate) fn get_u64(bytes: &[u8], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}

pub(crate) fn get_u128(bytes: &[u8], at: usize) -> u128 {
    let mut sixteen = [0; 16];
    sixteen.copy_from_slice(&bytes[at..at + 16]);
    u128::from_le_bytes(sixteen)
}

pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
