//! Times that a manifest gives, and that others make useless.

use std::time::Duration;

use tradewind_gateway::{Action, CallPolicy, CallRule, Composing, Route, Upstream};

use crate::command::gateway::check::Told;

/// Browsers give up after five minutes without a head, and proxies mostly sooner.
const CLIENTS_WAIT: Duration = Duration::from_secs(300);

/// Times that make each other useless.
pub(super) fn of(route: &Route) -> Vec<Told> {
    let mut told = Vec::new();
    let name = &route.name;
    if let Some(timeout) = route.policies.deadline.filter(|timeout| *timeout > CLIENTS_WAIT) {
        let message = format!("route {name:?} has {timeout:?} to answer, which is longer than browsers wait");
        told.push(Told::warning(route.line, message, "answer sooner that it takes long, and let clients ask again"));
    }
    match &route.to {
        Action::Forward(upstream) => {
            let (calls, usual) = (calls_of(route, upstream), CallPolicy::default());
            let is_said = calls.try_timeout != usual.try_timeout || calls.retry != usual.retry;
            let timeout = route.policies.deadline.filter(|timeout| is_said && calls.try_timeout >= *timeout);
            if let Some(timeout) = timeout.filter(|_| calls.retry.tries > 1) {
                let message = format!(
                    "a try on route {name:?} may take {:?}, and all of them {timeout:?}: none is made after a slow one",
                    calls.try_timeout
                );
                told.push(Told::warning(route.line, message, "make `try_timeout` shorter, or `timeout` longer"));
            }
            if let Some(timeout) = route.policies.deadline.filter(|timeout| *timeout > longest(&calls)) {
                let message = format!(
                    "route {name:?} has {timeout:?} to answer, and its service no more than {}",
                    in_tries(&calls)
                );
                told.push(Told::warning(route.line, message, "make `timeout` shorter, or `try_timeout` longer"));
            }
        }
        Action::Compose(composing) => {
            told.extend(composed_beyond_tries(route, composing));
            let whole = route.policies.deadline.map_or(composing.timeout, |deadline| deadline.min(composing.timeout));
            for call in composing.composed.planned() {
                if let Some(timeout) = call.timeout.filter(|timeout| *timeout > whole) {
                    let message = format!(
                        "call {:?} of {} may take {timeout:?}, and the whole {whole:?}",
                        call.name, composing.name
                    );
                    told.push(Told::warning(route.line, message, "make the call's `timeout` shorter"));
                }
            }
        }
    }
    told
}

/// A composition whose calls have all ended before its time is over.
fn composed_beyond_tries(route: &Route, composing: &Composing) -> Vec<Told> {
    let mut told = Vec::new();
    let planned = composing.composed.planned();
    let rules = |name: &str| composing.calls.iter().find(|rule| *rule.name == *name);
    let calls_to = |rule: &CallRule| calls_of_service(&rule.upstream);
    let mut all = Duration::ZERO;
    for call in &planned {
        let Some(calls) = rules(call.name).map(calls_to) else { continue };
        if let Some(timeout) = call.timeout.filter(|timeout| *timeout > longest(&calls)) {
            let message = format!(
                "call {:?} of {} may take {timeout:?}, and its service no more than {}",
                call.name,
                composing.name,
                in_tries(&calls)
            );
            told.push(Told::warning(
                route.line,
                message,
                "make it shorter, or the `try_timeout` of the service longer",
            ));
        }
        all = all.saturating_add(call.timeout.unwrap_or_else(|| longest(&calls)));
    }
    // One that is made for each element of a list is made in turns.
    let has_turns = composing.composed.outline().calls.iter().any(|call| call.each.is_some());
    if composing.timeout != Composing::TIMEOUT && composing.timeout > all && !has_turns {
        let message = format!(
            "{} may take {:?}, and all its calls, one after another, {all:?}",
            composing.name, composing.timeout
        );
        told.push(Told::warning(route.line, message, "make `timeout` shorter, or the services' `try_timeout` longer"));
    }
    told
}

/// How long a service may take to answer, with all that is tried.
fn longest(calls: &CallPolicy) -> Duration {
    let pauses = calls.retry.backoff_at_most.max(calls.retry.retry_after_at_most);
    let tries = calls.try_timeout.saturating_mul(calls.retry.tries);
    let tries = tries.saturating_add(pauses.saturating_mul(calls.retry.tries.saturating_sub(1)));
    tries.saturating_add(calls.unreachable)
}

fn in_tries(calls: &CallPolicy) -> String {
    match calls.retry.tries {
        0 | 1 => format!("{:?} in its one try", calls.try_timeout),
        tries => format!("{:?} in each of {tries} tries", calls.try_timeout),
    }
}

fn calls_of(route: &Route, upstream: &Upstream) -> CallPolicy {
    route.policies.calls.as_deref().cloned().unwrap_or_else(|| calls_of_service(upstream))
}

fn calls_of_service(upstream: &Upstream) -> CallPolicy {
    upstream.options().calls.as_deref().cloned().unwrap_or_default()
}
