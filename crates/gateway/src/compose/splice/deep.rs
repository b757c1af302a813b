//! How deep JSON goes that is copied without being looked into.

/// Whether objects and lists of a valid JSON text are in more of each other than this.
pub(super) fn deeper(json: &str, most: usize) -> bool {
    // Each level is at least two brackets.
    if json.len() <= 2 * most {
        return false;
    }
    let (mut depth, mut in_text, mut bytes) = (0_usize, false, json.bytes());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_text => _ = bytes.next(),
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                if depth > most {
                    return true;
                }
            }
            b'}' | b']' if !in_text => depth -= 1,
            _ => {}
        }
    }
    false
}
