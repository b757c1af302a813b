//! The gateway follows the manifest while `up` runs, the names in it, and what is to purge what it stores.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tradewind_events::ErrorCode;
use tradewind_gateway::{GatewayHandle, Plan};

use super::behind::Behind;
use super::panics::caught;
use super::purging::Purging;
use crate::manifest::{Fixed, Followed, Manifest};

/// How often the manifest is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often the names of services that others run are looked up.
const LOOK_UP_EVERY: Duration = Duration::from_secs(5);

/// Puts the routes, policies and upstreams of the manifest in place whenever it changes, as a whole or not at all. Goes on
/// until it is dropped.
/// `fixed` is what the manifest said when it was started, and that stays.
pub(super) async fn follow(
    file: PathBuf,
    fixed: Fixed,
    mut behind: Behind,
    gateway: GatewayHandle,
    mut purging: Purging,
) {
    let (mut seen, mut looked_up) = (changed_at(&file), Instant::now());
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if looked_up.elapsed() >= LOOK_UP_EVERY {
            behind.look_up().await;
            looked_up = Instant::now();
        }
        let now = changed_at(&file);
        // Editors put a new file in place of the old one: for a moment there may be none.
        if now == seen || now.is_none() {
            continue;
        }
        seen = now;
        let read = caught(read(&file, &mut behind)).await;
        match read {
            Ok(Ok(Reloaded { plan, followed, fixed: wanted })) => {
                let routes = plan.routes.routes().len();
                gateway.replace(plan);
                purging.follow(&followed);
                tracing::info!("the manifest has changed: {routes} routes are in place");
                let waiting = fixed.differences(&wanted);
                if !waiting.is_empty() {
                    let keys = waiting.join(", ");
                    tracing::warn!("the manifest says these otherwise too, which needs another start: {keys}");
                }
            }
            Ok(Err(why)) => tracing::warn!("the manifest has changed, and the routes stay as they were: {why}"),
            Err(why) => {
                let code = ErrorCode::INTERNAL;
                tracing::error!(%code, "the manifest has changed, and reading it panicked, so that the routes stay as they were: {why}");
            }
        }
    }
}

/// What a manifest that has changed says.
struct Reloaded {
    plan: Plan,
    followed: Followed,
    fixed: Fixed,
}

/// The plan that the manifest describes now, what is followed for it, and what it says of all else.
async fn read(file: &PathBuf, behind: &mut Behind) -> Result<Reloaded, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let manifest = Manifest::parse(file, &text).map_err(|error| error.to_string())?;
    let plan = behind.take_on(&manifest).await?;
    Ok(Reloaded { plan, followed: manifest.gateway.followed(), fixed: manifest.fixed })
}

/// When the file was last written, and how large it is.
fn changed_at(file: &PathBuf) -> Option<(SystemTime, u64)> {
    let about = std::fs::metadata(file).ok()?;
    Some((about.modified().ok()?, about.len()))
}
