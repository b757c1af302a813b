//! Where the service is that is seeded.

use std::path::Path;

use anyhow::Context;
use tradewind_events::ErrorCode;

use crate::failure::Failure;
use crate::manifest::Manifest;
use crate::up::lock;

/// The URL of a service that `tradewind up` runs on this data folder; of several instances the first one's, unless one is
/// named, as `ordering.2`.
///
/// # Errors
/// TW-4004 if none does, or it runs no such service.
pub(crate) fn url_of(manifest: &Manifest, service: &str, data: Option<&Path>) -> anyhow::Result<String> {
    let names: Vec<&str> = manifest.services.iter().map(|spec| spec.name.as_str()).collect();
    let of_service = service.split_once('.').map_or(service, |(service, _)| service);
    if !names.contains(&of_service) {
        let message = format!("{} has no service `{service}`", manifest.file.display());
        return Err(Failure::coded(ErrorCode::BAD_MANIFEST, message, format!("the services are {}", names.join(", "))));
    }
    let dir = std::path::absolute(&manifest.dir).context("cannot find the manifest's folder")?;
    let data = data.map_or_else(|| dir.join(".tradewind"), Path::to_owned);
    let first = lock::address_of(&data, &format!("{service}.1"));
    let address = first.or_else(|| lock::address_of(&data, service));
    address.map(|address| format!("http://{address}")).ok_or_else(|| {
        let message = format!("{service} does not run: no `tradewind up` on {} has it", data.display());
        let help = "start it with `tradewind up`, and again if it was added to the manifest since; or say where it is \
                    with --url http://HOST:PORT";
        Failure::coded(ErrorCode::SERVICE_FAILED, message, help)
    })
}
