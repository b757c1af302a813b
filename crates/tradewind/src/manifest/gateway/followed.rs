//! By what events stored answers are purged.

use std::collections::BTreeSet;

use tradewind_gateway::cache::{CacheOptions, CachePolicy};

use super::GatewaySection;

/// By what events stored answers are purged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Followed {
    /// The services that tell them.
    pub(crate) services: BTreeSet<String>,
    /// What stands before the colon in the tags that answers carry; none if they may carry any.
    pub(crate) kinds: Option<BTreeSet<String>>,
    /// What they are stored in. A cache of another kind knows nothing of what has been purged.
    pub(crate) cache: CacheOptions,
}

impl GatewaySection {
    /// By what events answers are purged: of each service whose positions they tell, if they carry tags.
    pub(crate) fn followed(&self) -> Followed {
        let rules: Vec<&CachePolicy> = self.rules().filter(|rule| self.cache.purge && is_purged(rule)).collect();
        let services: BTreeSet<String> = rules.iter().map(|rule| rule.source.to_string()).collect();
        let kind = |tag: &str| tag.split(':').next().map(str::to_owned);
        let kinds = rules.iter().flat_map(|rule| &rule.tags).filter_map(|tag| kind(&tag.to_string()));
        let kinds: BTreeSet<String> = kinds.collect();
        let may_be_any =
            rules.iter().any(|rule| rule.tag_header.is_some()) || kinds.iter().any(|kind| kind.contains('{'));
        Followed { services, kinds: (!may_be_any).then_some(kinds), cache: self.cache.options.clone() }
    }
}

/// Whether answers under this rule carry tags.
pub(super) fn is_purged(rule: &CachePolicy) -> bool {
    !rule.tags.is_empty() || rule.tag_header.is_some()
}

/// The tag of all answers of a service that carry any.
pub(crate) fn tag_of_all(service: &str) -> String {
    format!("service:{service}")
}
