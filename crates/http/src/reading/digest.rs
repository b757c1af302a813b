//! `GET /digest`: how many events a source tells between two positions, and a checksum over them in their order. Whoever
//! has read them otherwise, from an archive or through a cache, can see whether they are all there, and as they were told.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tradewind_events::{EventSource, Position, ReadError};

use super::params::{EventsParams, Params};
use super::problem::read_within;
use super::{Failure, Reading, reflects};
use crate::wire::digest::{Digest, Told};

/// How many events are read at once.
const PAGE_EVENTS: usize = 4_096;

#[derive(Deserialize)]
pub(super) struct DigestParams {
    /// Up to this position.
    through: Position,
    /// The checksum to go on from, as an earlier answer gave it.
    #[serde(default)]
    checksum: Option<String>,
    after: Option<Position>,
    query: Option<String>,
}

pub(super) async fn told(
    State(it): State<Arc<Reading>>,
    Params(params): Params<DigestParams>,
) -> Result<Response, Failure> {
    let DigestParams { through, checksum, after, query } = params;
    let start = checksum.map(|text| Digest::going_on_from(&text).ok_or_else(|| not_a_checksum(&text))).transpose()?;
    let mut digest = start.unwrap_or_default();
    let query = EventsParams::asking(query).query()?;
    let after = after.unwrap_or(Position::START);
    let head = read_within(it.options.answer_within, it.events.head()).await?;
    if through > head {
        return Err(Failure::invalid_read(format!("position {through} is in the future; the last is {head}")));
    }
    read_within(it.options.answer_within, take_all(&*it.events, &mut digest, after, through, &query)).await?;
    Ok(([reflects(through)], Json(Told { after, through, count: digest.count(), checksum: digest.checksum() }))
        .into_response())
}

fn not_a_checksum(text: &str) -> Failure {
    Failure::invalid_read(format!("checksum {text:?} is none that was given out here"))
}

async fn take_all(
    events: &dyn EventSource,
    digest: &mut Digest,
    mut after: Position,
    through: Position,
    query: &tradewind_events::Query,
) -> Result<(), ReadError> {
    while after < through {
        let page = events.read(after, query, PAGE_EVENTS).await?;
        page.events.iter().take_while(|event| event.position() <= through).for_each(|event| digest.take(event));
        if page.through <= after {
            break;
        }
        after = page.through;
    }
    Ok(())
}
