//! `tradewind.toml`, parsed once into types that cannot be wrong. `docs/internals/manifest.md` tells every key.

mod documents;
mod engines;
mod fixed;
mod gateway;
mod instances;
mod problem;
mod section;
mod services;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;
use tradewind_events::ErrorCode;
use tradewind_fleet::{CommandTemplate, Place, ServiceName, ServiceSpec, Template};
use tradewind_gateway::Upstream;

pub(crate) use documents::KeptDocuments;
pub(crate) use engines::{BrokerSection, NoProfile, Profile, ReadModelsSection, StoreSection};
pub(crate) use fixed::Fixed;
pub(crate) use gateway::{
    AboutApis, AccessSection, Followed, GatewaySection, HostPort, OpenPage, TlsFiles, tag_of_all,
};
use problem::Problem;
pub(crate) use problem::{ManifestError, Warning};
use section::{Problems, Section};

/// The system that a manifest describes.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// The manifest itself.
    pub(crate) file: PathBuf,
    /// The folder that it stands in; commands run there.
    pub(crate) dir: PathBuf,
    /// The one address in front of all services.
    pub(crate) gateway: GatewaySection,
    /// The broker over which events go between services.
    pub(crate) broker: BrokerSection,
    /// Where services keep their events.
    pub(crate) store: StoreSection,
    /// Where their instances keep what they make of events, if the manifest says so.
    read_models: Option<ReadModelsSection>,
    /// What can be chosen in place of these.
    pub(crate) profiles: Vec<Profile>,
    /// The services, in the order of the text.
    pub(crate) services: Vec<ServiceSpec>,
    /// The services' OpenAPI documents that it names.
    pub(crate) kept: KeptDocuments,
    /// What is run each time when all services are ready.
    pub(crate) seed: Option<CommandTemplate>,
    /// What of it stays as it is while `up` runs: as it was written, whatever has been chosen in place of it.
    pub(crate) fixed: Fixed,
    /// What is probably not meant.
    pub(crate) warnings: Vec<Warning>,
}

impl Manifest {
    /// Reads a file's text.
    ///
    /// # Errors
    /// [`ManifestError`] with everything that is wrong.
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, ManifestError> {
        let refused = |problems| ManifestError { file: file.to_owned(), text: text.to_owned(), problems };
        let table = DeTable::parse(text).map_err(|error| {
            let message = format!("this is not TOML: {}", error.message().lines().next().unwrap_or_default());
            let help = "a text stands in quotes, a table's name in [brackets], and each key stands once".to_owned();
            let code = ErrorCode::BAD_MANIFEST;
            refused(vec![Problem { span: error.span().unwrap_or(0..0), message, help, code }])
        })?;
        let problems = Problems::of(text);
        let manifest = Self::read(file, &Section::root(&table, &problems), &problems);
        match problems.into_sorted() {
            none if none.is_empty() => Ok(manifest),
            some => Err(refused(some)),
        }
    }

    fn read(file: &Path, root: &Section<'_>, problems: &Problems<'_>) -> Self {
        let services = services::read(root, problems);
        let dir = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let kept = documents::read(&dir, services.documents.clone(), problems);
        let names: Vec<&ServiceName> = services.names.iter().collect();
        let gateway = root.table("gateway", "[gateway]");
        let gateway = gateway.map(|section| gateway::read(&section, &names, &kept, problems)).unwrap_or_default();
        services.report_port_of_gateway(gateway.listen, problems);
        services.report_none(&gateway, problems);
        let broker = root.table("broker", "[broker]");
        let broker = broker.map(|section| engines::read_broker(&section, problems)).unwrap_or_default();
        let store = root.table("store", "[store]");
        let store = store.map(|section| engines::read_store(&section, problems)).unwrap_or_default();
        let read_models = root.table("read_models", "[read_models]");
        let read_models = read_models.and_then(|section| engines::read_read_models(&section));
        let profiles = root.table("profiles", "[profiles]");
        let profiles = profiles.map(|section| engines::read_profiles(&section, &names, problems)).unwrap_or_default();
        let seed = root.table("seed", "[seed]").and_then(|section| read_seed(&section, &names, problems));
        root.report_unknown();
        let (file, services, fixed) = (file.to_owned(), services.specs, Fixed::default());
        let warnings = problems.take_warnings();
        let mut manifest =
            Self { file, dir, gateway, broker, store, read_models, profiles, services, kept, seed, fixed, warnings };
        manifest.fixed = Fixed::of(&manifest);
        manifest
    }

    /// Takes what a profile says in place of what is said outside.
    ///
    /// # Errors
    /// [`NoProfile`] if there is none of this name.
    pub(crate) fn choose(&mut self, profile: &str) -> Result<(), NoProfile> {
        let chosen = self.profiles.iter().find(|known| known.name == profile);
        let Some(Profile { broker, store, read_models, instances, .. }) = chosen.cloned() else {
            return Err(NoProfile::among(profile, &self.profiles));
        };
        self.broker = broker.unwrap_or_else(|| self.broker.clone());
        self.store = store.unwrap_or_else(|| self.store.clone());
        self.read_models = read_models.or_else(|| self.read_models.take());
        for spec in &mut self.services {
            spec.instances = instances.get(&spec.name).copied().unwrap_or(spec.instances);
        }
        Ok(())
    }

    /// All services that may be behind the gateway, at the addresses that the manifest tells.
    pub(crate) fn upstreams(&self) -> BTreeMap<ServiceName, Upstream> {
        let run = self.services.iter().map(|spec| &spec.name);
        let upstream = |name: &ServiceName| {
            let at = self.gateway.addresses(name).iter().filter_map(HostPort::socket);
            (name.clone(), Upstream::with_options(name.as_str(), at, self.gateway.options(name)))
        };
        run.chain(self.gateway.upstreams.keys()).map(upstream).collect()
    }

    /// Where the instances of each service keep what they make of events.
    pub(crate) fn read_models(&self) -> ReadModelsSection {
        self.read_models.clone().unwrap_or_else(|| self.store.read_models())
    }
}

fn read_seed(section: &Section<'_>, names: &[&ServiceName], problems: &Problems<'_>) -> Option<CommandTemplate> {
    let run = section.words("run", "\"target/release/shop seed --gateway {gateway}\"");
    section.require("run", "say which command places the first data, as run = \"…\"");
    section.report_unknown();
    let run = run?;
    let span = run.span.clone();
    let command = services::command(section, run, names, problems)?;
    let is_own = |place: &&Place| !matches!(place, Place::Gateway | Place::Upstream(_));
    let own = command.words().iter().flat_map(Template::places).find(is_own).map(Place::to_string);
    match own {
        None => Some(command),
        Some(place) => section.refuse(
            span,
            format!("{place} is a service's own, and the seed is none"),
            "a seed is told {gateway} and {upstream:NAME}",
        ),
    }
}
