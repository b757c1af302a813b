//! What the services stand on, by URL: `[broker]`, `[store]` and `[read_models]`, and the profiles that choose others.

use std::collections::BTreeMap;

use tradewind_broker::BrokerUrl;
use tradewind_fleet::{Place, ServiceName, Template, Values};
use tradewind_store::{OpenError, StoreUrl};

use super::instances;
use super::section::{Problems, Section, closest};

/// The manifest's `[broker]`: over what events go between services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrokerSection {
    /// Its URL as it was written, with its credentials.
    pub(crate) url: String,
}

/// The manifest's `[store]`: where services keep their events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreSection {
    /// The URL of each service's own; in it may be `{data}` and `{service}`.
    pub(crate) url: Template,
    /// Whether several instances of a service can have it in common.
    pub(crate) is_shared: bool,
}

/// The manifest's `[read_models]`: where the instances of a service keep what they make of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadModelsSection {
    /// The URL of each service's own; in it may be `{service}`. `file:` is the instance's own folder.
    pub(crate) url: Template,
    /// Whether several instances of a service can have them in common.
    pub(crate) is_shared: bool,
}

/// One of the manifest's `[profiles.NAME]`: what stands in it takes the place of what stands outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) broker: Option<BrokerSection>,
    pub(crate) store: Option<StoreSection>,
    pub(crate) read_models: Option<ReadModelsSection>,
    /// How many instances services have, other than they say themselves.
    pub(crate) instances: BTreeMap<ServiceName, u16>,
}

/// There is no profile of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the manifest has no profile {name:?}")]
pub(crate) struct NoProfile {
    name: String,
    /// What to do.
    pub(crate) help: String,
}

impl NoProfile {
    pub(super) fn among(name: &str, profiles: &[Profile]) -> Self {
        let names = || profiles.iter().map(|profile| profile.name.as_str());
        let help = match closest(name, names()) {
            Some(meant) => format!("did you mean {meant}?"),
            None if profiles.is_empty() => "leave --profile out, or write a table [profiles.NAME]".to_owned(),
            None => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
        };
        Self { name: name.to_owned(), help }
    }
}

impl Default for BrokerSection {
    fn default() -> Self {
        Self { url: "feeds:".to_owned() }
    }
}

impl Default for StoreSection {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "the test of the default says that it is a template")]
        let url = Template::parse("file:{data}/events").expect("a template");
        Self { url, is_shared: false }
    }
}

pub(super) fn read_broker(section: &Section<'_>, problems: &Problems<'_>) -> BrokerSection {
    let mut broker = BrokerSection::default();
    if let Some(url) = section.text("url", "\"nats://127.0.0.1:4222\"") {
        match url.value.parse::<BrokerUrl>() {
            Ok(_) => broker.url = url.value,
            Err(error) => problems.add(
                url.span,
                error.to_string(),
                "write feeds: for none, amqp://USER:PASSWORD@HOST:5672/VHOST for RabbitMQ, nats://HOST:4222, or \
                 kafka://HOST:9092",
            ),
        }
    }
    section.report_unknown();
    broker
}

pub(super) fn read_store(section: &Section<'_>, problems: &Problems<'_>) -> StoreSection {
    let mut store = StoreSection::default();
    if let Some(url) = section.text("url", "\"postgres://HOST/DATABASE?schema={service}\"") {
        let help = "write file:{data}/events, or postgres://USER@HOST/DATABASE?schema={service}";
        match read_store_url(&url.value) {
            Ok(read) => store = read,
            Err(problem) => problems.add(url.span, problem, help),
        }
    }
    section.report_unknown();
    store
}

