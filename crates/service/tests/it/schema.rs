//! Read models whose tables have changed: what was made by other code is not asked with today's.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use tradewind_events::{Query, Recorded};
use tradewind_service::sql::{Transaction, params};
use tradewind_service::{
    Answer, CommandOptions, Host, Problem, Projection, ProjectionError, QueryContext, ReadModel, Reader,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, commands, eventually};
use crate::projections::{deposit, now};
use crate::web::{host, start, start_ready};

/// Balances with another table, made slowly.
struct Renamed {
    version: u32,
}

impl Projection for Renamed {
    fn name(&self) -> &'static str {
        "balances"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE account_balance (account TEXT PRIMARY KEY, changes INTEGER NOT NULL)"
    }

    fn query(&self) -> Query {
        Query::category("account")
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        std::thread::sleep(Duration::from_millis(3));
        let sql = "INSERT INTO account_balance VALUES (?1, 1) ON CONFLICT DO UPDATE SET changes = changes + 1";
        tx.prepare_cached(sql)?.execute(params![event.entity_id()])?;
        Ok(())
    }
}

fn changes(reader: &Reader<'_>) -> tradewind_service::sql::Result<i64> {
    Ok(reader.first("SELECT sum(changes) FROM account_balance", [], |row| row.get(0))?.unwrap_or_default())
}

async fn ask(State(model): State<ReadModel>) -> Result<Answer<i64>, Problem> {
    Ok(model.query(&QueryContext::default(), changes).await?)
}

fn renamed(store: &MemoryStore, folder: &std::path::Path, version: u32) -> (Host, ReadModel) {
    let mut host = host(store, folder);
    let model = host.projection(Renamed { version }).unwrap();
    host.routes(Router::new().route("/changes", get(ask)).with_state(model.clone()));
    (host, model)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_other_code_are_not_asked_and_until_there_are_new_ones_the_answer_is_to_come_again() {
    // Also if somebody forgot to raise the version.
    for version in [2, 1] {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        deposit(&commands(&store, CommandOptions::default()), 400).await;
        let mut first = host(&store, folder.path());
        let model = first.projection(Balances::default()).unwrap();
        let running = start_ready(first).await;
        assert_eq!(now(&model).await, (400, 400));
        running.stop().await.unwrap();

        let (host, model) = renamed(&store, folder.path(), version);
        let running = start(host).await;
        assert!(!running.handle.is_ready(), "it cannot answer yet");
        let asked = running.get("/changes").await;
        let code = asked.json()["code"].clone();
        assert_eq!((asked.status.as_u16(), code.as_str()), (503, Some("TW-2005")), "{}", asked.text);
        assert!(!asked.header("retry-after").is_empty());
        eventually("readiness", async || running.handle.is_ready()).await;
        assert_eq!(running.get("/changes").await.json(), 400);
        assert_eq!(model.query(&QueryContext::default(), changes).await.unwrap().value, 400);
        running.stop().await.unwrap();

        // What was built is known at the next start.
        let (host, _model) = renamed(&store, folder.path(), version);
        let running = start(host).await;
        assert_eq!(running.get("/changes").await.json(), 400);
        running.stop().await.unwrap();
    }
}
