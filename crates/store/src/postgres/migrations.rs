//! The schema: made where there is none, brought up to date where it is older, refused where it is newer.

use tokio_postgres::Client;

use super::connect::Connection;
use super::failure::Failure;
use super::sql::quoted;
use super::url::told;

/// What leads from each version to the next.
const STEPS: &[&str] = &[include_str!("schema/0001.sql")];

/// What was found.
pub(super) enum Found {
    /// It is as this program knows it.
    Ready,
    /// There is no store, and none was to be made.
    Nothing,
    /// A newer program made it.
    Newer(i32),
}

/// Brings the store's schema to the version that this program knows. Of several processes one does it.
pub(super) async fn migrate(connection: &mut Connection, schema: &str, create: bool) -> Result<Found, Failure> {
    let quoted = quoted(schema);
    let version = version(&connection.client, schema).await?;
    match version {
        None if !create => return Ok(Found::Nothing),
        Some(version) if version as usize > STEPS.len() => return Ok(Found::Newer(version)),
        Some(version) if version as usize == STEPS.len() => return Ok(Found::Ready),
        _ => {}
    }
    let transaction = connection.client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock(hashtext('tradewind'), hashtext($1))", &[&schema]).await?;
    // Another process may have been quicker.
    let done = self::version(transaction.client(), schema).await?.unwrap_or(0) as usize;
    if done == 0 {
        // `IF NOT EXISTS` would ask for the right to make one even where it exists.
        let look = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1::text)";
        if !transaction.query_one(look, &[&schema]).await?.try_get::<_, bool>(0)? {
            transaction.batch_execute(&format!("CREATE SCHEMA {quoted}")).await?;
        }
        let begin = format!(
            "CREATE TABLE IF NOT EXISTS {quoted}.versions (version int4 PRIMARY KEY, since timestamptz NOT NULL)"
        );
        transaction.batch_execute(&begin).await?;
    }
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        let version = index as i32 + 1;
        transaction.batch_execute(&step.replace("{s}", &quoted)).await.map_err(|error| match error.as_db_error() {
            Some(_) => Failure::Refused(format!("the schema's version {version} cannot be made: {}", told(&error))),
            None => error.into(),
        })?;
        let noted = format!("INSERT INTO {quoted}.versions VALUES ($1, now())");
        transaction.execute(&noted, &[&version]).await?;
    }
    transaction.commit().await?;
    Ok(Found::Ready)
}

/// Which version the schema has; none if there is no store in it.
async fn version(client: &Client, schema: &str) -> Result<Option<i32>, Failure> {
    // From the catalogue's tables: what the session's cache says of a name may be older than the lock it waited for.
    let look = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                               WHERE n.nspname = $1::text AND c.relname = 'versions')";
    let there = client.query_one(look, &[&schema]).await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let newest = client.query_one(&format!("SELECT max(version) FROM {}.versions", quoted(schema)), &[]).await?;
    Ok(newest.try_get(0)?)
}
