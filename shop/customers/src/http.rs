//! The API of customers.

mod operations;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tradewind_service::{
    About, Answer, Command, CommandContext, CommandError, Commands, Entity, Problem, QueryContext, ReadModel, Submitted,
};

pub use operations::operations;

use crate::commands::{ChangeAddress, ChangeName, RegisterCustomer};
use crate::customer::{Customer, NO_SUCH_CUSTOMER};
use crate::events::Address;
use crate::projections::{AddressHistory, AddressInForce, Cursor, CustomerView, Directory, DirectoryPage};

/// What the API needs of the service.
#[derive(Clone)]
pub struct CustomersApi {
    /// Changes customers.
    pub commands: Commands,
    /// Customers as of now, or as of then.
    pub directory: ReadModel,
    /// Where they have lived.
    pub addresses: ReadModel,
}

/// The API's routes. A request that brings a [`Timestamp`](tradewind_events::Timestamp) as an extension was let in as one
/// from the past, and happens at that time.
pub fn routes(api: CustomersApi) -> Router {
    Router::new()
        .route("/api/customers", get(list_customers).post(register_customer))
        .route("/api/customers/{id}", get(get_customer))
        .route("/api/customers/{id}/address", post(change_address))
        .route("/api/customers/{id}/name", post(change_name))
        .route("/api/customers/{id}/addresses", get(list_addresses))
        .with_state(api)
}

/// The most customers of one answer.
const LIMIT_MAX: u64 = 200;
const LIMIT_DEFAULT: u64 = 20;

#[derive(Debug, Deserialize)]
struct PageParams {
    after: Option<String>,
    limit: Option<u64>,
}

async fn list_customers(
    State(api): State<CustomersApi>,
    params: Result<UrlQuery<PageParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<DirectoryPage>, Problem> {
    let UrlQuery(params) = params.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
    let after = match params.after.as_deref() {
        None | Some("") => None,
        Some(text) => {
            let cursor = Cursor::parse(text);
            Some(cursor.ok_or_else(|| Problem::bad_request("after is not what a page gave as next"))?)
        }
    };
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    Ok(api.directory.query(&context, move |read| Directory::page(read, after.as_ref(), limit)).await?)
}

async fn get_customer(
    State(api): State<CustomersApi>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<CustomerView>, Problem> {
    let (what, about) = (format!("customer {id}"), About::stream(Customer::CATEGORY, &id));
    api.directory.query_about(&context, &about, move |read| Directory::get(read, &id)).await?.or_not_found(what)
}

#[derive(Debug, Serialize)]
struct AddressList {
    items: Vec<AddressInForce>,
}

async fn list_addresses(
    State(api): State<CustomersApi>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<AddressList>, Problem> {
    let (what, about) = (format!("customer {id}"), About::stream(Customer::CATEGORY, &id));
    let held = api.addresses.query_about(&context, &about, move |read| AddressHistory::of(read, &id)).await?;
    // Whoever is a customer has an address.
    held.map(|items| (!items.is_empty()).then_some(AddressList { items })).or_not_found(what)
}

#[derive(Debug, Deserialize)]
struct NewCustomer {
    customer_id: String,
    name: String,
    address: Address,
}

async fn register_customer(
    State(api): State<CustomersApi>,
    Submitted { body, context }: Submitted<NewCustomer>,
) -> Result<Response, Problem> {
    context.require_key()?;
    let NewCustomer { customer_id: id, name, address } = body;
    let command = RegisterCustomer { name, address };
    let done = api.commands.handle(&id, &command, &context).await?;
    Ok(done.created(&format!("/api/customers/{id}")))
}

#[derive(Debug, Deserialize)]
struct NewAddress {
    address: Address,
}

async fn change_address(
    State(api): State<CustomersApi>,
    Path(id): Path<String>,
    Submitted { body, context }: Submitted<NewAddress>,
) -> Result<Response, Problem> {
    change(&api, &id, &ChangeAddress { address: body.address }, context).await
}

#[derive(Debug, Deserialize)]
struct NewName {
    name: String,
}

async fn change_name(
    State(api): State<CustomersApi>,
    Path(id): Path<String>,
    Submitted { body, context }: Submitted<NewName>,
) -> Result<Response, Problem> {
    change(&api, &id, &ChangeName { name: body.name }, context).await
}

async fn change(
    api: &CustomersApi,
    id: &str,
    command: &impl Command,
    context: CommandContext,
) -> Result<Response, Problem> {
    match api.commands.handle(id, command, &context).await {
        Ok(done) => Ok(done.into_response()),
        Err(CommandError::Rejected(no)) if no.reason == NO_SUCH_CUSTOMER => {
            Err(Problem::not_found(format!("customer {id}")))
        }
        Err(error) => Err(error.into()),
    }
}
