//! Tells the gateway which instances of each service are there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use tradewind_fleet::{FleetHandle, ServiceName, State};
use tradewind_gateway::Upstream;

/// Keeps each service's addresses those of its instances that are ready. While none is, any may be the next to answer,
/// and whoever asks waits a while for it. One that was started again has its old address, so that it is told when it is
/// ready. Goes on until it is dropped.
pub(super) async fn follow(handle: FleetHandle, upstreams: BTreeMap<ServiceName, Upstream>) {
    let mut changes = handle.changes();
    let mut were_ready = BTreeSet::new();
    loop {
        let instances = handle.status();
        for (service, upstream) in &upstreams {
            let of_service = instances.iter().filter(|status| status.instance.service == *service);
            let (ready, others): (Vec<_>, Vec<_>) = of_service.partition(|status| status.state == State::Ready);
            let reached = if ready.is_empty() { &others } else { &ready };
            let addresses: Vec<SocketAddr> = reached.iter().map(|status| status.address).collect();
            upstream.set_addresses(addresses);
            for status in ready.iter().filter(|status| !were_ready.contains(&(status.address, status.pid))) {
                upstream.is_back(status.address);
            }
        }
        let ready = instances.iter().filter(|status| status.state == State::Ready);
        were_ready = ready.map(|status| (status.address, status.pid)).collect();
        // The fleet's part of it lives as long as the handle.
        if changes.changed().await.is_err() {
            return;
        }
    }
}
