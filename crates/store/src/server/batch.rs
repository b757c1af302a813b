//! `POST /append/batch`: appends that have nothing to do with each other in one request, so that many small writers
//! cost one request a round trip. Each succeeds or fails alone.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use tradewind_events::AppendError;
use tradewind_http::reading::{Failure, reflects};
use tradewind_http::wire::append::{WireAppend, write_appended};
use tradewind_http::wire::problem::Problem;

use super::Writing;
use super::body::Json;
use super::within::write_within;

pub(super) async fn append_batch(State(it): State<Arc<Writing>>, Json(body): Json) -> Result<Response, Failure> {
    let batch: Vec<WireAppend<'_>> =
        serde_json::from_slice(&body).map_err(|error| AppendError::Invalid(error.to_string()))?;
    let most = it.options.batch_appends_max;
    if batch.len() > most {
        return Err(AppendError::Invalid(format!("a batch of {} appends; the most is {most}", batch.len())).into());
    }
    let now = it.options.clock.now();
    let parsed: Vec<_> = batch.into_iter().map(|wire| wire.into_append(&body, now)).collect();
    // Polled in order: the store gets them in the order in which they were sent, and syncs once for many.
    let answers = join_all(parsed.into_iter().map(|append| {
        let it = &it;
        async move { write_within(it.options.reading.answer_within, it.store.append(append?)).await }
    }))
    .await;
    let mut out = Vec::with_capacity(2 + answers.len() * 72);
    out.push(b'[');
    for (index, answer) in answers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match answer {
            Ok(appended) => write_appended(&mut out, appended),
            Err(error) => {
                // Writing a problem into a Vec cannot fail.
                let _ = serde_json::to_writer(&mut out, &Problem::from(error));
            }
        }
    }
    out.push(b']');
    let mut response = ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], out).into_response();
    if let Some(last) = answers.iter().flatten().map(|appended| appended.last).max() {
        response.headers_mut().extend([reflects(last)]);
    }
    Ok(response)
}
