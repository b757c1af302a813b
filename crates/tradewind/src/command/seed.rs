//! `tradewind seed`

use std::path::PathBuf;

use tradewind_events::ErrorCode;
use tradewind_store::{ClientOptions, FeedSource, SeededService, SubscriptionStatus};

use super::check::load;
use super::output::print;
use crate::failure::Failure;
use crate::seed::handing::seed;
use crate::seed::report::Report;
use crate::seed::whom::url_of;

/// Seed a new service with all that those have told whom it follows
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Seed {
    /// The service, by its name in the manifest; it must be running
    #[arg(required_unless_present = "url")]
    service: Option<String>,
    /// Where the service is, if no `tradewind up` here runs it
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Seed no followers of it but these
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Read the source's archived Atom feed from its beginning, in place of its pages; or an archive of it elsewhere,
    /// under whose URL the feeds are
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    archive: Option<String>,
    /// The manifest
    #[arg(long, default_value = "tradewind.toml", value_name = "FILE", conflicts_with = "url")]
    manifest: PathBuf,
    /// The data folder of the `tradewind up` that runs the service [default: .tradewind beside the manifest]
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// Tell everything as JSON, one object a line
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
For each read model of the service that follows another service, everything that the other has told up to now is read
from its feed, compared with the count and the checksum that it gives for it, and handed to the read model, which then
follows from the next event. What was killed in the middle is simply repeated, and goes on. What acts on events is left
out: nobody should act on a whole past at once.

This is not the manifest's [seed]: that is a command of the system's own, which `tradewind up` runs to give a new shop
its first data. `tradewind seed` gives a new service what the others know already.

Examples:
  tradewind seed recommendations
  tradewind seed recommendations --archive             from the archived Atom feed, in order
  tradewind seed --url http://10.0.0.7:7105 --only baskets --json";

impl Seed {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let url = match (&self.url, &self.service) {
            (Some(url), _) => url.clone(),
            (None, service) => {
                let service = service.as_deref().unwrap_or_default();
                url_of(&load(&self.manifest)?, service, self.data.as_deref())?
            }
        };
        let service = SeededService::new(&url, ClientOptions::default())?;
        let followers = service.subscriptions().await.map_err(|error| {
            Failure::coded(error.code(), format!("{url} does not answer: {error}"), "is it a running service?")
        })?;
        let followers = self.wanted(followers)?;
        let mut report = Report::new(self.json);
        for follower in &followers {
            let archive = self.archive_for(follower)?;
            let seeded = seed(&service, follower, archive, &mut report).await;
            report.end();
            report.ended(&seeded?)?;
        }
        if followers.is_empty() && !self.json {
            print("nothing of it follows another service and can be seeded")?;
        }
        Ok(())
    }

    fn wanted(&self, followers: Vec<SubscriptionStatus>) -> anyhow::Result<Vec<SubscriptionStatus>> {
        for name in &self.only {
            let known = followers.iter().find(|follower| follower.name == *name);
            if known.is_none_or(|follower| !follower.can_be_seeded) {
                let names: Vec<&str> =
                    followers.iter().filter(|it| it.can_be_seeded).map(|it| it.name.as_str()).collect();
                let message = format!("there is no {name} that follows another service and can be seeded");
                let help = format!("there are {}", names.join(", "));
                return Err(Failure::coded(ErrorCode::CANNOT_SEED, message, help));
            }
        }
        let is_wanted = |follower: &SubscriptionStatus| self.only.is_empty() || self.only.contains(&follower.name);
        Ok(followers.into_iter().filter(|follower| follower.can_be_seeded && is_wanted(follower)).collect())
    }

    fn archive_for(&self, follower: &SubscriptionStatus) -> anyhow::Result<Option<FeedSource>> {
        let Some(at) = &self.archive else { return Ok(None) };
        let own = || format!("{}/atom", follower.source.as_deref().unwrap_or_default());
        let at = if at.is_empty() { own() } else { at.clone() };
        Ok(Some(FeedSource::new(&at, ClientOptions::default())?))
    }
}
