//! Lines on their way to where they are kept: a bounded queue, and a thread that writes what is in it.
//!
//! `tracing-appender` has such a queue too. It does not open a file anew that has been moved away, does not tell when all
//! is written, and brings a calendar with it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// Between two writes, lines gather: they are written together, and nobody has to be woken for each.
const GATHER: Duration = Duration::from_millis(10);

/// Bytes that are written at once.
const BATCH_BYTES: usize = 64 * 1_024;

/// How often it is told that lines cannot be written.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// How often a file is looked at: it may have been moved away.
const LOOK_EVERY: Duration = Duration::from_secs(1);

enum Sent {
    Line(Vec<u8>),
    /// Whoever waits for all before it.
    Told(oneshot::Sender<()>),
}

/// The queue's end at which lines come in.
pub(super) struct Writing {
    queue: SyncSender<Sent>,
    dropped: Arc<AtomicU64>,
}

impl Writing {
    pub(super) fn start(lines_at_most: usize, to: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = sync_channel(lines_at_most.max(1));
        let dropped = Arc::new(AtomicU64::new(0));
        let thread = thread::Builder::new().name("access-log".to_owned());
        let counted = Arc::clone(&dropped);
        // It ends when nobody can log any more.
        thread.spawn(move || write_all(&lines, to, &counted))?;
        Ok(Self { queue, dropped })
    }

    pub(super) fn send(&self, line: Vec<u8>) {
        if self.queue.try_send(Sent::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) async fn written(&self, at_most: Duration) {
        let all = async {
            let (mut told, is_told) = oneshot::channel();
            while let Err(TrySendError::Full(Sent::Told(back))) = self.queue.try_send(Sent::Told(told)) {
                told = back;
                sleep(GATHER).await;
            }
            let _ = is_told.await;
        };
        // Whoever stops waits no longer for a disk that does not take it.
        let _ = timeout(at_most, all).await;
    }
}

fn write_all(lines: &Receiver<Sent>, mut to: impl Write, dropped: &AtomicU64) {
    let mut complained: Option<Instant> = None;
    while let Ok(first) = lines.recv() {
        let mut next = Some(first);
        while next.is_some() {
            let (mut batch, mut count, mut waiting) = (Vec::new(), 0, Vec::new());
            while let Some(sent) = next.take() {
                match sent {
                    Sent::Line(line) => {
                        batch.extend_from_slice(&line);
                        count += 1;
                    }
                    Sent::Told(told) => waiting.push(told),
                }
                next = if batch.len() < BATCH_BYTES { lines.try_recv().ok() } else { None };
            }
            if let Err(error) = to.write_all(&batch).and_then(|()| to.flush()) {
                dropped.fetch_add(count, Ordering::Relaxed);
                if complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
                    tracing::warn!(%error, "the access log cannot be written");
                    complained = Some(Instant::now());
                }
            }
            for told in waiting {
                let _ = told.send(());
            }
            next = lines.try_recv().ok();
        }
        thread::sleep(GATHER);
    }
}

/// A file that is written at its end, and opened anew when another has its name.
pub(super) struct File {
    path: PathBuf,
    file: fs::File,
    looked: Instant,
}

impl File {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: open(path)?, path: path.to_owned(), looked: Instant::now() })
    }

    fn is_elsewhere(&self) -> bool {
        let place = |about: &fs::Metadata| (about.dev(), about.ino());
        match (self.file.metadata(), fs::metadata(&self.path)) {
            (Ok(open), Ok(named)) => place(&open) != place(&named),
            _ => true,
        }
    }
}

fn open(path: &Path) -> io::Result<fs::File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            if self.is_elsewhere() {
                self.file = open(&self.path)?;
            }
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
