//! `tradewind gateway check`

use std::path::{Path, PathBuf};

use serde::Serialize;
use tradewind_events::ErrorCode;
use tradewind_gateway::openapi::{Change, Document, LeftOut, breaking};
use tradewind_gateway::{ApiDocuments, Plan};

use super::{files, lints};
use crate::command::check::read;
use crate::command::output::print;
use crate::described::describe;
use crate::failure::Failure;
use crate::manifest::{Manifest, ManifestError, Warning};

/// Say whether the gateway's part of the manifest is right, and what deserves a second look
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Check {
    /// The manifest
    #[arg(long, default_value = "tradewind.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Tell what breaks who relies on this older OpenAPI document of the gateway, which `gateway openapi` has written
    #[arg(long, value_name = "OLD.json")]
    against: Option<PathBuf>,
    /// The older document is this profile's, not that of all services
    #[arg(long, value_name = "NAME", requires = "against")]
    profile: Option<String>,
    /// Tell it as one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Errors keep a gateway from being started; warnings do not. A service's name in a route must be one of the manifest's, so
that the whole of it is read, and what is wrong elsewhere is told too.

Examples:
  tradewind gateway check
  tradewind gateway check --against api.json
  tradewind gateway check --against web.json --profile web
  tradewind gateway check --json | jq '.problems[] | \"\\(.line): \\(.message)\"'

Exit codes: 0 right, with or without warnings; 1 wrong, or something breaks; 2 wrong usage.";

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Report {
    file: PathBuf,
    right: bool,
    routes: usize,
    problems: Vec<Told>,
    /// What breaks who relies on an older document, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    breaking: Option<Vec<Breaking>>,
}

/// A change that breaks somebody.
#[derive(Debug, Serialize)]
struct Breaking {
    at: String,
    what: String,
    kind: &'static str,
}

/// One thing that is wrong or odd.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<ErrorCode>,
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    message: String,
    help: String,
}

impl Told {
    /// Something that is allowed and probably not meant.
    pub(super) fn warning(line: Option<usize>, message: String, help: impl Into<String>) -> Self {
        Self { severity: "warning", code: None, line, column: None, message, help: help.into() }
    }
}

impl From<&Warning> for Told {
    fn from(Warning { place, message, help }: &Warning) -> Self {
        let column = Some(place.column);
        Self { column, ..Self::warning(Some(place.line), message.clone(), help) }
    }
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
        let described = describe(&manifest.gateway.about, &plan, &manifest.kept.documents, &manifest.gateway.url());
        let mut warnings: Vec<Told> = manifest.warnings.iter().map(Told::from).collect();
        warnings.extend(files::missing(&manifest));
        warnings.extend(lints::all(&manifest, &plan));
        warnings.extend(described.left_out.iter().map(|left_out| told_of(left_out, &plan)));
        let breaking = self.breaking(&described.documents)?;
        let broken = self.broken(breaking.as_deref());
        let routes = plan.routes.routes().len();
        if self.json {
            let breaking = breaking.map(|changes| changes.into_iter().map(Breaking::from).collect());
            print_json(&Report { file: self.manifest, right: true, routes, problems: warnings, breaking })?;
            return broken;
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
            lines.push(format!("  {} to {}{line}", route.takes(), route.to.service()));
        }
        print(&lines.join("\n"))?;
        broken
    }

    /// The changes since the older document that break somebody, if there is one.
    fn breaking(&self, documents: &ApiDocuments) -> anyhow::Result<Option<Vec<Change>>> {
        let Some(file) = &self.against else { return Ok(None) };
        let new = super::openapi::chosen(documents, self.profile.as_deref())?;
        let read = std::fs::read(file).map_err(|error| error.to_string());
        let old = read.and_then(|bytes| Document::parse(&bytes).map_err(|error| error.to_string()));
        let old = old.map_err(|why| {
            let message = format!("the older document {} cannot be read: {why}", file.display());
            let help = "it is to be one that `tradewind gateway openapi --output FILE` has written";
            Failure::coded(ErrorCode::INVALID_DOCUMENT, message, help)
        })?;
        Ok(Some(breaking(&old, new)))
    }

    /// An error, if something breaks.
    fn broken(&self, changes: Option<&[Change]>) -> anyhow::Result<()> {
        let (Some(file), Some(changes @ [_, ..])) = (&self.against, changes) else { return Ok(()) };
        let (count, verb) = match changes.len() {
            1 => ("1 change".to_owned(), "breaks"),
            more => (format!("{more} changes"), "break"),
        };
        let lines: Vec<String> = changes.iter().map(|change| format!("\n  {change}")).collect();
        let message = format!("{count} {verb} who relies on {}{}", file.display(), lines.concat());
        let help = "keep what was there beside what is new; or write the document anew, if nobody relies on it";
        Err(Failure::coded(ErrorCode::BREAKING_CHANGE, message, help))
    }
}

impl From<Change> for Breaking {
    fn from(Change { at, what, kind }: Change) -> Self {
        Self { at, what, kind }
    }
}

/// An operation that is not told of.
fn told_of(left_out: &LeftOut, plan: &Plan) -> Told {
    let route = plan.routes.routes().iter().find(|route| *route.name == *left_out.route);
    let help = "clients find it at its host or header all the same; another path would be told too";
    Told::warning(route.and_then(|route| route.line), format!("in the OpenAPI document, {left_out}"), help)
}

fn report_of_errors(file: &Path, error: &ManifestError) -> Report {
    let told = error.places().map(|(place, problem)| Told {
        severity: "error",
        code: Some(problem.code),
        line: Some(place.line),
        column: Some(place.column),
        message: problem.message.clone(),
        help: problem.help.clone(),
    });
    Report { file: file.to_owned(), right: false, routes: 0, problems: told.collect(), breaking: None }
}

fn print_json(report: &Report) -> anyhow::Result<()> {
    print(&serde_json::to_string(report)?)
}
