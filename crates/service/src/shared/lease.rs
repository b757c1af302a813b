//! Keeping leases: what this instance holds is renewed, what nobody holds is taken, and what is more than its share is
//! given up. All by the database's clock.
//!
//! Nobody's work is right because a lease says so: a process may be stopped for an hour between asking and acting. What
//! is right is that whoever takes a lease raises its epoch and writes that down where the work is committed, so that
//! those who had it before commit nothing any more.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

use super::SharedDatabase;
use super::line::Line;
use super::seat::LeaseStatus;

/// How leases are kept.
#[derive(Debug, Clone)]
pub struct LeaseOptions {
    /// How long one lasts that is not renewed: so long nobody does the work of an instance that was killed.
    pub lasts: Duration,
    /// How often they are renewed, and it is looked for free ones.
    pub look_every: Duration,
}

impl Default for LeaseOptions {
    fn default() -> Self {
        Self { lasts: Duration::from_secs(4), look_every: Duration::from_millis(500) }
    }
}

/// A lease as the database has it.
struct Row {
    holder: String,
    label: String,
    epoch: i64,
    free: bool,
}

/// What the database says of everything at one moment.
struct Look {
    rows: HashMap<String, Row>,
    instances: usize,
    /// For each lease, how many instances could do something with it.
    wanted: HashMap<String, usize>,
}

