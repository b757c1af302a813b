//! What of a manifest stays as it is while `up` runs, so that it is told when it is written otherwise.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tradewind_fleet::{CommandTemplate, ServiceSpec};
use tradewind_gateway::{AccessLogOptions, Limits, Network};

use super::gateway::{AboutApis, OpenPage};
use super::{BrokerSection, GatewaySection, Manifest, Profile, ReadModelsSection, StoreSection};

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fixed {
    gateway: FixedOfGateway,
    broker: BrokerSection,
    store: StoreSection,
    read_models: Option<ReadModelsSection>,
    profiles: Vec<Profile>,
    services: Vec<ServiceSpec>,
    documents: BTreeMap<String, PathBuf>,
    seed: Option<CommandTemplate>,
}

/// What of `[gateway]` stays, without the lines on which it stands.
#[derive(Debug, Clone, Default)]
struct FixedOfGateway {
    listen: Option<SocketAddr>,
    tls: Option<(PathBuf, PathBuf)>,
    limits: Option<Limits>,
    unready_for: Duration,
    trusted: Vec<Network>,
    operators: Option<Vec<Network>>,
    access: Option<(AccessLogOptions, Option<PathBuf>)>,
    open: Vec<(String, String)>,
    about: AboutApis,
}

impl Fixed {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Self {
            gateway: FixedOfGateway::of(&manifest.gateway),
            broker: manifest.broker.clone(),
            store: manifest.store.clone(),
            read_models: manifest.read_models.clone(),
            profiles: manifest.profiles.clone(),
            services: manifest.services.clone(),
            documents: manifest.kept.files.clone(),
            seed: manifest.seed.clone(),
        }
    }

    /// The tables and keys of which another manifest says something else.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let (ours, theirs) = (&self.gateway, &other.gateway);
        let differ = [
            ("gateway.listen", ours.listen != theirs.listen),
            ("gateway.tls", ours.tls != theirs.tls),
            ("gateway.connections", ours.limits != theirs.limits),
            ("gateway.unready_for", ours.unready_for != theirs.unready_for),
            ("gateway.trusted", ours.trusted != theirs.trusted),
            ("gateway.operators", ours.operators != theirs.operators),
            ("gateway.log", ours.access != theirs.access),
            ("gateway.open", ours.open != theirs.open),
            ("gateway.openapi", ours.about != theirs.about),
            ("broker", self.broker != other.broker),
            ("store", self.store != other.store),
            ("read_models", self.read_models != other.read_models),
            ("profiles", self.profiles != other.profiles),
            ("services", self.services != other.services || self.documents != other.documents),
            ("seed", self.seed != other.seed),
        ];
        differ.into_iter().filter(|(_, differ)| *differ).map(|(key, _)| key).collect()
    }
}

impl FixedOfGateway {
    fn of(gateway: &GatewaySection) -> Self {
        let networks = |of: &[(Network, usize)]| of.iter().map(|(network, _)| *network).collect();
        let page = |page: &OpenPage| (page.label.clone(), page.path.clone());
        Self {
            listen: Some(gateway.listen),
            tls: gateway.tls.as_ref().map(|tls| (tls.cert.clone(), tls.key.clone())),
            limits: Some(gateway.limits),
            unready_for: gateway.unready_for,
            trusted: networks(&gateway.trusted),
            operators: gateway.operators.as_deref().map(networks),
            access: gateway.access.as_ref().map(|log| (log.options, log.file.clone())),
            open: gateway.open.iter().map(page).collect(),
            about: gateway.about.clone(),
        }
    }
}
