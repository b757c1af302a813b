//! Lists of offsets as bytes: differences in LEB128.

/// Appends an ascending list.
pub(crate) fn encode(offsets: &[u32], out: &mut Vec<u8>) {
    let mut before = 0;
    for &offset in offsets {
        let mut gap = offset - before;
        before = offset;
        while gap >= 0x80 {
            out.push(gap as u8 | 0x80);
            gap >>= 7;
        }
        out.push(gap as u8);
    }
}

/// Reads `count` offsets; `None` if the bytes are not exactly such a list.
pub(crate) fn decode(bytes: &[u8], count: usize) -> Option<Vec<u32>> {
    // Every offset takes a byte at least, so that a wrong count cannot ask for more memory than there are bytes.
    if count > bytes.len() {
        return None;
    }
    let mut offsets = Vec::with_capacity(count);
    let (mut before, mut gap, mut shift) = (0_u32, 0_u32, 0);
    for &byte in bytes {
        gap |= u32::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            before = before.checked_add(gap)?;
            offsets.push(before);
            (gap, shift) = (0, 0);
        }
    }
    (offsets.len() == count && shift == 0).then_some(offsets)
}
