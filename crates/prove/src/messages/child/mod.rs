//! The processes that are killed. Each reads what it is to be from its standard input, says what it has done on its
//! standard output, and ends with its parent.

mod consumer;
mod publisher;

use std::io::{self, BufRead as _, Write as _};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use tradewind_broker::{Broker, BrokerOptions, Relay, RelayMetrics, RelayOptions, Topic};
use tradewind_events::{EventSource, EventStore, SystemClock};
use tradewind_store::{OpenOptions, ServeError, Server, ServerOptions};

/// Why a child ends by itself.
type Problem = Box<dyn std::error::Error + Send + Sync>;

/// How long an answer of a database or a broker may take, so that what is lost in silence is soon noticed.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long making a connection may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// The longest pause before something that is away is tried again.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What a process is to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Assignment {
    /// A service that records events, serves them, and perhaps has a relay in it.
    Publisher {
        /// The URL of its log.
        store: String,
        seed: u64,
        relay: Option<Relaying>,
    },
    /// A relay that is a process of its own.
    Relay {
        /// The URL of the log that it reads, as its service serves it.
        feed: String,
        relay: Relaying,
    },
    /// A service that follows others.
    Consumer {
        name: String,
        /// The URL of the log that it records effects in.
        store: String,
        follows: Vec<Follow>,
    },
}

/// A relay's part.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Relaying {
    pub(super) broker: String,
    pub(super) topic: String,
    /// The file in which it keeps its place.
    pub(super) place: PathBuf,
}

/// What a follower follows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Follow {
    pub(super) topic: String,
    /// The publisher's log, as it serves it.
    pub(super) feed: String,
    /// The broker; none: the feed alone.
    pub(super) broker: Option<String>,
}

/// The stream of a follower's effects of a topic.
pub(super) fn effects_of(topic: &str) -> String {
    format!("effects-{topic}")
}

/// What a parent tells a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Pause,
    Go,
}

impl Told {
    pub(super) const fn line(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Go => "go",
        }
    }

    fn parse(line: &str) -> Option<Self> {
        [Self::Pause, Self::Go].into_iter().find(|told| told.line() == line)
    }
}

/// What a child says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It is at work, and serves its log on this port of 127.0.0.1; 0: it has none.
    Ready { port: u16 },
    /// Events are recorded from this position on.
    Acknowledged { first: u64, ids: Vec<String> },
    /// It has paused, and knows what became of everything that it has sent.
    Paused,
}

impl Said {
    fn line(&self) -> String {
        match self {
            Self::Ready { port } => format!("ready {port} ."),
            Self::Paused => "paused .".to_owned(),
            Self::Acknowledged { first, ids } => format!("acknowledged {first} {} .", ids.join(" ")),
        }
    }

    /// Reads a line; none if it is not whole, as after a kill, or something else.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["ready", port, "."] => Some(Self::Ready { port: port.parse().ok()? }),
            ["paused", "."] => Some(Self::Paused),
            ["acknowledged", first, ids @ .., "."] => Some(Self::Acknowledged {
                first: first.parse().ok()?,
                ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            }),
            _ => None,
        }
    }
}

/// Written at once and whole: what was said before a kill stays said. On a line of its own, since a test's harness begins
/// one and does not end it.
fn say(said: &Said) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(format!("\n{}\n", said.line()).as_bytes())?;
    out.flush()
}

/// What is wrong with a follower: only tests have one with which something is, to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "tests construct them"))]
pub(super) enum Flaw {
    None,
    /// It leaves out an effect now and then.
    Forgets,
    /// It records one twice.
    Repeats,
    /// It records several in the wrong order.
    Swaps,
}

/// Is what standard input assigns, until it is killed or standard input ends.
///
/// # Errors
/// If the assignment cannot be read, or what it names cannot be opened.
pub async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    main_with(Flaw::None).await
}

