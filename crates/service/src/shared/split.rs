//! Another number of shares is another split of the same events. What the shares of the old one remember is carried over
//! to those of the new one, in one transaction: how far they had come, and what they have set aside. The ledgers of the old
//! split are gone then, so that whoever still uses one commits nothing more.
//!
//! As long as an instance holds a lease of the old split, which is that of a program from before, it goes on with that and
//! the new one waits: two splits at the same time would undo each other.

use tokio_postgres::Client;

use crate::reaction::{Share, key_itself};

type Result<T> = std::result::Result<T, tokio_postgres::Error>;

/// One ledger, and of what it is a share.
pub(super) struct Split<'a> {
    pub(super) schema: &'a str,
    /// The ledger's.
    pub(super) name: &'a str,
    /// What all shares have in common, and the undivided one is called.
    pub(super) family: &'a str,
    pub(super) tables: &'a str,
    /// What its lease is called, which ends with its name.
    pub(super) lease: &'a str,
}

/// A ledger of the family.
struct Other {
    id: i64,
    name: String,
}

impl Split<'_> {
    fn share(&self) -> Option<Share> {
        Share::of_name(self.name)
    }

    /// The names of all ledgers of this split.
    fn names(&self) -> Vec<String> {
        match self.share() {
            Some(Share { of, .. }) => {
                Share::all(of).map(|share| format!("{}{}", self.family, share.suffix())).collect()
            }
            None => vec![self.name.to_owned()],
        }
    }

    /// To which of them a key belongs.
    fn name_for(&self, key: &str) -> String {
        match self.share() {
            Some(Share { of, .. }) => {
                let share = Share::all(of).find(|share| share.has(key_itself(key)));
                format!("{}{}", self.family, share.map(Share::suffix).unwrap_or_default())
            }
            None => self.name.to_owned(),
        }
    }

    /// Those of the family that are of another split.
    async fn others(&self, client: &Client) -> Result<Vec<Other>> {
        let find = format!(
            "SELECT id, name FROM {}.ledgers WHERE made AND (name = $1 OR starts_with(name, $1 || '~'))",
            self.schema
        );
        let of = |share: Option<Share>| share.map(|share| share.of);
        let mut others = Vec::new();
        for row in client.query(&find, &[&self.family]).await? {
            let other = Other { id: row.try_get(0)?, name: row.try_get(1)? };
            let is_shared = other.name != self.family;
            if of(Share::of_name(&other.name).filter(|_| is_shared)) != of(self.share()) {
                others.push(other);
            }
        }
        Ok(others)
    }

    /// Makes the tables of a ledger that is new.
    pub(super) async fn make(&self, client: &Client, id: i64) -> Result<()> {
        let (s, tables) = (self.schema, self.tables);
        let own = format!("{s}_l{id}");
        let make = format!(
            "CREATE SCHEMA {own}; SET LOCAL search_path TO {own}, pg_catalog; {tables};
             UPDATE {s}.ledgers SET made = true WHERE id = {id}"
        );
        client.batch_execute(&make).await
    }

    /// Whether only reactions have shares: what else has a ledger is never split.
    fn can_be_split(&self) -> bool {
        self.share().is_some() || self.name == self.family
    }
}

/// Who works with another split of the same just now, if anybody does.
pub(super) async fn holder_of_another(client: &Client, split: &Split<'_>) -> Result<Option<String>> {
    if !split.can_be_split() {
        return Ok(None);
    }
    let Some(kind) = split.lease.strip_suffix(split.name) else { return Ok(None) };
    let others = split.others(client).await?;
    let leases: Vec<String> = others.iter().map(|other| format!("{kind}{}", other.name)).collect();
    let find = format!(
        "SELECT label FROM {}.leases WHERE name = ANY($1) AND expires > clock_timestamp() LIMIT 1",
        split.schema
    );
    client.query_opt(&find, &[&leases]).await?.map(|row| row.try_get(0)).transpose()
}

/// Carries over what ledgers of another split remember, if there are any. Within a transaction.
pub(super) async fn carry_over(client: &Client, split: &Split<'_>) -> Result<()> {
    if !split.can_be_split() {
        return Ok(());
    }
    let s = split.schema;
    // All of a family one after the other: whoever comes second finds that it is done.
    client.execute("SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))", &[&s, &split.family]).await?;
    let others = split.others(client).await?;
    if others.is_empty() {
        return Ok(());
    }
    let (mut begin, mut made) = (i64::MAX, std::collections::HashMap::new());
    for other in &others {
        // Whoever is in the middle of something with it ends that first, or is fenced off.
        let fence = format!("UPDATE {s}.ledgers SET epoch = epoch + 1 WHERE id = $1");
        client.execute(&fence, &[&other.id]).await?;
        let position = format!("SELECT position FROM {s}_l{}.checkpoint", other.id);
        begin = begin.min(client.query_one(&position, &[]).await?.try_get(0)?);
    }
    for name in split.names() {
        let insert = format!(
            "INSERT INTO {s}.ledgers (name, epoch) VALUES ($1, 0)
             ON CONFLICT (name) DO UPDATE SET epoch = ledgers.epoch RETURNING id, made"
        );
        let row = client.query_one(&insert, &[&name]).await?;
        let (id, was_made): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
        let begin = match was_made {
            // One that was left by a program which did not carry over.
            true => format!("UPDATE {s}_l{id}.checkpoint SET position = least(position, {begin})"),
            false => {
                split.make(client, id).await?;
                format!("UPDATE {s}_l{id}.checkpoint SET position = {begin}")
            }
        };
        client.batch_execute(&begin).await?;
        made.insert(name, id);
    }
    for Other { id: from, name } in &others {
        let keys = client.query(&format!("SELECT key FROM {s}_l{from}.aside"), &[]).await?;
        for row in &keys {
            let key: String = row.try_get(0)?;
            let Some(to) = made.get(&split.name_for(&key)) else { continue };
            for table in ["aside", "aside_events"] {
                let carry = format!(
                    "INSERT INTO {s}_l{to}.{table} SELECT * FROM {s}_l{from}.{table} WHERE key = $1
                     ON CONFLICT DO NOTHING"
                );
                client.execute(&carry, &[&key]).await?;
            }
        }
        for to in made.values() {
            let carry = format!("INSERT INTO {s}_l{to}.begun SELECT * FROM {s}_l{from}.begun ON CONFLICT DO NOTHING");
            client.execute(&carry, &[]).await?;
        }
        client.batch_execute(&format!("DROP SCHEMA {s}_l{from} CASCADE")).await?;
        client.execute(&format!("DELETE FROM {s}.ledgers WHERE id = $1"), &[from]).await?;
        tracing::info!(ledger = name, keys = keys.len(), "carried over to another number of shares");
    }
    Ok(())
}
