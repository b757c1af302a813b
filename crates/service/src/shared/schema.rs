//! What is in the database, besides the tables of each generation, which have schemas of their own.

use tradewind_store::{PostgresFailure, PostgresSession};

/// What leads from each version to the next. `{s}` is the schema.
const STEPS: &[&str] = &[
    "
    -- Who is there, by the database's clock.
    CREATE TABLE {s}.instances (id text PRIMARY KEY, label text NOT NULL, expires timestamptz NOT NULL);
    -- Who may do what until when. The epoch rises with each new holder.
    CREATE TABLE {s}.leases (
        name text COLLATE \"C\" PRIMARY KEY, holder text NOT NULL, label text NOT NULL, epoch int8 NOT NULL,
        expires timestamptz NOT NULL);
    -- The generations of each projection, and up to where each tells all. Only the epoch that stands here may write.
    CREATE TABLE {s}.generations (
        id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, projection text COLLATE \"C\" NOT NULL, version int4 NOT NULL,
        tables text NOT NULL, state text NOT NULL CHECK (state IN ('building', 'answering', 'replaced')),
        position int8 NOT NULL, epoch int8 NOT NULL, since timestamptz NOT NULL DEFAULT clock_timestamp())
        WITH (fillfactor = 50);
    CREATE INDEX generations_of_projection ON {s}.generations (projection);
    -- What reactions and process managers remember; the tables of each are in a schema of its own.
    CREATE TABLE {s}.ledgers (
        id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE \"C\" NOT NULL UNIQUE,
        epoch int8 NOT NULL, made bool NOT NULL DEFAULT false)
        WITH (fillfactor = 50);
",
    "
    -- Which leases an instance could do something with; null for one of an older program, which does not tell.
    ALTER TABLE {s}.instances ADD COLUMN seats text[];
",
];

/// Makes the schema, or brings it up to date. Of several instances one does it.
pub(super) async fn make(session: &PostgresSession, schema: &str) -> Result<(), PostgresFailure> {
    let client = session.client();
    // Two processes that start together would both find nothing.
    let begin = format!(
        "BEGIN;
         SELECT pg_advisory_xact_lock(hashtext('tradewind'), hashtext('{schema}'));
         CREATE SCHEMA IF NOT EXISTS {schema};
         CREATE TABLE IF NOT EXISTS {schema}.versions (version int4 PRIMARY KEY, since timestamptz NOT NULL)"
    );
    client.batch_execute(&begin).await?;
    let newest = client.query_one(&format!("SELECT coalesce(max(version), 0) FROM {schema}.versions"), &[]).await?;
    let done = usize::try_from(newest.try_get::<_, i32>(0)?).unwrap_or_default();
    if done > STEPS.len() {
        client.batch_execute("ROLLBACK").await?;
        let problem = format!("{schema} has version {done}, which a newer program made");
        return Err(PostgresFailure { problem, state: None, passes: false });
    }
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        let version = index + 1;
        let step = step.replace("{s}", schema);
        client.batch_execute(&format!("{step}; INSERT INTO {schema}.versions VALUES ({version}, now())")).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(())
}
