//! The limits of the same machine: the same bytes, without a log around them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Histogram;

/// As long as one of the log's segments.
const FILE_BYTES: u64 = 64 << 20;
const ZEROS: usize = 1 << 20;
/// How much is read at a time where reading is the limit: as much as the log reads.
const CHUNK_BYTES: usize = 512 << 10;

/// A file that was written with zeros and synced, so that writing into it changes nothing but its bytes.
#[derive(Debug)]
pub struct RawDisk {
    file: File,
    at: u64,
}

/// What came of writing.
#[derive(Debug, Clone)]
pub struct RawRun {
    /// How many writes were made durable.
    pub syncs: u64,
    /// How long that took.
    pub time: Duration,
    /// How long each write and sync took.
    pub latency: Histogram,
}

impl RawRun {
    /// Writes made durable in a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.syncs as f64 / self.time.as_secs_f64()
    }
}

impl RawDisk {
    /// Prepares the file in a folder.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join("raw");
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        let zeros = vec![0; ZEROS];
        for piece in 0..FILE_BYTES / ZEROS as u64 {
            file.write_all_at(&zeros, piece * ZEROS as u64)?;
        }
        file.sync_all()?;
        Ok(Self { file, at: 0 })
    }

    /// Writes pieces of so many bytes one behind the other, each made durable (`fdatasync`) before the next, for a
    /// time. At the end of the file it goes on at its beginning.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn run(&mut self, bytes: usize, time: Duration) -> io::Result<RawRun> {
        // Not zeros: a disk might know them.
        let piece: Vec<u8> = (0..bytes.max(1)).map(|at| (at * 7 + 1) as u8).collect();
        let mut run = RawRun { syncs: 0, time: Duration::ZERO, latency: Histogram::default() };
        let begun = Instant::now();
        let mut since = begun;
        while since.duration_since(begun) < time {
            if self.at + piece.len() as u64 > FILE_BYTES {
                self.at = 0;
            }
            self.file.write_all_at(&piece, self.at)?;
            self.file.sync_data()?;
            self.at += piece.len() as u64;
            let now = Instant::now();
            run.latency.record(now.duration_since(since));
            run.syncs += 1;
            since = now;
        }
        run.time = begun.elapsed();
        Ok(run)
    }
}

/// Reads the first bytes of a folder's files whose names end so, in pieces, and does nothing with them: how fast
/// they could be had at best. Answers how many it read, and how long it took.
///
/// # Errors
/// As the operating system says.
pub fn read_raw(folder: &Path, ending: &str) -> io::Result<(u64, Duration)> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut bytes, begun) = (0, Instant::now());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            let file = File::open(path)?;
            let mut at = 0;
            loop {
                let read = file.read_at(&mut chunk, at)?;
                if read == 0 {
                    break;
                }
                at += read as u64;
            }
            bytes += at;
        }
    }
    Ok((bytes, begun.elapsed()))
}
