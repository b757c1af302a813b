//! Reviews of a product: `/api/catalog/products/{id}/reviews`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tradewind_events::{ErrorCode, EventId};
use tradewind_service::{About, Acknowledged, Answer, CommandError, Problem, QueryContext, Reader, Submitted, tag};

use super::{CatalogApi, cursor, limit, read};
use crate::commands::{FindHelpful, ReviseReview, WriteReview};
use crate::events::Opinion;
use crate::projections::{
    Delivered, DeliveredProducts, ProductRatings, ProductReviews, Rating, ReviewCursor, ReviewPage, ReviewSort, Wanted,
};
use crate::review::NO_SUCH_REVIEW;

#[derive(Debug, Deserialize)]
pub(super) struct ReviewParams {
    customer: Option<String>,
    #[serde(default)]
    sort: Sort,
    after: Option<String>,
    limit: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sort {
    #[default]
    Newest,
    MostHelpful,
}

pub(super) async fn reviews_of(
    State(api): State<CatalogApi>,
    Path(id): Path<String>,
    params: Result<UrlQuery<ReviewParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<ReviewPage>, Problem> {
    let params = read(params)?;
    let about = About::tagged(tag("product", &id));
    let wanted = Wanted {
        product_id: id,
        customer_id: params.customer.filter(|customer| !customer.is_empty()),
        sort: match params.sort {
            Sort::Newest => ReviewSort::Newest,
            Sort::MostHelpful => ReviewSort::MostHelpful,
        },
        after: cursor(params.after.as_deref(), ReviewCursor::parse)?,
        limit: limit(params.limit),
    };
    Ok(api.reviews.query_about(&context, &about, move |read| ProductReviews::of(read, &wanted)).await?)
}

pub(super) async fn rating_of(
    State(api): State<CatalogApi>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<Rating>, Problem> {
    let about = About::tagged(tag("product", &id));
    Ok(api.ratings.query_about(&context, &about, move |read| ProductRatings::of(read, &id)).await?)
}

/// Whether a customer has received a product, and so may review it. Its positions, in `Tradewind-After` and
/// `Tradewind-Position`, are those of ordering, whose feed it comes from.
pub(super) async fn delivered(
    State(api): State<CatalogApi>,
    Path((customer, id)): Path<(String, String)>,
    context: QueryContext,
) -> Result<Answer<Delivered>, Problem> {
    let what = format!("product {id} that was delivered to customer {customer}");
    let about = About::streams_tagged(tag("customer", &customer));
    let get = move |read: &Reader<'_>| DeliveredProducts::get(read, &customer, &id);
    let delivered = api.delivered.query_about(&context, &about, get).await?;
    delivered.or_not_found(what)
}

/// A review, as a client writes it: the id is the client's.
#[derive(Debug, Deserialize)]
pub(super) struct NewReview {
    review_id: EventId,
    customer_id: String,
    #[serde(flatten)]
    opinion: Opinion,
}

pub(super) async fn write_review(
    State(api): State<CatalogApi>,
    Path(product_id): Path<String>,
    Submitted { body, context }: Submitted<NewReview>,
) -> Result<Response, Problem> {
    context.require_key()?;
    let NewReview { review_id, customer_id, opinion } = body;
    let (customer, product) = (customer_id.clone(), product_id.clone());
    let now = QueryContext::default();
    let known = api.delivered.query(&now, move |read| DeliveredProducts::get(read, &customer, &product)).await?;
    let command = WriteReview { product_id, customer_id, opinion, delivered: known.value.is_some() };
    let id = review_id.to_string();
    let done = match api.commands.handle(&id, &command, &context).await {
        Err(error @ CommandError::ConditionFailed { .. }) => {
            return Err(Problem::from(error).with("reason", "already-reviewed"));
        }
        done => done?,
    };
    Ok(done.created(&format!("/api/catalog/products/{}/reviews/{id}", command.product_id)))
}

#[derive(Debug, Deserialize)]
pub(super) struct RevisedReview {
    customer_id: String,
    #[serde(flatten)]
    opinion: Opinion,
}

pub(super) async fn revise_review(
    State(api): State<CatalogApi>,
    Path((product_id, review)): Path<(String, String)>,
    Submitted { body, context }: Submitted<RevisedReview>,
) -> Result<Response, Problem> {
    context.require_key()?;
    let command = ReviseReview { product_id, customer_id: body.customer_id, opinion: body.opinion };
    let done = api.commands.handle(&review, &command, &context).await;
    Ok(found(done, &review)?.into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct Helped {
    customer_id: String,
}

pub(super) async fn find_helpful(
    State(api): State<CatalogApi>,
    Path((product_id, review_id)): Path<(String, String)>,
    Submitted { body, context }: Submitted<Helped>,
) -> Result<Response, Problem> {
    let command = FindHelpful { review_id: review_id.clone(), product_id, customer_id: body.customer_id };
    let done = match api.commands.handle(&review_id, &command, &context).await {
        // Said before, and so it is: there is nothing to refuse.
        Err(CommandError::ConditionFailed { position }) => {
            Ok(Acknowledged { position, revision: None, duplicate: true })
        }
        done => done,
    };
    Ok(found(done, &review_id)?.into_response())
}

/// A review that does not exist is not found, rather than rejected.
fn found(done: Result<Acknowledged, CommandError>, review: &str) -> Result<Acknowledged, Problem> {
    done.map_err(|error| match error {
        CommandError::Rejected(no) if no.reason == NO_SUCH_REVIEW => {
            Problem::new(ErrorCode::NOT_FOUND, format!("there is no review {review} of this product"))
        }
        error => error.into(),
    })
}