fn read_store_url(text: &str) -> Result<StoreSection, String> {
    let template = Template::parse(text).map_err(|error| error.to_string())?;
    let is_own = |place: &Place| matches!(place, Place::Data | Place::Service);
    if let Some(place) = template.places().find(|place| !is_own(place)) {
        return Err(format!("{place} has no meaning in the URL of a store"));
    }
    if template.places().next().is_none() {
        return Err("all services would keep their events in one store".to_owned());
    }
    // What is named by an instance's own folder is its own, wherever the server is.
    let is_an_instance_s = template.places().any(|place| *place == Place::Data);
    match filled(&template)? {
        StoreUrl::Postgres(_) => Ok(StoreSection { url: template, is_shared: !is_an_instance_s }),
        StoreUrl::File(_) => Ok(StoreSection { url: template, is_shared: false }),
        StoreUrl::Http(_) => Err("a service keeps its events itself, and not in another's store".to_owned()),
    }
}

/// Whether it is a URL shows as soon as a service has filled it.
fn filled(template: &Template) -> Result<StoreUrl, String> {
    let service = ServiceName::new("service").map_err(|error| error.to_string())?;
    let some = Values { data: Some("/data".into()), service: Some(service), ..Values::default() };
    let filled = template.fill(&some).map_err(|error| error.to_string())?;
    filled.parse().map_err(|error: OpenError| error.to_string())
}

pub(super) fn read_read_models(section: &Section<'_>) -> Option<ReadModelsSection> {
    let url = section.text("url", "\"postgres://HOST/DATABASE?schema={service}\"");
    let read = url.and_then(|url| match read_read_models_url(&url.value) {
        Ok(read) => Some(read),
        Err(problem) => {
            let help = "write file: for each instance's own folder, or postgres://USER@HOST/DATABASE?schema={service}";
            section.refuse(url.span, problem, help)
        }
    });
    section.report_unknown();
    read
}

fn read_read_models_url(text: &str) -> Result<ReadModelsSection, String> {
    let url = Template::parse(text).map_err(|error| error.to_string())?;
    if text == "file:" {
        return Ok(ReadModelsSection { url, is_shared: false });
    }
    if let Some(place) = url.places().find(|place| **place != Place::Service) {
        return Err(format!("{place} has no meaning in the URL of read models"));
    }
    if url.places().next().is_none() {
        return Err("all services would keep their read models in one place".to_owned());
    }
    match filled(&url)? {
        StoreUrl::Postgres(_) => Ok(ReadModelsSection { url, is_shared: true }),
        StoreUrl::File(_) | StoreUrl::Http(_) => Err("read models are kept in PostgreSQL, or in the folder".to_owned()),
    }
}

impl StoreSection {
    /// Where read models are unless told otherwise: where the store is, if instances can have that in common, or else in
    /// the instance's own folder.
    #[expect(clippy::expect_used, reason = "a text without braces is a template")]
    pub(super) fn read_models(&self) -> ReadModelsSection {
        match self.is_shared {
            true => ReadModelsSection { url: self.url.clone(), is_shared: true },
            false => ReadModelsSection { url: Template::parse("file:").expect("a template"), is_shared: false },
        }
    }
}

pub(super) fn read_profiles(section: &Section<'_>, names: &[&ServiceName], problems: &Problems<'_>) -> Vec<Profile> {
    let mut profiles = Vec::new();
    for (name, section) in section.tables("profile", "{ store = { url = \"…\" } }") {
        let name = name.value.to_owned();
        let broker = section.table("broker", &format!("the broker of profile `{name}`"));
        let broker = broker.map(|section| read_broker(&section, problems));
        let store = section.table("store", &format!("the store of profile `{name}`"));
        let store = store.map(|section| read_store(&section, problems));
        let read_models = section.table("read_models", &format!("the read models of profile `{name}`"));
        let read_models = read_models.and_then(|section| read_read_models(&section));
        let instances = section.table("instances", &format!("the instances of profile `{name}`"));
        let instances = instances.map(|section| instances::read_by_service(&section, names, problems));
        section.report_unknown();
        profiles.push(Profile { name, broker, store, read_models, instances: instances.unwrap_or_default() });
    }
    profiles
}
