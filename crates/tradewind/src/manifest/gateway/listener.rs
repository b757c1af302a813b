//! Where the gateway listens, with which certificate, and what it puts up with of those who connect.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tradewind_gateway::{Limits, Options};

use crate::manifest::section::{Problems, Section};

/// Where the gateway listens unless told otherwise.
pub(super) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// PEM files, from the manifest's folder.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    /// The chain of certificates, the gateway's own first.
    pub(crate) cert: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// The line on which they stand, from 1.
    pub(crate) line: usize,
}

/// Reads `listen`.
pub(super) fn read_listen(section: &Section<'_>, problems: &Problems<'_>) -> Option<SocketAddr> {
    let listen = section.text("listen", "\"127.0.0.1:8080\"")?;
    let address = listen.value.parse().ok();
    if address.is_none() {
        let message = format!("`listen` in [gateway] is {:?}, which is no address", listen.value);
        problems.add(listen.span, message, "write an IP address and a port: \"127.0.0.1:8080\"");
    }
    address
}

/// Reads `[gateway.tls]`.
pub(super) fn read_tls(tls: &Section<'_>, problems: &Problems<'_>) -> Option<TlsFiles> {
    let mut files = ["cert", "key"].map(|key| {
        tls.require(key, "name both PEM files: cert = \"certs/shop.pem\", key = \"certs/shop.key\"");
        tls.text(key, "\"certs/shop.pem\"").map(|file| PathBuf::from(file.value))
    });
    tls.report_unknown();
    Some(TlsFiles { cert: files[0].take()?, key: files[1].take()?, line: problems.line(&tls.span()) })
}

/// Reads `[gateway.connections]`.
pub(super) fn read_connections(section: &Section<'_>) -> Limits {
    let usual = Options::usual_limits();
    let number = |key, most, example, usual| section.number(key, 1, most, example).map_or(usual, |n| n.value as usize);
    let limits = Limits {
        connections_max: number("at_most", 1_000_000, "10000", usual.connections_max),
        connections_per_address_max: number("per_address", 1_000_000, "1000", usual.connections_per_address_max),
        idle_max: section.some_time("idle").unwrap_or(usual.idle_max),
        ..usual
    };
    section.report_unknown();
    limits
}
