//! What the figures were measured on.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// The machine, as far as the figures depend on it.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Always `machine`: the first line of every report.
    pub name: &'static str,
    /// How many processors there are to use.
    pub cores: usize,
    /// The processors' model.
    pub cpu: String,
    /// The memory in GiB.
    pub memory_gib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The file system of the folder that was written to.
    pub file_system: String,
    /// The load average of the last minute when the report began.
    pub load: f64,
}

impl Machine {
    /// This machine, with the file system of a folder.
    #[must_use]
    pub fn here(folder: &Path) -> Self {
        let field = |file: &str, key: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(key));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let kib = field("/proc/meminfo", "MemTotal").split(' ').next().and_then(|kib| kib.parse().ok()).unwrap_or(0);
        Self {
            name: "machine",
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: field("/proc/cpuinfo", "model name"),
            memory_gib: (kib + (1u64 << 19)) >> 20,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            file_system: file_system(folder),
            load: load(),
        }
    }
}

/// The load average of the last minute.
#[must_use]
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// The kind of the file system that a folder is on; `unknown` if nobody tells.
pub(crate) fn file_system(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (place, kind) = (fields.next()?, fields.next()?);
            folder.starts_with(place).then(|| (place.len(), kind.to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map_or_else(|| "unknown".to_owned(), |(_, kind)| kind)
}
