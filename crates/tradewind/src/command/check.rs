//! `tradewind check`

use std::io;
use std::path::{Path, PathBuf};

use tradewind_broker::BrokerUrl;
use tradewind_events::ErrorCode;
use tradewind_store::postgres::without_password;

use super::output::print;
use crate::failure::Failure;
use crate::manifest::Manifest;

/// Say whether the manifest is right, and what it describes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tradewind check --manifest shop/tradewind.toml")]
pub(crate) struct Check {
    /// The manifest
    #[arg(long, default_value = "tradewind.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Say what it describes with this profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let mut manifest = load(&self.manifest)?;
        let profiles: Vec<String> = manifest.profiles.iter().map(|profile| profile.name.clone()).collect();
        choose(&mut manifest, self.profile.as_deref())?;
        check_instances(&manifest, self.profile.as_deref())?;
        // Without one chosen, each must be right.
        for profile in profiles.iter().filter(|_| self.profile.is_none()) {
            let mut other = load(&self.manifest)?;
            choose(&mut other, Some(profile))?;
            check_instances(&other, Some(profile))?;
        }
        let broker = manifest.broker.url.parse::<BrokerUrl>().map_or_else(|_| String::new(), |url| url.to_string());
        let mut lines = vec![
            format!("{} is right", manifest.file.display()),
            format!("  gateway on {}", manifest.gateway.listen),
            format!("  events kept in {}, told over {broker}", without_password(&manifest.store.url.to_string())),
            format!("  read models in {}", without_password(&manifest.read_models().url.to_string())),
        ];
        for spec in &manifest.services {
            let prefixes = manifest.gateway.routes.iter().filter(|route| route.services.contains(&spec.name));
            let prefixes: Vec<&str> = prefixes.map(|route| route.route.path.as_str()).collect();
            let after: Vec<&str> = spec.after.iter().map(|name| name.as_str()).collect();
            let after = if after.is_empty() { String::new() } else { format!(", after {}", after.join(" and ")) };
            let at = if prefixes.is_empty() { "no route".to_owned() } else { prefixes.join(" ") };
            let times = if spec.instances > 1 { format!(" in {} instances", spec.instances) } else { String::new() };
            lines.push(format!("  service {}{times} at {at}{after}", spec.name));
        }
        print(&lines.join("\n"))
    }
}

/// Chooses a profile, if one is wanted.
///
/// # Errors
/// TW-4001 if there is none of this name.
pub(crate) fn choose(manifest: &mut Manifest, profile: Option<&str>) -> anyhow::Result<()> {
    let Some(profile) = profile else { return Ok(()) };
    manifest.choose(profile).map_err(|error| {
        let help = error.help.clone();
        Failure::coded(ErrorCode::BAD_MANIFEST, error, help)
    })
}

/// Refuses several instances of a service that would keep apart what they must have in common.
///
/// # Errors
/// TW-4006.
pub(crate) fn check_instances(manifest: &Manifest, profile: Option<&str>) -> anyhow::Result<()> {
    manifest.check_instances().map_err(|error| {
        let with = profile.map_or_else(String::new, |profile| format!("with the profile {profile}, "));
        Failure::coded(ErrorCode::NOT_SHARED, format!("{with}{error}"), error.help())
    })
}

/// Reads and parses a manifest.
///
/// # Errors
/// TW-4001 if it is missing or wrong.
pub(crate) fn load(file: &Path) -> anyhow::Result<Manifest> {
    Manifest::parse(file, &read(file)?).map_err(|error| Failure::coded(ErrorCode::BAD_MANIFEST, error, ""))
}

/// A manifest's text.
///
/// # Errors
/// TW-4001 if it cannot be read.
pub(crate) fn read(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        let message = format!("the manifest {} cannot be read: {error}", file.display());
        let help = match error.kind() {
            io::ErrorKind::InvalidData => "save it as UTF-8, which TOML is written in",
            io::ErrorKind::PermissionDenied => "let whoever runs this read it",
            _ => "go to the folder that has it, or name it with --manifest FILE",
        };
        Failure::coded(ErrorCode::BAD_MANIFEST, message, help)
    })
}
