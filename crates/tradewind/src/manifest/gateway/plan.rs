//! The plan that a manifest makes of its routes, with its services behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tradewind_events::SystemClock;
use tradewind_fleet::ServiceName;
use tradewind_gateway::cache::{Cache, CachePolicy};
use tradewind_gateway::{Action, Plan, RouteError, RouteTable, Upstream, UpstreamOptions};

use super::{GatewaySection, HostPort, ServiceRoute, upstreams};

impl GatewaySection {
    /// The plan, with these services behind it.
    ///
    /// # Errors
    /// None, of a manifest that was read without a problem.
    pub(crate) fn plan(&self, upstreams: &BTreeMap<ServiceName, Upstream>) -> Result<Plan, RouteError> {
        let mut routes = Vec::with_capacity(self.routes.len());
        let real = |named: &Upstream| {
            let known = upstreams.iter().find(|(service, _)| service.as_str() == &**named.name());
            known.map_or_else(|| named.clone(), |(_, upstream)| upstream.clone())
        };
        for ServiceRoute { route, .. } in &self.routes {
            let mut route = route.clone();
            route.to = match route.to {
                Action::Forward(upstream) => Action::Forward(real(&upstream)),
                Action::Compose(composing) => {
                    let mut composing = (*composing).clone();
                    composing.calls.iter_mut().for_each(|call| call.upstream = real(&call.upstream));
                    Action::Compose(Arc::new(composing))
                }
            };
            routes.push(route);
        }
        let stores = self.rules().next().is_some();
        let cache = stores.then(|| Cache::new(self.cache.options.clone(), Arc::new(SystemClock)));
        let own_writes = self.cache.own_writes(self.rules());
        Ok(Plan { routes: RouteTable::new(routes)?, authorizer: None, cache, own_writes })
    }

    /// All rules by which answers are stored, of routes and of calls.
    pub(super) fn rules(&self) -> impl Iterator<Item = &CachePolicy> {
        self.routes.iter().flat_map(|ServiceRoute { route, .. }| {
            let of_calls = match &route.to {
                Action::Forward(_) => &[][..],
                Action::Compose(composing) => &composing.calls[..],
            };
            route.policies.cache.as_deref().into_iter().chain(of_calls.iter().filter_map(|call| call.cache.as_deref()))
        })
    }

    /// How a service is treated.
    pub(crate) fn options(&self, service: &ServiceName) -> UpstreamOptions {
        self.upstreams.get(service).map_or_else(|| upstreams::usual(&self.calls), |section| section.options.clone())
    }

    /// Where a service is, if the manifest tells.
    pub(crate) fn addresses(&self, service: &ServiceName) -> &[HostPort] {
        self.upstreams.get(service).map_or(&[], |section| &section.addresses)
    }

    /// Whether it stands before services that somebody else runs.
    pub(crate) fn stands_before_others(&self) -> bool {
        self.upstreams.values().any(|section| !section.addresses.is_empty())
    }
}
