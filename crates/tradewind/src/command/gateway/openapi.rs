//! `tradewind gateway openapi`

use std::path::PathBuf;

use tradewind_events::ErrorCode;
use tradewind_gateway::ApiDocuments;
use tradewind_gateway::openapi::Document;

use crate::command::check::load;
use crate::command::output::print;
use crate::described::describe;
use crate::failure::Failure;

/// Print the OpenAPI document of what is behind the gateway, or of a profile
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct OpenApi {
    /// The document of this profile's composed answers, in place of that of all services
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Write it into this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The manifest
    #[arg(long, default_value = "tradewind.toml", value_name = "FILE")]
    manifest: PathBuf,
}

const AFTER_HELP: &str = "\
It is made of the services' documents that the manifest names, as openapi = \"shop/catalog/openapi.json\" in
[services.NAME]; a service without one is not in it. While `up` runs, the gateway tells the same of the services that run,
at /_gateway/openapi.json and /_gateway/openapi/PROFILE.json, and as pages at /_gateway/docs.

Examples:
  tradewind gateway openapi --output api.json
  tradewind gateway openapi --profile web | jq '.paths | keys'
  tradewind gateway check --against api.json

Exit codes: 0 printed, 1 the manifest is wrong or there is no such profile, 2 wrong usage.";

impl OpenApi {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let manifest = load(&self.manifest)?;
        let plan = manifest.gateway.plan(&Default::default())?;
        let url = manifest.gateway.url();
        let described = describe(&manifest.gateway.about, &plan, &manifest.kept.documents, &url);
        let document = chosen(&described.documents, self.profile.as_deref())?;
        let text = document.to_text();
        match &self.output {
            None => print(text.trim_end()),
            Some(file) => std::fs::write(file, text).map_err(|error| {
                let message = format!("{} cannot be written: {error}", file.display());
                Failure::coded(ErrorCode::IO, message, "name a file in a folder that is there")
            }),
        }
    }
}

/// The document of all services, or of a profile.
///
/// # Errors
/// TW-4001 if there is no such profile.
pub(super) fn chosen<'d>(documents: &'d ApiDocuments, profile: Option<&str>) -> anyhow::Result<&'d Document> {
    let found = match profile {
        None => documents.merged.as_ref(),
        Some(name) => documents.profiles.get(name),
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = documents.profiles.keys().map(String::as_str).collect();
        let help = match names.is_empty() {
            true => "there is none: profiles stand in [gateway.profiles]".to_owned(),
            false => format!("there are {}", names.join(", ")),
        };
        let message = format!("the gateway has no profile {:?}", profile.unwrap_or_default());
        Failure::coded(ErrorCode::BAD_MANIFEST, message, help)
    })
}