impl SharedDatabase {
    /// Keeps this instance's leases until `shutdown`, and until whoever works under one has ended; then gives all back.
    pub(crate) async fn keep_leases(self, shutdown: CancellationToken) {
        let line = Line::new("leases");
        let mut ticks = tokio::time::interval(self.inner.leases.look_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = false;
        loop {
            let seats = &self.inner.seats;
            tokio::select! {
                _ = ticks.tick() => {}
                // Somebody is done, or waits for a lease.
                () = seats.changed() => {}
            }
            seats.end_overdue();
            match self.look(&line, shutdown.is_cancelled()).await {
                Ok(()) if said => {
                    tracing::info!("leases are kept again");
                    said = false;
                }
                Ok(()) => {}
                Err(failure) if !said => {
                    tracing::warn!(%failure, "failed to keep leases; trying again");
                    said = true;
                }
                Err(_) => {}
            }
            if shutdown.is_cancelled() && seats.hold_nothing() {
                break;
            }
        }
        let leave = async |client: &Client| {
            let s = self.schema();
            client.execute(&format!("DELETE FROM {s}.instances WHERE id = $1"), &[&self.inner.id]).await
        };
        if let Err(failure) = line.run(&self, self.inner.leases.lasts, leave).await {
            tracing::debug!(%failure, "the others will notice by themselves that this instance has gone");
        }
    }

    /// Gives back what is done with, renews what is held, tells everybody who holds what, and takes what is free.
    async fn look(&self, line: &Line, leaving: bool) -> Result<(), tradewind_store::PostgresFailure> {
        let seats = &self.inner.seats;
        // An answer that comes later than this could not be relied on.
        let within = self.inner.leases.lasts / 2;
        let done = seats.done();
        let held = seats.held();
        // What was asked before this moment holds until so long after it.
        let until = Instant::now() + self.inner.leases.lasts;
        let work = async |client: &Client| {
            self.give_back_leases(client, &done).await?;
            self.renew(client, &held).await?;
            self.read_leases(client).await
        };
        let look = line.run(self, within, work).await?;
        seats.given_back(&done);
        for (name, epoch) in &held {
            let row = look.rows.get(name);
            if row.is_some_and(|row| row.holder == self.inner.id && row.epoch == *epoch) {
                seats.renewed(name, until);
            } else {
                seats.lost(name);
            }
        }
        let status = |name: &str| {
            let row = look.rows.get(name).filter(|row| !row.free);
            LeaseStatus {
                holder: row.map(|row| row.label.clone()),
                epoch: look.rows.get(name).map_or(0, |row| row.epoch.unsigned_abs()),
                here: row.is_some_and(|row| row.holder == self.inner.id),
                instances: look.instances,
            }
        };
        seats.tell(status);
        if leaving {
            return Ok(());
        }
        let free = |name: &str| look.rows.get(name).is_none_or(|row| row.free);
        let wanted = |name: &str| look.wanted.get(name).copied().unwrap_or(look.instances).max(1);
        let take = seats.wish(wanted, free);
        if take.is_empty() {
            return Ok(());
        }
        let until = Instant::now() + self.inner.leases.lasts;
        let taken = line.run(self, within, async |client: &Client| self.take(client, &take).await).await?;
        for (name, epoch) in taken {
            tracing::info!(lease = name, epoch, instance = self.inner.label, "taken");
            seats.granted(&name, epoch, until);
        }
        Ok(())
    }

    async fn give_back_leases(&self, client: &Client, done: &[(String, i64)]) -> Result<(), tokio_postgres::Error> {
        if done.is_empty() {
            return Ok(());
        }
        let s = self.schema();
        let sql = format!(
            "UPDATE {s}.leases l SET expires = clock_timestamp() FROM unnest($2::text[], $3::int8[]) d(name, epoch)
             WHERE l.name = d.name AND l.epoch = d.epoch AND l.holder = $1"
        );
        let (names, epochs) = apart(done);
        client.execute(&sql, &[&self.inner.id, &names, &epochs]).await.map(drop)
    }

    async fn renew(&self, client: &Client, held: &[(String, i64)]) -> Result<(), tokio_postgres::Error> {
        let (s, lasts) = (self.schema(), self.inner.leases.lasts.as_secs_f64());
        let here = format!(
            "INSERT INTO {s}.instances AS i (id, label, expires, seats)
             VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3), $4)
             ON CONFLICT (id) DO UPDATE SET expires = excluded.expires, seats = excluded.seats"
        );
        client.execute(&here, &[&self.inner.id, &self.inner.label, &lasts, &self.inner.seats.names()]).await?;
        if held.is_empty() {
            return Ok(());
        }
        // One that has run out and that nobody has taken is still this one's.
        let sql = format!(
            "UPDATE {s}.leases l SET expires = clock_timestamp() + make_interval(secs => $4)
             FROM unnest($2::text[], $3::int8[]) d(name, epoch)
             WHERE l.name = d.name AND l.epoch = d.epoch AND l.holder = $1"
        );
        let (names, epochs) = apart(held);
        client.execute(&sql, &[&self.inner.id, &names, &epochs, &lasts]).await.map(drop)
    }

    async fn read_leases(&self, client: &Client) -> Result<Look, tokio_postgres::Error> {
        let s = self.schema();
        let leases = format!("SELECT name, holder, label, epoch, expires <= clock_timestamp() FROM {s}.leases");
        let mut rows = HashMap::new();
        for row in client.query(&leases, &[]).await? {
            let lease =
                Row { holder: row.try_get(1)?, label: row.try_get(2)?, epoch: row.try_get(3)?, free: row.try_get(4)? };
            rows.insert(row.try_get(0)?, lease);
        }
        let count = format!(
            "WITH gone AS (DELETE FROM {s}.instances WHERE expires < clock_timestamp() - interval '1 minute')
             SELECT count(*) FROM {s}.instances WHERE expires > clock_timestamp()"
        );
        let instances: i64 = client.query_one(&count, &[]).await?.try_get(0)?;
        let count = format!(
            "SELECT n.name, count(*) FROM unnest($1::text[]) n(name) JOIN {s}.instances i
             ON i.expires > clock_timestamp() AND (i.seats IS NULL OR n.name = ANY(i.seats)) GROUP BY n.name"
        );
        let mut wanted = HashMap::new();
        for row in client.query(&count, &[&self.inner.seats.names()]).await? {
            wanted.insert(row.try_get(0)?, usize::try_from(row.try_get::<_, i64>(1)?).unwrap_or(1));
        }
        Ok(Look { rows, instances: usize::try_from(instances).unwrap_or(1), wanted })
    }

    /// Takes those of these leases that are free; tells which, and their epochs.
    async fn take(&self, client: &Client, names: &[String]) -> Result<Vec<(String, i64)>, tokio_postgres::Error> {
        let s = self.schema();
        // In the order of their names: two who take the same ones must not wait for each other.
        let sql = format!(
            "INSERT INTO {s}.leases AS l (name, holder, label, epoch, expires)
             SELECT name, $1, $2, 1, clock_timestamp() + make_interval(secs => $4)
             FROM unnest($3::text[]) n(name) ORDER BY name COLLATE \"C\"
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, label = excluded.label, epoch = l.epoch + 1,
                 expires = excluded.expires
             WHERE l.expires <= clock_timestamp()
             RETURNING l.name, l.epoch"
        );
        let lasts = self.inner.leases.lasts.as_secs_f64();
        let rows = client.query(&sql, &[&self.inner.id, &self.inner.label, &names, &lasts]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

fn apart(leases: &[(String, i64)]) -> (Vec<&str>, Vec<i64>) {
    leases.iter().map(|(name, epoch)| (name.as_str(), *epoch)).unzip()
}
