//! `tradewind gateway check`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::{HeaderMap, Method};
use serde::Serialize;
use tradewind_events::ErrorCode;
use tradewind_gateway::{Asked, Plan};

use crate::command::check::read;
use crate::command::output::print;
use crate::failure::Failure;
use crate::manifest::{Manifest, ManifestError};

/// Say whether the gateway's part of the manifest is right, and what deserves a second look
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Check {
    /// The manifest
    #[arg(long, default_value = "tradewind.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Tell it as one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Errors keep a gateway from being started; warnings do not. A service's name in a route must be one of the manifest's, so
that the whole of it is read, and what is wrong elsewhere is told too.

Examples:
  tradewind gateway check
  tradewind gateway check --json | jq '.problems[] | \"\\(.line): \\(.message)\"'

Exit codes: 0 right, with or without warnings; 1 wrong; 2 wrong usage.";

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Report {
    file: PathBuf,
    right: bool,
    routes: usize,
    problems: Vec<Told>,
}

/// One thing that is wrong or odd.
#[derive(Debug, Serialize)]
struct Told {
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    message: String,
    help: String,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let manifest = match Manifest::parse(&self.manifest, &read(&self.manifest)?) {
            Ok(manifest) => manifest,
            Err(error) if self.json => {
                print_json(&report_of_errors(&self.manifest, &error))?;
                return Err(Failure::coded(ErrorCode::BAD_MANIFEST, "the manifest is wrong, as is told above", ""));
            }
            Err(error) => return Err(Failure::coded(ErrorCode::BAD_MANIFEST, error, "")),
        };
        let plan = manifest.gateway.plan(&manifest.upstreams())?;
        let warnings = warnings(&manifest, &plan);
        let routes = plan.routes.routes().len();
        if self.json {
            return print_json(&Report { file: self.manifest, right: true, routes, problems: warnings });
        }
        let file = self.manifest.display();
        let mut lines: Vec<String> = Vec::new();
        for Told { line, message, help, .. } in &warnings {
            let place = line.map_or_else(|| file.to_string(), |line| format!("{file}:{line}"));
            lines.push(format!("warning: {place}: {message}\n  = help: {help}"));
        }
        lines.push(format!("the gateway of {file} is right: {routes} routes on {}", manifest.gateway.listen));
        for route in plan.routes.routes() {
            let line = route.line.map_or_else(String::new, |line| format!("  (line {line})"));
            lines.push(format!("  {} to {}{line}", super::explain::taken(route), route.to.service()));
        }
        print(&lines.join("\n"))
    }
}

/// What is allowed and probably not meant.
fn warnings(manifest: &Manifest, plan: &Plan) -> Vec<Told> {
    let headers = HeaderMap::new();
    let pages = manifest.gateway.open.iter().filter(|(_, page)| {
        let path = page.split(['?', '#']).next().unwrap_or_default();
        let hosts = plan.routes.routes().iter().flat_map(|route| &route.hosts).map(ToString::to_string);
        let mut hosts = std::iter::once(None).chain(hosts.map(Some));
        !hosts.any(|host| {
            let asked = Asked { method: &Method::GET, host: host.as_deref(), path, headers: &headers };
            path.starts_with("/_gateway/") || plan.routes.find(asked).is_ok()
        })
    });
    let told = pages.map(|(label, path)| Told {
        severity: "warning",
        code: None,
        line: None,
        column: None,
        message: format!("no route takes the page {label:?} at {path}"),
        help: "give [gateway.routes] one that covers it, or take the page out of [gateway.open]".to_owned(),
    });
    let used: BTreeSet<Arc<str>> = plan.upstreams().map(|upstream| Arc::clone(upstream.name())).collect();
    let idle = manifest.gateway.upstreams.iter().filter(|(name, _)| !used.contains(name.as_str()));
    let idle = idle.map(|(name, section)| Told {
        severity: "warning",
        code: None,
        line: Some(section.line),
        column: None,
        message: format!("no route leads to the upstream {name}"),
        help: "give it one in [gateway.routes], or take it out".to_owned(),
    });
    told.chain(idle).collect()
}

fn report_of_errors(file: &Path, error: &ManifestError) -> Report {
    let told = error.places().map(|(place, problem)| Told {
        severity: "error",
        code: Some(ErrorCode::BAD_MANIFEST),
        line: Some(place.line),
        column: Some(place.column),
        message: problem.message.clone(),
        help: problem.help.clone(),
    });
    Report { file: file.to_owned(), right: false, routes: 0, problems: told.collect() }
}

fn print_json(report: &Report) -> anyhow::Result<()> {
    print(&serde_json::to_string(report)?)
}
