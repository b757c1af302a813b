//! `tradewind gateway explain --down SERVICE`: what each route would answer if a service were dead.

use std::path::Path;
use std::time::Duration;

use tradewind_events::ErrorCode;
use tradewind_gateway::{Answered, Because, FragmentOutlook, Lacking, Outlook, Plan, RouteOutlook};

use crate::command::output::print;
use crate::failure::Failure;

/// Tells it.
///
/// # Errors
/// TW-3001 if no route leads to such a service.
pub(super) fn tell(plan: &Plan, service: &str, file: &Path, json: bool) -> anyhow::Result<()> {
    let outlook = plan.without(service).map_err(|error| {
        Failure::coded(ErrorCode::NO_ROUTE, error, "`tradewind gateway check` lists the routes and where they lead")
    })?;
    if json {
        return print(&serde_json::to_string(&outlook)?);
    }
    print(&lines(&outlook, file).join("\n"))
}

fn lines(outlook: &Outlook, file: &Path) -> Vec<String> {
    let mut lines = vec![format!("if {} were dead:", outlook.service)];
    for told in &outlook.routes {
        let line = told.route.line.map_or_else(String::new, |line| format!("  ({}:{line})", file.display()));
        lines.push(format!("  {}{line}", told.route.takes));
        lines.extend(answers(told).into_iter().map(|answer| format!("    {answer}")));
        lines.extend(told.fragments.iter().map(|part| format!("    part {}: {}", part.fragment, becomes(part))));
    }
    let others = outlook.unaffected.len();
    lines.push(match others {
        0 => "  every route is affected".to_owned(),
        1 => "  one other route goes on as before".to_owned(),
        _ => format!("  {others} other routes go on as before"),
    });
    lines
}

fn answers(told: &RouteOutlook) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(stored) = &told.stored {
        let while_stored = match stored.stale {
            Some(stale) => format!("as long as what is stored is stale by no more than {}", time(stale)),
            None => "as long as what is stored is fresh".to_owned(),
        };
        lines.push(format!("{}, {while_stored}", status(&stored.answered)));
    }
    let otherwise = if lines.is_empty() { "" } else { "otherwise " };
    lines.push(format!("{otherwise}{}", status(&told.otherwise)));
    lines.extend(told.changes.as_ref().map(|changes| format!("to all but GET and HEAD {}", status(changes))));
    lines
}

fn status(answered: &Answered) -> String {
    let code = answered.code.map_or_else(String::new, |code| format!(" {code}"));
    let within = answered.within.map_or_else(String::new, |within| format!(" after {}", time(within)));
    format!("{}{code}{within}", answered.status.as_u16())
}

fn becomes(part: &FragmentOutlook) -> String {
    let otherwise = match &part.otherwise {
        Lacking::Fails => "the whole fails".to_owned(),
        Lacking::Omitted => "left out".to_owned(),
        Lacking::Default(value) => format!("the default {value}"),
        Lacking::AskedByDefault => "asked with what the default says".to_owned(),
    };
    match (&part.because, part.stale) {
        (Because::Service, Some(stale)) => format!("stale by up to {}, else {otherwise}", time(stale)),
        (Because::Service, None) => otherwise,
        (Because::TakesFrom(earlier), _) => format!("{otherwise}, since it takes values of {earlier}"),
    }
}

fn time(time: Duration) -> String {
    match time.as_millis() {
        millis if millis % 60_000 == 0 => format!("{} min", millis / 60_000),
        millis if millis % 1_000 == 0 => format!("{} s", millis / 1_000),
        millis => format!("{millis} ms"),
    }
}
