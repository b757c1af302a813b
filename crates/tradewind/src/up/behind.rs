//! The services behind the gateway: those that `up` runs, and those that others run at addresses of the manifest.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tradewind_fleet::ServiceName;
use tradewind_gateway::{Plan, Upstream};

use crate::manifest::{HostPort, Manifest};

/// How long the lookup of a name may take.
const LOOKUP_WITHIN: Duration = Duration::from_secs(2);

/// All services behind the gateway, each the same [`Upstream`] through all changes of the manifest.
pub(crate) struct Behind {
    run: BTreeMap<ServiceName, Upstream>,
    others: BTreeMap<ServiceName, Other>,
    /// What names stood for when they were looked up last.
    known: BTreeMap<HostPort, Vec<SocketAddr>>,
}

/// A service that somebody else runs.
#[derive(Clone)]
struct Other {
    upstream: Upstream,
    addresses: Vec<HostPort>,
}

impl Behind {
    /// Those of a manifest. Names are looked up by [`Self::look_up`].
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let (mut run, mut others) = (BTreeMap::new(), BTreeMap::new());
        for (name, upstream) in manifest.upstreams() {
            match manifest.gateway.addresses(&name) {
                [] => drop(run.insert(name, upstream)),
                addresses => {
                    let addresses = addresses.to_vec();
                    others.insert(name, Other { upstream, addresses });
                }
            }
        }
        Self { run, others, known: BTreeMap::new() }
    }

    /// Those that `up` runs.
    pub(crate) fn run(&self) -> &BTreeMap<ServiceName, Upstream> {
        &self.run
    }

    /// All of them.
    pub(crate) fn all(&self) -> BTreeMap<ServiceName, Upstream> {
        let others = self.others.iter().map(|(name, other)| (name, &other.upstream));
        self.run.iter().chain(others).map(|(name, upstream)| (name.clone(), upstream.clone())).collect()
    }

    /// Takes on what another manifest says of them, as a whole or not at all; the plan to put in place.
    ///
    /// # Errors
    /// What keeps it from being done while `up` runs.
    pub(crate) async fn take_on(&mut self, manifest: &Manifest) -> Result<Plan, String> {
        let next = Self::of(manifest);
        if let Some(name) = next.others.keys().find(|name| self.run.contains_key(*name)) {
            return Err(format!("{name} is said to run elsewhere, and runs here; start `tradewind up` again"));
        }
        let is_there = |name: &ServiceName| self.run.contains_key(name) || next.others.contains_key(name);
        let mut services = manifest.gateway.routes.iter().flat_map(|route| &route.services);
        if let Some(name) = services.find(|name| !is_there(name)) {
            return Err(format!("a route leads to {name}, which does not run yet; start `tradewind up` again"));
        }
        let mut others = BTreeMap::new();
        for (name, mut other) in next.others {
            if let Some(Other { upstream, .. }) = self.others.get(&name) {
                other.upstream = upstream.clone();
            }
            others.insert(name, other);
        }
        let next = Self { run: self.run.clone(), others, known: self.known.clone() };
        let plan = manifest.gateway.plan(&next.all()).map_err(|error| error.to_string())?;
        for (name, upstream) in next.all() {
            upstream.set_options(manifest.gateway.options(&name));
        }
        *self = next;
        // A new one has its addresses before anybody asks for it.
        self.look_up().await;
        Ok(plan)
    }

    /// Looks up all names, all at once. What cannot be looked up now is where it was before.
    pub(crate) async fn look_up(&mut self) {
        let addresses = self.others.values().flat_map(|other| &other.addresses);
        let names: Vec<HostPort> = addresses.filter(|address| address.socket().is_none()).cloned().collect();
        self.known.retain(|name, _| names.contains(name));
        let mut lookups = JoinSet::new();
        for name in names {
            lookups.spawn(async move {
                let found = timeout(LOOKUP_WITHIN, lookup_host(name.host_and_port())).await;
                let found = found.map(|found| found.map(Iterator::collect::<Vec<SocketAddr>>));
                (name, found)
            });
        }
        while let Some(Ok((name, found))) = lookups.join_next().await {
            match found {
                Ok(Ok(found)) if !found.is_empty() => drop(self.known.insert(name, found)),
                Ok(Err(error)) if !self.known.contains_key(&name) => {
                    tracing::warn!(%name, %error, "an upstream's name cannot be looked up");
                }
                _ => {}
            }
        }
        for Other { upstream, addresses } in self.others.values() {
            let known = |address: &HostPort| match address.socket() {
                Some(socket) => vec![socket],
                None => self.known.get(address).cloned().unwrap_or_default(),
            };
            upstream.set_addresses(addresses.iter().flat_map(known));
        }
    }
}
