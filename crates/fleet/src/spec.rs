//! What a service is: parsed once, into types that cannot be wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::{CommandTemplate, Liveness, Place, RestartPolicy, Template};

/// The name of a service: lower-case letters, digits and dashes, beginning with a letter. It names a folder, a
/// column of the log and later a host, so it is kept to what all of them allow (RFC 1123).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(Arc<str>);

/// What is wrong with a service's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("service name {name:?} {problem}")]
pub struct NameError {
    /// The name, cut to 64 characters.
    pub name: String,
    /// What is wrong, as a phrase that follows the name.
    pub problem: &'static str,
}

impl ServiceName {
    /// The longest name, in bytes.
    pub const BYTES_MAX: usize = 40;

    /// Checks a name.
    ///
    /// # Errors
    /// [`NameError`] says what the name lacks.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let refuse = |problem| Err(NameError { name: name.chars().take(64).collect(), problem });
        if name.is_empty() {
            return refuse("is empty");
        }
        if name.len() > Self::BYTES_MAX {
            return refuse("is longer than 40 characters");
        }
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return refuse("does not begin with a lower-case letter");
        }
        if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            return refuse("has characters other than lower-case letters, digits and dashes");
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for ServiceName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One service: how it is built, run, asked for its health, and stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Its name.
    pub name: ServiceName,
    /// The command that builds it, in words; none if there is nothing to build.
    pub build: Option<Vec<String>>,
    /// The command that runs it in the foreground.
    pub run: CommandTemplate,
    /// The path that answers 200 when it is ready.
    pub health: String,
    /// How it is asked from then on whether it lives.
    pub liveness: Liveness,
    /// The services that must be ready before it is started for the first time.
    pub after: Vec<ServiceName>,
    /// What is added to the environment.
    pub env: BTreeMap<String, Template>,
    /// How many processes of it there are, each with a port and a folder of its own.
    pub instances: u16,
    /// Its port on the loopback interface; none to have one chosen. If it has several instances, this is where all of
    /// them are reached, and theirs are chosen.
    pub port: Option<u16>,
    /// How long it may take to be ready after its process has started.
    pub ready_within: Duration,
    /// How long it may take to end after SIGTERM, before SIGKILL.
    pub drain_within: Duration,
    /// When it is started again, and when it is given up.
    pub restart: RestartPolicy,
}

impl ServiceSpec {
    /// The path that is asked for health unless another is given.
    pub const HEALTH: &'static str = "/health/ready";
    /// The most instances that a service has.
    pub const INSTANCES_MAX: u16 = 64;
    /// How long a service may take to be ready unless told otherwise.
    pub const READY_WITHIN: Duration = Duration::from_secs(60);
    /// How long a service may take to drain unless told otherwise.
    pub const DRAIN_WITHIN: Duration = Duration::from_secs(10);

    /// A service that runs a command, and is otherwise as most are.
    #[must_use]
    pub fn new(name: ServiceName, run: CommandTemplate) -> Self {
        Self {
            name,
            build: None,
            run,
            health: Self::HEALTH.to_owned(),
            liveness: Liveness::default(),
            after: Vec::new(),
            env: BTreeMap::new(),
            instances: 1,
            port: None,
            ready_within: Self::READY_WITHIN,
            drain_within: Self::DRAIN_WITHIN,
            restart: RestartPolicy::default(),
        }
    }

    /// Everything that it is told.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.run.words().iter().chain(self.env.values()).flat_map(Template::places)
    }

    /// The services whose addresses it is told.
    pub fn upstreams(&self) -> impl Iterator<Item = &ServiceName> {
        self.places().filter_map(Place::upstream)
    }
}
