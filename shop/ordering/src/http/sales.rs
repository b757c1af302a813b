//! `GET /api/ordering/sales`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as UrlQuery, State};
use serde::{Deserialize, Serialize};
use tradewind_events::Timestamp;
use tradewind_service::{Answer, Problem, QueryContext};

use super::OrderingApi;
use crate::projections::{Days, Sales, SalesByDay, SalesByDepartment};

#[derive(Debug, Deserialize)]
pub(super) struct SalesParams {
    by: By,
    from: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Day,
    Department,
}

#[derive(Debug, Serialize)]
pub(super) struct SalesList {
    items: Vec<Sales>,
}

pub(super) async fn sales(
    State(api): State<OrderingApi>,
    params: Result<UrlQuery<SalesParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<SalesList>, Problem> {
    let UrlQuery(params) = params.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
    let days = Days { from: day("from", params.from)?, to: day("to", params.to)? };
    let answer = match params.by {
        By::Day => api.sales_by_day.query(&context, move |read| SalesByDay::between(read, &days)).await?,
        By::Department => {
            api.sales_by_department.query(&context, move |read| SalesByDepartment::between(read, &days)).await?
        }
    };
    Ok(answer.map(|items| SalesList { items }))
}

/// A day as the read models know it: `2017-03-31`.
fn day(name: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let midnight = format!("{text}T00:00:00Z").parse::<Timestamp>();
    match midnight {
        Ok(midnight) if midnight.day() == text => Ok(Some(text)),
        _ => Err(Problem::bad_request(format!("{name} is not a day like 2017-03-31"))),
    }
}
