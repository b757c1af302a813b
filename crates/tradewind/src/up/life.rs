//! What tells a system from another that kept its data in the same folder before.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use tradewind_events::EventId;

/// The longest that is read.
const BYTES_MAX: usize = 64;

/// What stands in the data folder, which is held; something new if it is a new one.
///
/// # Errors
/// The folder cannot be read or written.
pub(super) fn of(folder: &Path) -> anyhow::Result<Box<str>> {
    let path = folder.join("life");
    let what = || format!("cannot keep {}", path.display());
    let is_life = |text: &str| {
        (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    match std::fs::read_to_string(&path) {
        Ok(text) if is_life(text.trim()) => return Ok(text.trim().into()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(what),
    }
    let life = EventId::new().to_string();
    let written = File::create(&path).and_then(|mut file| writeln!(file, "{life}"));
    written.with_context(what)?;
    Ok(life.into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_folder_has_one_for_as_long_as_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let life = super::of(folder.path()).unwrap();
        assert_eq!(super::of(folder.path()).unwrap(), life);
        std::fs::write(folder.path().join("life"), "a b; Domain=evil").unwrap();
        assert_ne!(super::of(folder.path()).unwrap(), life, "what could not stand in a cookie is none");
    }
}
