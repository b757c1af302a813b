//! `tradewind up`

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use tokio_util::sync::CancellationToken;
use tradewind_events::ErrorCode;
use tradewind_fleet::ServiceSpec;

use super::check::{check_instances, choose, load};
use crate::failure::Failure;
use crate::up::lock;
use crate::up::news::News;
use crate::up::screen::{Form, Screen};
use crate::up::system::System;

/// Build and run the manifest's services behind one gateway
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Up {
    /// The manifest
    #[arg(long, default_value = "tradewind.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Take what this profile of the manifest says in place of what is said outside of it: other engines, by other URLs
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Run N instances of a service, whatever the manifest says; can be given several times
    #[arg(long, value_name = "NAME=N")]
    scale: Vec<Scale>,
    /// The folder in which each service keeps its data [default: .tradewind beside the manifest]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The gateway's port, in place of the manifest's; 0 for any that is free
    #[arg(long)]
    port: Option<u16>,
    /// Start what was built before
    #[arg(long)]
    no_build: bool,
    /// Tell everything as JSON, one object a line
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Services start in the order of their `after`, are restarted when they fall or hang, and end when `up` ends. The first
Ctrl-C (or SIGTERM) drains: the gateway finishes the requests in flight, then each service ends; a second one
ends everything at once. NO_COLOR turns colours off, RUST_LOG chooses what the gateway logs.

Examples:
  tradewind up
  tradewind up --profile postgres                 events in PostgreSQL, by the URL in [profiles.postgres]
  tradewind up --profile postgres --scale ordering=4
  tradewind up --port 9000 --data /tmp/second     a second system beside the first
  tradewind up --json | jq 'select(.type==\"ready\")'

Exit codes: 0 stopped as it was told, 1 failure, 2 wrong usage.";

/// How many instances of a service there are to be.
#[derive(Debug, Clone)]
struct Scale {
    service: String,
    instances: u16,
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (service, number) = text.split_once('=').ok_or("say NAME=N, as ordering=4")?;
        let most = ServiceSpec::INSTANCES_MAX;
        let instances = number.parse().ok().filter(|number| (1..=most).contains(number));
        let instances = instances.ok_or_else(|| format!("{number:?} is no number from 1 to {most}"))?;
        Ok(Self { service: service.to_owned(), instances })
    }
}

impl Up {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let drain = CancellationToken::new();
        let (screen, thread) = Screen::start(Form::choose(self.json), drain.clone()).context("cannot start")?;
        let ended = self.run_on(screen.clone(), drain).await;
        if let Err(error) = &ended {
            let Failure { code, message, help } = Failure::of(error);
            screen.tell(News::Error { code, message, help }).await;
        }
        drop(screen);
        crate::up::screen::finish(thread).await;
        ended
    }

    async fn run_on(self, screen: Screen, drain: CancellationToken) -> anyhow::Result<()> {
        let mut manifest = load(&self.manifest)?;
        choose(&mut manifest, self.profile.as_deref())?;
        for Scale { service, instances } in &self.scale {
            manifest.scale(service, *instances).map_err(|error| {
                let help = error.help();
                Failure::coded(ErrorCode::BAD_MANIFEST, error, help)
            })?;
        }
        check_instances(&manifest, self.profile.as_deref())?;
        manifest.dir = std::path::absolute(&manifest.dir).context("cannot find the manifest's folder")?;
        if let Some(port) = self.port {
            manifest.gateway.listen.set_port(port);
        }
        let data = self.data.unwrap_or_else(|| manifest.dir.join(".tradewind"));
        let data = std::path::absolute(&data).context("cannot find the data folder")?;
        let lock = lock::take(&data)?;
        crate::up::gateway_log::start(&screen);
        let system = System::prepare(manifest, data, screen, drain).await?;
        lock.note(system.url(), &system.addresses());
        system.run(!self.no_build).await
    }
}
