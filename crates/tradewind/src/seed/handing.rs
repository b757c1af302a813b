//! Handing what a source told to one follower of it.

use std::time::Instant;

use bytes::Bytes;
use serde::Serialize;
use tradewind_events::{ErrorCode, Page, Position, ReadError};
use tradewind_http::wire::page::write_page;
use tradewind_store::{ClientOptions, FeedSource, HandedOver, SeededService, SubscriptionStatus};

use super::reading::{ReadPart, Reading};
use super::report::Report;
use crate::failure::Failure;

/// How often somebody else may move the follower before it is given up.
const RIVALS_MAX: u32 = 20;

/// What became of one follower.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Seeded {
    pub(crate) follower: String,
    pub(crate) source: String,
    /// How far the follower has all.
    pub(crate) position: Position,
    /// How many events that are.
    pub(crate) events: u64,
    /// How many of them were handed over now.
    #[serde(rename = "handedOver")]
    pub(crate) handed_over: u64,
    /// The digest of all of them, which is also the source's.
    pub(crate) checksum: String,
    #[serde(rename = "eventsPerSecond")]
    pub(crate) events_per_second: f64,
}

/// Seeds a follower with what its source has told up to now.
///
/// # Errors
/// If the source or the service does not answer, or what is read is not what the source told.
pub(crate) async fn seed(
    service: &SeededService,
    follower: &SubscriptionStatus,
    archive: Option<FeedSource>,
    report: &mut Report,
) -> anyhow::Result<Seeded> {
    let url = follower.source.clone().ok_or_else(|| {
        let message = format!("{} follows something that has no address", follower.name);
        Failure::coded(ErrorCode::CANNOT_SEED, message, "")
    })?;
    let source = FeedSource::new(&url, ClientOptions::default())?;
    let head = tradewind_events::EventSource::head(&source).await;
    let through = head.map_err(|error| unanswered(&url, &error))?;
    let reading = Reading { source, url: url.clone(), query: follower.query.clone(), archive, through };
    let mut position = follower.position.min(through);
    let (mut events, mut checksum) = reading.told_up_to(position).await?;
    let (begun, mut handed_over, mut rivals) = (Instant::now(), 0, 0);
    report.begin(&follower.name, &url, position, through);
    let mut parts = reading.behind(position, checksum.clone());
    // One that waits for its seed, and has it all, has only to be told so.
    if position >= through && follower.from == "snapshot" {
        hand_over(service, follower, nothing_behind(follower.position)).await?;
    }
    while let Some(part) = parts.next().await {
        let part = part?;
        let (count, sum) = (part.events, part.checksum.clone());
        match hand_over(service, follower, HandOver { is_last: part.through >= through, part }).await? {
            HandedOver::Applied(reached) => {
                (position, checksum, events) = (reached, sum, events + count);
                handed_over += count;
                report.reached(position, handed_over);
            }
            HandedOver::Elsewhere(here) => {
                rivals += 1;
                if rivals > RIVALS_MAX {
                    let message = format!("{} is moved by somebody else, and is at {here} now", follower.name);
                    return Err(Failure::coded(ErrorCode::CANNOT_SEED, message, "is it being seeded twice?"));
                }
                position = here.min(through);
                (events, checksum) = reading.told_up_to(position).await?;
                parts = reading.behind(position, checksum.clone());
            }
            HandedOver::Refused(why) => {
                return Err(Failure::coded(ErrorCode::CANNOT_SEED, format!("{}: {why}", follower.name), ""));
            }
        }
    }
    // All of it once more, in one, as the source tells it now.
    let told = reading.told_up_to(position).await?;
    if told != (events, checksum.clone()) {
        let message = format!("{url} tells {} events up to {position} now, and had told {events}", told.0);
        return Err(Failure::coded(ErrorCode::SEED_DIFFERS, message, "was it brought back from a backup?"));
    }
    let events_per_second = handed_over as f64 / begun.elapsed().as_secs_f64().max(1e-6);
    Ok(Seeded {
        follower: follower.name.clone(),
        source: url,
        position,
        events,
        handed_over,
        checksum,
        events_per_second,
    })
}

struct HandOver {
    part: ReadPart,
    is_last: bool,
}

/// No events, and that these were the last.
fn nothing_behind(position: Position) -> HandOver {
    let page = Page { events: Vec::new(), through: position, head: position };
    let page: Bytes = write_page(&page, "/").into();
    let part = ReadPart { page, events: 0, after: position, through: position, checksum: String::new() };
    HandOver { part, is_last: true }
}

async fn hand_over(
    service: &SeededService,
    follower: &SubscriptionStatus,
    HandOver { part, is_last }: HandOver,
) -> anyhow::Result<HandedOver> {
    let ReadPart { page, after, .. } = part;
    let answer = service.hand_over(&follower.name, after, page, is_last).await;
    answer.map_err(|error| unanswered("the service", &error))
}

fn unanswered(whom: &str, error: &ReadError) -> anyhow::Error {
    Failure::coded(error.code(), format!("{whom} does not answer: {error}"), "repeat the command: it goes on")
}
