//! The gateway's routes follow the manifest while `up` runs, and so does what is followed to purge what they store.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tradewind_fleet::ServiceName;
use tradewind_gateway::{GatewayHandle, Plan, Upstream};

use super::purging::Purging;
use crate::manifest::{Followed, Manifest};

/// How often the manifest is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Puts the routes and policies of the manifest in place whenever it changes, as a whole or not at all. Goes on until it
/// is dropped.
pub(super) async fn follow(
    file: PathBuf,
    upstreams: BTreeMap<ServiceName, Upstream>,
    gateway: GatewayHandle,
    mut purging: Purging,
) {
    let mut seen = changed_at(&file);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = changed_at(&file);
        // Editors put a new file in place of the old one: for a moment there may be none.
        if now == seen || now.is_none() {
            continue;
        }
        seen = now;
        match read(&file, &upstreams) {
            Ok((plan, followed)) => {
                let routes = plan.routes.routes().len();
                gateway.replace(plan);
                purging.follow(&followed);
                tracing::info!("the manifest has changed: {routes} routes are in place");
            }
            Err(why) => tracing::warn!("the manifest has changed, and the routes stay as they were: {why}"),
        }
    }
}

/// The plan that the manifest describes now, and what is followed for it.
fn read(file: &PathBuf, upstreams: &BTreeMap<ServiceName, Upstream>) -> Result<(Plan, Followed), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let manifest = Manifest::parse(file, &text).map_err(|error| error.to_string())?;
    let mut services = manifest.gateway.routes.iter().flat_map(|route| &route.services);
    if let Some(service) = services.find(|service| !upstreams.contains_key(service)) {
        return Err(format!("a route leads to {service}, which does not run yet; start `tradewind up` again"));
    }
    let plan = manifest.gateway.plan(upstreams).map_err(|error| error.to_string())?;
    Ok((plan, manifest.gateway.followed()))
}

/// When the file was last written, and how large it is.
fn changed_at(file: &PathBuf) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}
