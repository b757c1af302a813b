//! What is going to be asked, and what its author wants when it fails.

use std::time::Duration;

use super::composition::Replacement;
use super::{Composed, Instead};

/// A call that is made for a selection.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned<'a> {
    /// Its name.
    pub name: &'a str,
    /// The service that it asks.
    pub service: &'a str,
    /// The calls whose answers it takes values from.
    pub after: Vec<&'a str>,
    /// How long past its freshness a stored answer may be, if its service fails.
    pub stale: Option<Duration>,
    /// What comes when there is none.
    pub instead: Instead,
    /// How long it may take, if less than the whole may.
    pub timeout: Option<Duration>,
}

impl Composed {
    /// The calls that are made for it, each behind those that it takes values from.
    #[must_use]
    pub fn planned(&self) -> Vec<Planned<'_>> {
        let calls = self.calls();
        let mut left: Vec<usize> = self.made_calls().map(|(index, _)| index).collect();
        let mut planned = Vec::with_capacity(left.len());
        // Calls that wait for each other have been refused, so that each time at least one is ready.
        while let Some(at) = left.iter().position(|index| !left.iter().any(|other| calls[*index].after.contains(other)))
        {
            let call = &calls[left.remove(at)];
            planned.push(Planned {
                name: &call.name,
                service: &call.template.service,
                after: call.after.iter().map(|earlier| &*calls[*earlier].name).collect(),
                stale: call.stale_most,
                instead: match &call.instead {
                    Replacement::Error => Instead::Error,
                    Replacement::Omit => Instead::Omit,
                    // It was JSON when it was read.
                    Replacement::Default(json) => Instead::Default(serde_json::from_slice(json).unwrap_or_default()),
                },
                timeout: call.timeout,
            });
        }
        planned
    }
}