pub(super) async fn main_with(flaw: Flaw) -> Result<(), Problem> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let assignment: Assignment = serde_json::from_str(&line)?;
    let told = listen();
    match assignment {
        Assignment::Publisher { store, seed, relay } => {
            let store = tradewind_store::open(&store, open_options()).await?;
            let relaying = relay.map(|relay| start_relay(Arc::clone(&store) as Arc<dyn EventSource>, relay));
            let (port, serving) = serve(Arc::clone(&store)).await?;
            say(&Said::Ready { port })?;
            publisher::run(store, seed, told).await?;
            drop((serving, relaying.transpose()?));
        }
        Assignment::Relay { feed, relay } => {
            let feed = tradewind_store::open(&feed, open_options()).await?;
            let _relaying = start_relay(feed, relay)?;
            say(&Said::Ready { port: 0 })?;
            std::future::pending::<()>().await;
        }
        Assignment::Consumer { name, store, follows } => {
            let store = tradewind_store::open(&store, open_options()).await?;
            let (port, _serving) = serve(Arc::clone(&store)).await?;
            say(&Said::Ready { port })?;
            consumer::run(store, &name, follows, flaw).await?;
        }
    }
    Ok(())
}

/// What the parent says; when it says nothing any more, this process ends.
fn listen() -> mpsc::Receiver<Told> {
    let (sender, told) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if let Some(told) = Told::parse(&line) {
                // Only a publisher wants to know.
                let _ = sender.blocking_send(told);
            }
        }
        std::process::exit(0);
    });
    told
}

fn open_options() -> OpenOptions {
    let mut options = OpenOptions::default();
    options.postgres.answer_within = ANSWER_WITHIN;
    options.postgres.connect_within = CONNECT_WITHIN;
    options.client.answer_within = ANSWER_WITHIN;
    options.client.connect_within = CONNECT_WITHIN;
    options.client.pause_max = PAUSE_MAX;
    options
}

fn broker_options(client_name: &str) -> BrokerOptions {
    BrokerOptions {
        client_name: client_name.to_owned(),
        answer_within: ANSWER_WITHIN,
        connect_within: CONNECT_WITHIN,
        ..BrokerOptions::default()
    }
}

fn open_broker(url: &str, client_name: &str) -> Result<Arc<dyn Broker>, Problem> {
    Ok(tradewind_broker::open(url, broker_options(client_name))?.ok_or("feeds: are not relayed")?)
}

/// Starts a relay. What is given back keeps it at work.
fn start_relay(events: Arc<dyn EventSource>, relaying: Relaying) -> Result<DropGuard, Problem> {
    let broker = open_broker(&relaying.broker, "tradewind prove: relay")?;
    let mut options = RelayOptions::new(Topic::new(&relaying.topic)?, relaying.place);
    options.pause_max = PAUSE_MAX;
    let (relay, _) = Relay::new(events, broker, options, RelayMetrics::default(), Arc::new(SystemClock));
    let stop = CancellationToken::new();
    tokio::spawn(relay.run(stop.clone()));
    Ok(stop.drop_guard())
}

/// Serves a log on a port that is free.
async fn serve(store: Arc<dyn EventStore>) -> Result<(u16, AbortOnDropHandle<()>), ServeError> {
    let server = Server::bind((Ipv4Addr::LOCALHOST, 0).into(), store, ServerOptions::default()).await?;
    let port = server.local_addr().port();
    Ok((port, AbortOnDropHandle::new(tokio::spawn(server.run()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_and_what_a_kill_cut_is_not() {
        let said = [
            Said::Ready { port: 7_100 },
            Said::Paused,
            Said::Acknowledged { first: 7, ids: vec!["one".to_owned(), "another".to_owned()] },
        ];
        for said in said {
            let line = said.line();
            assert_eq!(Said::parse(&line), Some(said));
            assert_eq!(Said::parse(&line[..line.len() - 1]), None);
        }
    }
}
