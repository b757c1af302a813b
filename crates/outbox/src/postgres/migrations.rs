//! The schema: made where there is none, brought up to date where it is older, refused where it is newer.

use tokio_postgres::{Client, Transaction};

use super::connector::{Connection, Connector};
use crate::OutboxError;

/// What leads from each version to the next.
const STEPS: &[&str] = &[include_str!("schema/0001.sql"), include_str!("schema/0002.sql")];

/// Brings the schema to the version that this program knows. Of several processes one does it.
pub(super) async fn migrate(
    connector: &Connector,
    connection: &mut Connection,
    schema: &str,
    slot_bits: u8,
) -> Result<(), OutboxError> {
    if connector.answer(version(&connection.client, schema)).await? == Some(STEPS.len() as i32) {
        return Ok(());
    }
    let transaction = connector.answer(connection.client.transaction()).await?;
    connector.answer(step(&transaction, schema, slot_bits)).await??;
    connector.answer(transaction.commit()).await
}

async fn step(
    transaction: &Transaction<'_>,
    schema: &str,
    slot_bits: u8,
) -> Result<Result<(), OutboxError>, tokio_postgres::Error> {
    transaction.execute("SELECT pg_advisory_xact_lock(hashtext('tradewind_outbox'), hashtext($1))", &[&schema]).await?;
    // Another process may have been quicker.
    let done = version(transaction.client(), schema).await?.unwrap_or(0);
    if done as usize > STEPS.len() {
        return Ok(Err(OutboxError::Newer { found: done.into(), known: STEPS.len() as i64 }));
    }
    if done == 0 {
        let begin = format!(
            "CREATE SCHEMA IF NOT EXISTS {schema};
             CREATE TABLE IF NOT EXISTS {schema}.versions (version int4 PRIMARY KEY, since timestamptz NOT NULL)"
        );
        transaction.batch_execute(&begin).await?;
    }
    for (index, step) in STEPS.iter().enumerate().skip(done as usize) {
        let step = step.replace("{s}", schema).replace("{bits}", &slot_bits.to_string());
        transaction.batch_execute(&step).await?;
        let noted = format!("INSERT INTO {schema}.versions VALUES ($1, now())");
        transaction.execute(&noted, &[&(index as i32 + 1)]).await?;
    }
    Ok(Ok(()))
}

/// Which version the schema has; none if there is nothing in it.
async fn version(client: &Client, schema: &str) -> Result<Option<i32>, tokio_postgres::Error> {
    let look = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                               WHERE n.nspname = $1::text AND c.relname = 'versions')";
    if !client.query_one(look, &[&schema]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let newest = client.query_one(&format!("SELECT max(version) FROM {schema}.versions"), &[]).await?;
    newest.try_get(0)
}
