//! Which port each service gets.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use crate::{FleetError, ServiceSpec, who_listens_on};

/// Chosen ports lie below the range from which the kernel takes those of outgoing connections (32768 and up), so
/// that none of them can take a service's port while it restarts.
const CHOSEN: std::ops::Range<u16> = 20_000..32_000;

/// Where one service is.
pub(crate) struct Addresses {
    /// Where it is reached: by its only instance, or by whoever passes on to all of them.
    pub(crate) service: SocketAddr,
    /// Its instances' own.
    pub(crate) instances: Vec<SocketAddr>,
}

/// Addresses for each service. A chosen port follows from the data folder's path, so that the same folder finds the same
/// ports again unless they have been taken, and a service the same address however many instances it has.
pub(crate) fn assign(specs: &[ServiceSpec], data: &Path) -> Result<Vec<Addresses>, FleetError> {
    let mut taken = BTreeSet::new();
    for spec in specs {
        let Some(port) = spec.port else { continue };
        if !taken.insert(port) {
            return Err(FleetError::PortTwice { port, service: spec.name.clone() });
        }
        if is_in_use(port) {
            return Err(FleetError::PortInUse {
                service: spec.name.clone(),
                port,
                holder: who_listens_on(on_loopback(port)),
            });
        }
    }
    let mut next = first_choice(data);
    let mut choose = || {
        let port = choose(&mut next, &taken).ok_or(FleetError::NoFreePort)?;
        taken.insert(port);
        Ok(on_loopback(port))
    };
    let mut services = Vec::with_capacity(specs.len());
    for spec in specs {
        services.push(spec.port.map_or_else(&mut choose, |port| Ok(on_loopback(port)))?);
    }
    let mut addresses = Vec::with_capacity(specs.len());
    for (spec, service) in specs.iter().zip(services) {
        let instances = match spec.instances {
            0 | 1 => vec![service],
            several => (0..several).map(|_| choose()).collect::<Result<_, FleetError>>()?,
        };
        addresses.push(Addresses { service, instances });
    }
    Ok(addresses)
}

/// Whether somebody listens there, asked by listening. Other errors are left for the service to report.
pub(crate) fn is_in_use(port: u16) -> bool {
    matches!(TcpListener::bind(on_loopback(port)), Err(e) if e.kind() == io::ErrorKind::AddrInUse)
}

fn on_loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn first_choice(data: &Path) -> u16 {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    // Whole tens are easier to remember and type.
    let tens = u64::from(CHOSEN.end - CHOSEN.start) / 10;
    CHOSEN.start + u16::try_from(hasher.finish() % tens * 10).unwrap_or(0)
}

fn choose(next: &mut u16, taken: &BTreeSet<u16>) -> Option<u16> {
    for _ in CHOSEN {
        let port = *next;
        *next = if port + 1 < CHOSEN.end { port + 1 } else { CHOSEN.start };
        if !taken.contains(&port) && !is_in_use(port) {
            return Some(port);
        }
    }
    None
}
