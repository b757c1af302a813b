//! Standard output, written by one thread, so that nothing else ever waits for a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::news::News;
use super::terminal::Terminal;

/// In which form to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For a person, with or without colours.
    Human { colours: bool },
    /// For a program.
    Json,
}

impl Form {
    /// JSON if asked for; colours if standard output is a terminal and nobody has said `NO_COLOR` (no-color.org).
    pub(crate) fn choose(json: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if json { Self::Json } else { Self::Human { colours: io::stdout().is_terminal() && !refused } }
    }
}

/// Where news goes. Cheap to clone; the screen ends when the last clone is gone.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    news: mpsc::Sender<News>,
    dropped: Arc<AtomicU64>,
    stopping: CancellationToken,
}

/// How much news may wait to be shown. Whoever tells more waits, except the logs, which are dropped and counted.
const WAITING_MAX: usize = 1_024;
/// How long one waits for room once everything is being stopped: who does not read must not keep it from ending.
const ROOM_WITHIN: Duration = Duration::from_millis(500);

impl Screen {
    /// Starts the thread. `stopping` is cancelled when nobody reads standard output any more; when it is, by whomever,
    /// nobody waits for a reader any longer.
    pub(crate) fn start(form: Form, stopping: CancellationToken) -> io::Result<(Self, JoinHandle<()>)> {
        let (sender, mut news) = mpsc::channel(WAITING_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let screen = Self { news: sender, dropped: Arc::clone(&dropped), stopping: stopping.clone() };
        let thread = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            let mut terminal = Terminal::new(form == Form::Human { colours: true });
            let mut text_of = |news: &News| match form {
                Form::Human { .. } => terminal.show(news),
                Form::Json => json(news),
            };
            while let Some(next) = news.blocking_recv() {
                let mut text = text_of(&next);
                let missed = dropped.swap(0, Ordering::Relaxed);
                if missed > 0 {
                    text.push_str(&text_of(&News::Missed { events: missed }));
                }
                let mut out = io::stdout().lock();
                if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
                    stopping.cancel();
                    return;
                }
            }
        })?;
        Ok((screen, thread))
    }

    /// Tells something, and waits for room; not for long once everything is being stopped.
    pub(crate) async fn tell(&self, news: News) {
        let late = async {
            self.stopping.cancelled().await;
            tokio::time::sleep(ROOM_WITHIN).await;
        };
        tokio::select! {
            biased;
            // Without a reader there is nobody to tell, and `stopping` says so.
            _ = self.news.send(news) => {}
            () = late => {}
        }
    }

    /// Tells something if there is room; else it is counted, and the count told when there is.
    pub(crate) fn try_tell(&self, news: News) {
        if self.news.try_send(news).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The same screen for one who must not keep it from ending.
    pub(crate) fn downgrade(&self) -> WeakScreen {
        WeakScreen { news: self.news.downgrade(), dropped: Arc::clone(&self.dropped) }
    }
}

/// A screen that ends when others are done with it.
#[derive(Debug, Clone)]
pub(crate) struct WeakScreen {
    news: mpsc::WeakSender<News>,
    dropped: Arc<AtomicU64>,
}

impl WeakScreen {
    /// Tells something if there is room, and the screen is still there.
    pub(crate) fn try_tell(&self, news: News) {
        if let Some(screen) = self.news.upgrade()
            && screen.try_send(news).is_err()
        {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Waits until all that was told is written, but not for ever: a terminal may be held.
pub(crate) async fn finish(thread: JoinHandle<()>) {
    let joined = tokio::task::spawn_blocking(move || thread.join());
    let _ = tokio::time::timeout(Duration::from_secs(2), joined).await;
}

fn json(news: &News) -> String {
    // Plain texts and numbers always become JSON.
    let mut line = serde_json::to_string(news).unwrap_or_default();
    line.push('\n');
    line
}
