//! The API of recommendations: it only tells.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tradewind_events::ErrorCode;
use tradewind_service::{Answer, Operation, Problem, QueryContext};

use crate::projections::Product;
use crate::similar::{SimilarError, SimilarProduct, SimilarProducts};

/// What the API needs of the service.
#[derive(Clone)]
pub struct RecommendationsApi {
    /// Knows what is similar.
    pub similar: SimilarProducts,
}

/// The API's routes.
pub fn routes(api: RecommendationsApi) -> Router {
    Router::new().route("/api/recommendations/products/{id}/similar", get(similar)).with_state(api)
}

/// The same, described.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let item = json!({"type": "object",
        "required": ["product_id", "name", "department", "price_cents", "orders_together"], "properties": {
        "product_id": {"type": "string"}, "name": {"type": "string"}, "department": {"type": "string"},
        "price_cents": {"type": "integer", "minimum": 0, "description": "US cents"},
        "orders_together": {"type": "integer", "minimum": 0,
            "description": "In how many of the product's latest orders both are"}}});
    let items = json!({"type": "object", "required": ["items"],
        "properties": {"items": {"type": "array", "items": item}}});
    vec![
        Operation::query("/api/recommendations/products/{id}/similar", "listSimilarProducts")
            .summary("Products that are bought together with one, or else sell best around it; the most similar first")
            .limit("How many at most", LIMIT_MAX as u64)
            .returns(200, "The products", items)
            .problem(404, "There is no such product for sale"),
    ]
}

const LIMIT_MAX: usize = 50;
const LIMIT_DEFAULT: usize = 10;

#[derive(Debug, Deserialize)]
struct Params {
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Debug, Serialize)]
struct Item {
    #[serde(flatten)]
    product: Product,
    orders_together: u64,
}

impl From<SimilarProduct> for Item {
    fn from(similar: SimilarProduct) -> Self {
        Self { product: similar.product, orders_together: similar.orders_together }
    }
}

async fn similar(
    State(api): State<RecommendationsApi>,
    Path(id): Path<String>,
    params: Result<UrlQuery<Params>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<List>, Problem> {
    let UrlQuery(params) = params.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let found = api.similar.of(&id, limit, &context).await.map_err(problem)?;
    let found = found.ok_or_else(|| Problem::not_found(format!("product {id} for sale")))?;
    Ok(found.map(|items| List { items: items.into_iter().map(Item::from).collect() }))
}

fn problem(error: SimilarError) -> Problem {
    match error {
        SimilarError::Query(error) => error.into(),
        SimilarError::Graph(error) => {
            tracing::error!(%error, "the graph did not answer");
            Problem::new(ErrorCode::INTERNAL, error.to_string())
        }
    }
}
