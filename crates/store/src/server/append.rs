//! `POST /append`: events for one or several streams, recorded together or not at all.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tradewind_events::AppendError;
use tradewind_http::reading::{Failure, reflects};
use tradewind_http::wire::append::{WireAppend, write_appended};

use super::Writing;
use super::body::Json;
use super::within::write_within;

pub(super) async fn append(State(it): State<Arc<Writing>>, Json(body): Json) -> Result<Response, Failure> {
    let wire: WireAppend<'_> =
        serde_json::from_slice(&body).map_err(|error| AppendError::Invalid(error.to_string()))?;
    let append = wire.into_append(&body, it.options.clock.now())?;
    let appended = write_within(it.options.reading.answer_within, it.store.append(append)).await?;
    let mut answer = Vec::with_capacity(96);
    write_appended(&mut answer, &appended);
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), reflects(appended.last)], answer)
        .into_response())
}
