//! `GET /api/ordering/sales`.

use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as UrlQuery, State};
use serde::{Deserialize, Serialize};
use tradewind_events::Timestamp;
use tradewind_service::{Answer, Problem, QueryContext};

use super::{LIMIT_DEFAULT, LIMIT_MAX, OrderingApi};
use crate::projections::{Days, Months, Sales, SalesByDay, SalesByDepartment, SalesByProduct};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Deserialize)]
pub(super) struct SalesParams {
    by: By,
    from: Option<String>,
    to: Option<String>,
    limit: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Day,
    Department,
    Product,
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
        By::Product => {
            let months = Months { from: first_month(days.from)?, to: last_month(days.to)? };
            let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
            api.sales_by_product.query(&context, move |read| SalesByProduct::best(read, &months, limit)).await?
        }
    };
    Ok(answer.map(|items| SalesList { items }))
}

/// The month that begins on this day: products are counted by whole months.
fn first_month(from: Option<String>) -> Result<Option<String>, Problem> {
    let Some(from) = from else { return Ok(None) };
    let whole = from.strip_suffix("-01").map(str::to_owned);
    whole.map(Some).ok_or_else(|| Problem::bad_request("by=product counts whole months: from is not the first of one"))
}

/// The month that ends with this day.
fn last_month(to: Option<String>) -> Result<Option<String>, Problem> {
    let Some(to) = to else { return Ok(None) };
    let next = format!("{to}T00:00:00Z").parse::<Timestamp>().map(|midnight| midnight.plus(DAY).day());
    match (next, to.rsplit_once('-')) {
        (Ok(next), Some((month, _))) if next.ends_with("-01") => Ok(Some(month.to_owned())),
        _ => Err(Problem::bad_request("by=product counts whole months: to is not the last day of one")),
    }
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
