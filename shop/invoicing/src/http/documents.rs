//! `GET /api/invoicing/documents/INV-2017-000123`, and the same with `.html` or `.pdf`.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tradewind_events::ErrorCode;
use tradewind_service::{Answer, Problem, QueryContext};

use super::InvoicingApi;
use crate::archive::{ArchiveError, Document};
use crate::layouts::{self, PrintError};
use crate::projections::Filed;

/// In which form a document is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Html,
    Pdf,
}

/// The form that a path's last part asks for, and what comes before it.
fn form(last: &str) -> (&str, Form) {
    let forms = [(".html", Form::Html), (".pdf", Form::Pdf)];
    let asked = forms.into_iter().find_map(|(ending, form)| Some((last.strip_suffix(ending)?, form)));
    asked.unwrap_or((last, Form::Json))
}

/// A document as JSON: what is printed on it, and what has become of it.
#[derive(Debug, Serialize)]
struct DocumentView {
    kind: crate::projections::Kind,
    /// Of an invoice: the credit note that takes it back.
    credit_note: Option<String>,
    #[serde(flatten)]
    document: Document,
}

pub(super) async fn by_number(
    State(api): State<InvoicingApi>,
    Path(last): Path<String>,
    context: QueryContext,
) -> Result<Response, Problem> {
    let (number, form) = form(&last);
    let filed = api.archive.numbered(number, &context).await?;
    answer(&api, filed.or_not_found(format!("document {number}"))?, form).await
}

pub(super) async fn by_order(
    State(api): State<InvoicingApi>,
    Path((order, last)): Path<(String, String)>,
    context: QueryContext,
) -> Result<Response, Problem> {
    let (what, form) = form(&last);
    if what != "invoice" {
        return Err(Problem::not_found(format!("{what} of an order")));
    }
    let filed = api.archive.of_order(&order, &context).await?;
    answer(&api, filed.or_not_found(format!("invoice of order {order}"))?, form).await
}

async fn answer(api: &InvoicingApi, filed: Answer<Filed>, form: Form) -> Result<Response, Problem> {
    let document = api.archive.load(&filed.value).await?;
    match form {
        Form::Json => {
            let Filed { kind, credit_note, .. } = filed.value.clone();
            Ok(filed.map(|_| DocumentView { kind, credit_note, document }).into_response())
        }
        Form::Html => {
            let page = layouts::html(&document)?;
            Ok(printed(&filed.map(|_| ()), "text/html; charset=utf-8", page.into_bytes()))
        }
        Form::Pdf => {
            let bytes = layouts::pdf(&document)?;
            let name = format!("inline; filename=\"{}.pdf\"", filed.value.number);
            let mut response = printed(&filed.map(|_| ()), "application/pdf", bytes);
            if let Ok(name) = HeaderValue::from_str(&name) {
                response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
            }
            Ok(response)
        }
    }
}

/// A document to look at or to print. It contains no script and needs nothing from elsewhere, and the browser is told to
/// hold it to that: names and products on it are other people's words.
fn printed(reflects: &Answer<()>, kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert("tradewind-position", HeaderValue::from(reflects.position.0));
    headers.insert(header::VARY, HeaderValue::from_static("tradewind-as-of"));
    if let Some(Ok(as_of)) = reflects.as_of.map(|as_of| HeaderValue::from_str(&as_of.to_string())) {
        headers.insert("tradewind-as-of", as_of);
    }
    response
}

impl From<PrintError> for Problem {
    fn from(error: PrintError) -> Self {
        Self::new(ErrorCode::INTERNAL, error.to_string())
    }
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Query(error) => error.into(),
            ArchiveError::Read(error) => error.into(),
            error => Self::new(ErrorCode::INTERNAL, error.to_string()),
        }
    }
}
