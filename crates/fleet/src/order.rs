//! In which order services start.

use std::collections::BTreeSet;

use crate::{ServiceName, ServiceSpec};

/// Why services cannot be ordered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Two have one name.
    #[error("two services are named {0}")]
    Duplicate(ServiceName),
    /// One names another that is not there.
    #[error("service {service} names {unknown}, which is not a service")]
    Unknown {
        /// The one that names it.
        service: ServiceName,
        /// What is not there.
        unknown: ServiceName,
    },
    /// Some wait for each other.
    #[error("services wait for each other: {}", .0.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(" → "))]
    Cycle(Vec<ServiceName>),
}

/// The indices of `specs` in an order in which each comes behind those that it waits for, and otherwise as they
/// are listed.
///
/// # Errors
/// [`OrderError`] names the services that make it impossible.
pub fn start_order(specs: &[ServiceSpec]) -> Result<Vec<usize>, OrderError> {
    let mut seen = BTreeSet::new();
    for spec in specs {
        if !seen.insert(&spec.name) {
            return Err(OrderError::Duplicate(spec.name.clone()));
        }
    }
    for spec in specs {
        if let Some(unknown) = spec.after.iter().chain(spec.upstreams()).find(|name| !seen.contains(name)) {
            return Err(OrderError::Unknown { service: spec.name.clone(), unknown: unknown.clone() });
        }
    }
    let mut order: Vec<usize> = Vec::with_capacity(specs.len());
    let mut placed = BTreeSet::new();
    while order.len() < specs.len() {
        let next = specs
            .iter()
            .enumerate()
            .find(|(_, spec)| !placed.contains(&spec.name) && spec.after.iter().all(|name| placed.contains(name)));
        let Some((index, spec)) = next else { return Err(cycle(specs, &placed)) };
        order.push(index);
        placed.insert(spec.name.clone());
    }
    Ok(order)
}

/// Follows what is unplaced until a service comes again.
fn cycle(specs: &[ServiceSpec], placed: &BTreeSet<ServiceName>) -> OrderError {
    let waits_for = |name: &ServiceName| {
        let spec = specs.iter().find(|spec| spec.name == *name)?;
        spec.after.iter().find(|name| !placed.contains(name))
    };
    let mut path: Vec<ServiceName> = Vec::new();
    let mut at = specs.iter().map(|spec| &spec.name).find(|name| !placed.contains(name));
    while let Some(name) = at {
        if let Some(first) = path.iter().position(|seen| seen == name) {
            path.drain(..first);
            path.push(name.clone());
            break;
        }
        path.push(name.clone());
        at = waits_for(name);
    }
    OrderError::Cycle(path)
}
