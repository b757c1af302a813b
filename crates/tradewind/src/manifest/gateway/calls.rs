//! How patient calls of a service are, and how often they are tried: what all routes say in `[gateway.policies]`, what
//! those to one service say in `[gateway.upstreams.NAME]`, and what a route says itself.

use std::time::Duration;

use http::StatusCode;
use tradewind_gateway::{CallPolicy, Hedge, RetryPolicy, Uploads};

use crate::manifest::section::{Problems, Said, Section};

/// What is faster is not worth a second question.
const HEDGE_AT_LEAST: Duration = Duration::from_millis(10);

/// Reads what a table says, and takes the rest from what holds otherwise.
pub(super) fn read(table: &Section<'_>, usual: &CallPolicy, problems: &Problems<'_>) -> CallPolicy {
    let mut calls = usual.clone();
    if let Some(timeout) = table.some_time("try_timeout") {
        calls.try_timeout = timeout;
    }
    if let Some(uploads) = table.table("uploads", "`uploads`") {
        calls.uploads = read_uploads(&uploads, usual.uploads);
    }
    match table.said("retries", "`retries`", "{ tries = 3 }") {
        Some(Said::Yes) => calls.retry = RetryPolicy::default(),
        Some(Said::No) => calls.retry.tries = 1,
        Some(Said::Table(retries)) => calls.retry = read_retries(&retries, &usual.retry, problems),
        None => {}
    }
    match table.said("hedge", "`hedge`", "{ after = \"50ms\" }") {
        Some(Said::Yes) => calls.hedge = Some(Hedge::P95 { at_least: HEDGE_AT_LEAST }),
        Some(Said::No) => calls.hedge = None,
        Some(Said::Table(hedge)) => calls.hedge = read_hedge(&hedge, problems).or(calls.hedge),
        None => {}
    }
    let hedged_after = calls.hedge.map(|hedge| match hedge {
        Hedge::After(time) | Hedge::P95 { at_least: time } => time,
    });
    let said = ["hedge", "try_timeout"].into_iter().find(|key| table.has(key));
    if let (Some(after), Some(key)) = (hedged_after.filter(|after| *after >= calls.try_timeout), said) {
        let message = format!(
            "a second instance is asked after {after:?} in {}, when the first try has ended: after {:?}",
            table.name(),
            calls.try_timeout
        );
        problems.warn(&table.place_of(key), message, "ask it sooner, or make `try_timeout` longer");
    }
    calls
}

fn read_uploads(uploads: &Section<'_>, usual: Uploads) -> Uploads {
    let bytes = uploads.size("per_second").map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX));
    let read = Uploads {
        silence: uploads.some_time("silence").unwrap_or(usual.silence),
        bytes_per_second: bytes.unwrap_or(usual.bytes_per_second),
    };
    uploads.report_unknown();
    read
}

fn read_retries(retries: &Section<'_>, usual: &RetryPolicy, problems: &Problems<'_>) -> RetryPolicy {
    let statuses = retries.list_of_numbers("on", 400, 599, "[502, 503]");
    let statuses = statuses.iter().filter_map(|status| StatusCode::from_u16(u16::try_from(status.value).ok()?).ok());
    let read = RetryPolicy {
        tries: retries.number("tries", 1, 10, "3").map_or(usual.tries, |tries| tries.value),
        statuses: if retries.has("on") { statuses.collect() } else { usual.statuses.clone() },
        backoff: retries.duration("first_pause").unwrap_or(usual.backoff),
        backoff_at_most: retries.duration("longest_pause").unwrap_or(usual.backoff_at_most),
        retry_after_at_most: retries.duration("retry_after").unwrap_or(usual.retry_after_at_most),
    };
    retries.report_unknown();
    let further = ["on", "first_pause", "longest_pause", "retry_after"].into_iter().find(|key| retries.has(key));
    if let Some(key) = further.filter(|_| read.tries == 1) {
        let message = format!("`{key}` in `retries` has no effect: there is one try, and no other");
        problems.warn(&retries.place_of(key), message, "say `tries = 2` or more, or take it out");
    }
    read
}

fn read_hedge(hedge: &Section<'_>, problems: &Problems<'_>) -> Option<Hedge> {
    let (after, at_least) = (hedge.some_time("after"), hedge.some_time("at_least"));
    hedge.report_unknown();
    match (hedge.has("after"), hedge.has("at_least")) {
        (true, false) => after.map(Hedge::After),
        (false, true) => at_least.map(|at_least| Hedge::P95 { at_least }),
        _ => {
            let help = "either `after` a fixed time, or when it takes longer than 95 % do, and `at_least` this long";
            problems.add(hedge.span(), "`hedge` says one of two things", help);
            None
        }
    }
}
