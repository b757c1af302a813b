//! One of a service's processes.

use std::fmt;

use serde::Serialize;

use crate::{ServiceName, ServiceSpec};

/// Which of a service's processes. A service that has one only is called by its name alone, others by name and number:
/// `ordering.2`. No service's name has a dot in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Instance {
    /// The service.
    pub service: ServiceName,
    /// Its number, from 1.
    #[serde(rename = "instance")]
    pub number: u16,
    #[serde(skip)]
    has_others: bool,
}

impl Instance {
    /// The only one of a service.
    #[must_use]
    pub fn only(service: ServiceName) -> Self {
        Self { service, number: 1, has_others: false }
    }

    /// All of a service's, in their order.
    pub fn all_of(spec: &ServiceSpec) -> impl Iterator<Item = Self> {
        let (service, has_others) = (spec.name.clone(), spec.instances > 1);
        (1..=spec.instances.max(1)).map(move |number| Self { service: service.clone(), number, has_others })
    }

    /// The name of its folder. The first one's is the service's, so that a service which gets more instances, or one
    /// again, finds what it had.
    #[must_use]
    pub fn folder(&self) -> String {
        match self.number {
            1 => self.service.to_string(),
            number => format!("{}.{number}", self.service),
        }
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.has_others {
            true => f.pad(&format!("{}.{}", self.service, self.number)),
            false => self.service.fmt(f),
        }
    }
}
