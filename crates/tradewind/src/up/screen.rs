//! Standard output, written by one thread, so that nothing else ever waits for a terminal.

use std::io::{self, IsTerminal, Write};
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
pub(crate) struct Screen(mpsc::Sender<News>);

/// How much news may wait to be shown. Whoever tells more waits, except the logs, which are dropped and counted.
const WAITING_MAX: usize = 1_024;

impl Screen {
    /// Starts the thread. `closed` is cancelled when nobody reads standard output any more.
    pub(crate) fn start(form: Form, closed: CancellationToken) -> io::Result<(Self, JoinHandle<()>)> {
        let (sender, mut news) = mpsc::channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            let mut terminal = Terminal::new(form == Form::Human { colours: true });
            while let Some(next) = news.blocking_recv() {
                let text = match form {
                    Form::Human { .. } => terminal.show(&next),
                    Form::Json => json(&next),
                };
                let mut out = io::stdout().lock();
                if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
                    closed.cancel();
                    return;
                }
            }
        })?;
        Ok((Self(sender), thread))
    }

    /// Tells something, and waits for room.
    pub(crate) async fn tell(&self, news: News) {
        // Without a reader there is nobody to tell, and `closed` says so.
        let _ = self.0.send(news).await;
    }

    /// Tells something if there is room.
    pub(crate) fn try_tell(&self, news: News) {
        let _ = self.0.try_send(news);
    }

    /// The same screen for one who must not keep it from ending.
    pub(crate) fn downgrade(&self) -> WeakScreen {
        WeakScreen(self.0.downgrade())
    }
}

/// A screen that ends when others are done with it.
#[derive(Debug, Clone)]
pub(crate) struct WeakScreen(mpsc::WeakSender<News>);

impl WeakScreen {
    /// Tells something if there is room, and the screen is still there.
    pub(crate) fn try_tell(&self, news: News) {
        if let Some(screen) = self.0.upgrade() {
            let _ = screen.try_send(news);
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
