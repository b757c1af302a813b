//! `[gateway.policies]`: what holds for all routes and services that say nothing else.

use std::ops::Range;

use tradewind_fleet::ServiceName;
use tradewind_gateway::cache::OnFailure;
use tradewind_gateway::{CallPolicy, Policies};

use super::caching::{self, Caching};
use super::{GatewaySection, calls, policies};
use crate::manifest::section::{At, Problems, Section};

/// What is usual.
#[derive(Debug, Clone, Default)]
pub(super) struct Usual {
    /// What is done with requests and answers on their way.
    pub(super) policies: Policies,
    /// What of it is stored.
    pub(super) caching: Caching,
    /// How services are called.
    pub(super) calls: CallPolicy,
    /// Whether requests are held against their service's document.
    pub(super) validate: Option<At<bool>>,
    /// Where `on_failure` stands.
    on_failure_span: Range<usize>,
}

impl Usual {
    /// Warns of what holds for nobody, once all is read.
    pub(super) fn warn_without_effect(&self, gateway: &GatewaySection, problems: &Problems<'_>) {
        let mut routes = gateway.routes.iter().map(|service_route| &service_route.route);
        if self.caching.on_failure != OnFailure::Error && !routes.any(|route| route.policies.cache.is_some()) {
            let message = "`on_failure` in [gateway.policies] has no effect: no route stores anything";
            problems.warn(&self.on_failure_span, message, "say `cache = true` as well, here or in a route");
        }
    }
}

/// Reads the section.
pub(super) fn read(table: &Section<'_>, names: &[&ServiceName], problems: &Problems<'_>) -> Usual {
    let policies = policies::read(table, "all", &Policies::default(), problems);
    let mut caching = caching::read(table, &Caching::default(), &[], names, problems);
    caching::read_on_failure(table, &mut caching, true, problems);
    let calls = calls::read(table, &CallPolicy::default(), problems);
    let validate = table.flag("validate");
    table.report_unknown();
    Usual { policies, caching, calls, validate, on_failure_span: table.place_of("on_failure") }
}
