//! `peers umadb`: the store over HTTP beside UmaDB over gRPC, 64 clients each, in turns.
//!
//! UmaDB runs as it does by default: every append durable before its answer. Each event has its stream as its tag, so
//! that it can be found, and the expected revision is an append condition: no event with this tag after the position
//! that the client has seen. `--unconditional` spares UmaDB that.
//! Both are measured with a connection for each client, and with one that all share; ours is compared with the
//! better one of UmaDB's.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::process::{Child, Command};
use tokio::runtime::{Builder, Runtime};
use tradewind_bench::http::{HttpRounds, OurClient, Served, Works};
use tradewind_bench::measure::{Aim, Client, Figure, Folder, Fresh, Report, Spread, drive_clients};
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{DcbAppendCondition, DcbEvent, DcbEventStoreAsync, DcbQuery, DcbQueryItem};
use uuid::Uuid;

use crate::error::Failure;

const RATIO_MIN: f64 = 10.0;
/// How long the server may take to be reachable.
const START_WITHIN: Duration = Duration::from_secs(10);

/// How UmaDB is compared.
#[derive(Debug, Clone, Args)]
pub(crate) struct UmaDb {
    /// The server's program: `cargo install umadb --version 0.7.8 --root DIR` makes DIR/bin/umadb
    #[arg(long, default_value = "umadb")]
    server: PathBuf,
    /// Another argument for the server, such as --server-arg=--pipelined-writer=true
    #[arg(long = "server-arg", allow_hyphen_values = true)]
    server_args: Vec<String>,
    /// Where to write; a folder in it is made and removed. Default: here
    #[arg(long)]
    folder: Option<PathBuf>,
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// How often each is repeated, in turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many clients
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// Spare UmaDB the check of what the writer expects, which the other still makes
    #[arg(long)]
    unconditional: bool,
    /// A line of JSON for each figure
    #[arg(long)]
    json: bool,
}

#[derive(Clone)]
struct UmaClient {
    client: Arc<AsyncUmaDbClient>,
    unconditional: bool,
    /// The position of the last event of this client's stream.
    seen: Option<u64>,
}

impl Client for UmaClient {
    async fn append(&mut self, event: &Fresh<'_>) -> Result<(), String> {
        let new = DcbEvent::new()
            .event_type(event.kind)
            .tags([event.stream])
            .data(event.data)
            .uuid(Uuid::from_u128(event.id));
        let condition = (!self.unconditional).then(|| {
            let stream = DcbQuery::new().item(DcbQueryItem::new().tags([event.stream]));
            DcbAppendCondition::new(stream).after(event.last.and(self.seen))
        });
        let appended = self.client.append(vec![new], condition, None).await;
        self.seen = Some(appended.map_err(|error| error.to_string())?);
        Ok(())
    }
}

/// The server at work; killed when it is dropped.
struct Server {
    url: String,
    unconditional: bool,
    _process: Child,
}

impl Server {
    async fn start(bench: &UmaDb, folder: &Path) -> Result<Self, Failure> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Command::new(&bench.server)
            .arg("--listen")
            .arg(address.to_string())
            .arg("--db-path")
            .arg(folder)
            .args(&bench.server_args)
            .stdout(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start {}: {error}", bench.server.display())))?;
        let reachable = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let timeout = tokio::time::timeout(START_WITHIN, reachable).await;
        timeout.map_err(|_| Failure::new("UmaDB's server cannot be reached"))?;
        Ok(Self { url: format!("http://{address}"), unconditional: bench.unconditional, _process: process })
    }

    async fn client(&self) -> Result<UmaClient, Failure> {
        let client = UmaDbClient::new(self.url.clone()).connect_async().await;
        let client = Arc::new(client.map_err(|error| Failure::new(error.to_string()))?);
        Ok(UmaClient { client, unconditional: self.unconditional, seen: None })
    }

    async fn apart(&self, count: usize) -> Result<Vec<UmaClient>, Failure> {
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(self.client().await?);
        }
        Ok(clients)
    }
}

/// One way of using one of the two.
#[derive(Default)]
struct Way {
    rounds: HttpRounds,
    last: f64,
}

impl Way {
    fn drive<C: Client>(
        &mut self,
        runtime: &Runtime,
        clients: Vec<C>,
        works: &mut Works,
        time: Duration,
    ) -> Result<(), Failure> {
        let run = runtime.block_on(drive_clients(works.give(clients), time))?;
        self.last = run.rate();
        self.rounds.push(&run);
        Ok(())
    }
}

impl UmaDb {
    /// Measures and shows.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let folder = Folder::within(self.folder.as_deref())?;
        let report = Report::begin(self.json, folder.path())?;
        let runtime = Builder::new_multi_thread().thread_name("clients").enable_all().build()?;
        let server = runtime.block_on(Server::start(self, &folder.sub("umadb")?))?;
        let served = Served::start(&folder.sub("tradewind")?)?;
        let [mut theirs, mut theirs_shared, mut ours, mut ours_shared] = [(); 4].map(|()| Way::default());
        let (mut works, mut ratio, mut ratio_shared) = (Works::default(), Spread::default(), Spread::default());
        let (time, count) = (Duration::from_secs_f64(self.seconds.clamp(0.01, 3_600.0)), self.clients);
        for _ in 0..self.rounds {
            let clients = runtime.block_on(server.apart(count))?;
            theirs.drive(&runtime, clients, &mut works, time)?;
            ours.drive(&runtime, OurClient::apart(served.url(), count)?, &mut works, time)?;
            let clients = vec![runtime.block_on(server.client())?; count];
            theirs_shared.drive(&runtime, clients, &mut works, time)?;
            ours_shared.drive(&runtime, OurClient::sharing(served.url(), count)?, &mut works, time)?;
            let best = theirs.last.max(theirs_shared.last);
            ratio.push(ours.last / best);
            ratio_shared.push(ours_shared.last / best);
        }
        let name = |what: &str| format!("peers/http/{count}/{what}");
        // The server is a process of its own, whose time is not in ours.
        let without_cpu = |way: &Way, what: &str| Figure { cpu_us: None, ..way.rounds.figure(name(what)) };
        report.figure(&without_cpu(&theirs, "umadb"))?;
        report.figure(&without_cpu(&theirs_shared, "umadb-shared"))?;
        for (way, what, ratio) in [(&ours, "tradewind", ratio), (&ours_shared, "tradewind-shared", ratio_shared)] {
            let figure = way.rounds.figure(name(what)).versus("best-umadb", ratio.median());
            report.figure(&figure.aim(Aim::at_least("ratio", RATIO_MIN, ratio.median())))?;
        }
        Ok(())
    }
}
