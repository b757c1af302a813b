//! How many instances of each service there are, and whether there may be more than one.

use std::collections::BTreeMap;

use tradewind_fleet::{Place, ServiceName, ServiceSpec};

use super::section::{Problems, Section, closest};
use super::{Manifest, services};

/// What `instances` may be.
const FEWEST: u32 = 1;
const MOST: u32 = ServiceSpec::INSTANCES_MAX as u32;

/// A service's own `instances`.
pub(super) fn read(section: &Section<'_>) -> u16 {
    section.number("instances", FEWEST, MOST, "2").map_or(1, |number| clamped(number.value))
}

/// A profile's `instances`, by service.
pub(super) fn read_by_service(
    section: &Section<'_>,
    names: &[&ServiceName],
    problems: &Problems<'_>,
) -> BTreeMap<ServiceName, u16> {
    let mut instances = BTreeMap::new();
    for (name, number) in section.numbers(FEWEST, MOST, "2") {
        match names.iter().find(|known| known.as_str() == name.value) {
            Some(known) => drop(instances.insert((*known).clone(), clamped(number.value))),
            None => services::unknown(problems, name.span, &name.value, names),
        }
    }
    instances
}

fn clamped(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(1).clamp(1, ServiceSpec::INSTANCES_MAX)
}

/// Why a service cannot have several instances, or other ones than the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InstancesError {
    /// There is no service of this name.
    #[error("there is no service {name:?} that could have several instances")]
    Unknown {
        /// The name.
        name: String,
        /// What to do.
        help: String,
    },
    /// An embedded log has one writer.
    #[error("{service} cannot have {instances} instances: each would keep its own events in {store}")]
    OwnStores {
        /// Which service.
        service: ServiceName,
        /// How many it would have.
        instances: u16,
        /// What the manifest says of stores.
        store: String,
    },
    /// A reaction would be done by each of them.
    #[error(
        "{service} cannot have {instances} instances: each would have read models of its own, and do everything that follows from an event"
    )]
    OwnReadModels {
        /// Which service.
        service: ServiceName,
        /// How many it would have.
        instances: u16,
    },
}

impl InstancesError {
    /// What to do.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Unknown { help, .. } => help.clone(),
            Self::OwnStores { .. } => "let them share a store, as [store] url = \
                 \"postgres://HOST/DATABASE?schema={service}\", or choose a profile that does, or leave it at one \
                 instance; a service that keeps nothing needs neither {store} nor {data}"
                .to_owned(),
            Self::OwnReadModels { .. } => {
                "let them share read models, as [read_models] url = \"postgres://HOST/DATABASE?schema={service}\", or \
                 leave [read_models] out to have them where the store is"
                    .to_owned()
            }
        }
    }
}

impl Manifest {
    /// Gives a service another number of instances.
    ///
    /// # Errors
    /// [`InstancesError::Unknown`] if there is no such service.
    pub(crate) fn scale(&mut self, service: &str, instances: u16) -> Result<(), InstancesError> {
        if let Some(spec) = self.services.iter_mut().find(|spec| spec.name.as_str() == service) {
            spec.instances = instances;
            return Ok(());
        }
        let names = || self.services.iter().map(|spec| spec.name.as_str());
        let help = match closest(service, names()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("the services are {}", names().collect::<Vec<_>>().join(", ")),
        };
        Err(InstancesError::Unknown { name: service.chars().take(64).collect(), help })
    }

    /// Whether those services that have several instances can: what they keep, they must keep in common. Asked when the
    /// profile and the numbers have been chosen.
    ///
    /// # Errors
    /// [`InstancesError`] for the first service that cannot.
    pub(crate) fn check_instances(&self) -> Result<(), InstancesError> {
        for spec in self.services.iter().filter(|spec| spec.instances > 1) {
            let (service, instances) = (spec.name.clone(), spec.instances);
            let is_told = |wanted: &[Place]| spec.places().any(|place| wanted.contains(place));
            if !self.store.is_shared && is_told(&[Place::Store, Place::Data]) {
                return Err(InstancesError::OwnStores { service, instances, store: self.store.url.to_string() });
            }
            if !self.read_models().is_shared && is_told(&[Place::ReadModels]) {
                return Err(InstancesError::OwnReadModels { service, instances });
            }
        }
        Ok(())
    }
}
