//! Tells the gateway which instances of each service are there.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tradewind_fleet::{FleetHandle, ServiceName, State};
use tradewind_gateway::Upstream;

/// Keeps each service's addresses those of its instances that are ready. While none is, any may be the next to answer,
/// and whoever asks waits a while for it. Goes on until it is dropped.
pub(super) async fn follow(handle: FleetHandle, upstreams: BTreeMap<ServiceName, Upstream>) {
    let mut changes = handle.changes();
    loop {
        let instances = handle.status();
        for (service, upstream) in &upstreams {
            let of_service = instances.iter().filter(|status| status.instance.service == *service);
            let (ready, others): (Vec<_>, Vec<_>) = of_service.partition(|status| status.state == State::Ready);
            let reached = if ready.is_empty() { others } else { ready };
            let addresses: Vec<SocketAddr> = reached.into_iter().map(|status| status.address).collect();
            upstream.set_addresses(addresses);
        }
        // The fleet's part of it lives as long as the handle.
        if changes.changed().await.is_err() {
            return;
        }
    }
}
