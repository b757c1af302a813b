//! The files that `up` needs for the gateway, looked at where `check` runs, which may be another machine: what is wrong
//! with them is told, and keeps nobody from anything.

use std::fs::OpenOptions;
use std::path::Path;

use tradewind_gateway::Tls;

use super::check::Told;
use crate::manifest::{AccessSection, Manifest, TlsFiles};

/// What `up` would stumble over.
pub(super) fn missing(manifest: &Manifest) -> Vec<Told> {
    let gateway = &manifest.gateway;
    let tls = gateway.tls.as_ref().and_then(|tls| unreadable(tls, &manifest.dir));
    tls.into_iter().chain(gateway.access.as_ref().and_then(|log| unwritable(log, &manifest.dir))).collect()
}

/// A certificate and its key, which must be there and fit.
fn unreadable(TlsFiles { cert, key, line }: &TlsFiles, dir: &Path) -> Option<Told> {
    let error = Tls::read(dir.join(cert), dir.join(key)).err()?;
    let help = "name a PEM file each, from the manifest's folder: a chain of certificates, and its key";
    Some(Told::warning(Some(*line), format!("here the gateway could not speak TLS: {error}"), help))
}

/// The access log. `up` makes its folder, if that can be made.
fn unwritable(log: &AccessSection, dir: &Path) -> Option<Told> {
    let file = dir.join(log.file.as_ref()?);
    let there = file.ancestors().skip(1).find(|folder| folder.exists())?;
    let why = match (OpenOptions::new().append(true).open(&file), there.is_dir()) {
        (_, false) => format!("{} is no folder", there.display()),
        (Err(error), true) if file.exists() => error.to_string(),
        // Beside the manifest, `up` may make one.
        _ if file.parent() != Some(there) && !file.starts_with(dir) => {
            format!("{} is not there", file.parent().unwrap_or(there).display())
        }
        _ => return None,
    };
    let message = format!("the access log {} may not be writable: {why}", file.display());
    Some(Told::warning(Some(log.line), message, "make its folder, where `up` may not, or name another file"))
}
