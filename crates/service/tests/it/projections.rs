use std::time::Duration;

use tradewind_events::{EventSource, Position};
use tradewind_service::{CommandOptions, Commands, FollowerState, QueryContext, QueryError, ReadModel, Reader};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, Deposit, Open, commands, eventually, nobody};
use crate::web::{Backend, host, on_both, start, start_ready};

pub(crate) fn total(reader: &Reader<'_>) -> tradewind_service::sql::Result<(i64, i64)> {
    let row = reader.first("SELECT coalesce(sum(cents), 0), coalesce(sum(changes), 0) FROM balance", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(row.unwrap_or_default())
}

pub(crate) async fn deposit(commands: &Commands, times: u64) {
    for n in 0..times {
        commands.handle(&(n % 7).to_string(), &Deposit(1), &nobody()).await.unwrap();
    }
}

pub(crate) async fn now(model: &ReadModel) -> (i64, i64) {
    model.query(&QueryContext::default(), total).await.unwrap().value
}

/// What a crash at this moment would leave on the disk.
fn crashed_copy(from: &std::path::Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let (from, to) = (from.join("projections/balances"), copy.path().join("projections/balances"));
    std::fs::create_dir_all(&to).unwrap();
    for name in ["current", "v1.1.db", "v1.1.db-wal"] {
        std::fs::copy(from.join(name), to.join(name)).unwrap();
    }
    copy
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_takes_effect_exactly_once_though_the_service_crashes_in_the_middle_of_batches() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, CommandOptions::default());
    deposit(&commands, 2_000).await;
    let mut first = host(&store, folder.path());
    let slow = Balances { pause: Duration::from_micros(100), ..Balances::default() };
    first.projection(slow).unwrap();
    let running = start(first).await;
    let mut copies = Vec::new();
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(23)).await;
        copies.push(crashed_copy(folder.path()));
        deposit(&commands, 10).await;
    }
    running.stop().await.unwrap();
    for (round, copy) in copies.iter().enumerate() {
        let mut host = host(&store, copy.path());
        let model = host.projection(Balances::default()).unwrap();
        let answer = model.query(&QueryContext::default(), total).await.unwrap();
        assert_eq!(answer.value, (answer.position.0 as i64, answer.position.0 as i64), "in crash {round}");
        let _running = start_ready(host).await;
        model.wait_for(Position(2_100)).await.unwrap();
        assert_eq!(now(&model).await, (2_100, 2_100), "after crash {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_falls_and_is_started_again_and_again_goes_on_where_it_was() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, CommandOptions::default());
    for round in 1..=8 {
        let mut host = host(&store, folder.path());
        let model = host.projection(Balances::default()).unwrap();
        let running = start(host).await;
        deposit(&commands, 50).await;
        tokio::time::sleep(Duration::from_millis(round)).await;
        running.kill();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let answer = model.query(&QueryContext::default(), total).await.unwrap();
        assert_eq!(answer.value, (answer.position.0 as i64, answer.position.0 as i64), "in round {round}");
    }
    let mut host = host(&store, folder.path());
    let model = host.projection(Balances::default()).unwrap();
    let _running = start_ready(host).await;
    model.wait_for(Position(400)).await.unwrap();
    assert_eq!(now(&model).await, (400, 400));
}

on_both! {
    #[tokio::test]
    a_query_that_carries_a_position_waits_for_it_and_is_told_when_it_takes_too_long(backend) {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        let commands = commands(&store, CommandOptions::default());
        let mut host = backend.host(&store, folder.path());
        let model = host.projection(Balances { pause: Duration::from_millis(50), ..Balances::default() }).unwrap();
        let _running = start_ready(host).await;
        let done = commands.handle("1", &Deposit(5), &nobody()).await.unwrap();
        let after = QueryContext { after: Some(done.position), as_of: None };
        let answer = model.query(&after, total).await.unwrap();
        assert_eq!((answer.value, answer.position), ((5, 1), done.position));

        let after = QueryContext { after: Some(Position(99)), as_of: None };
        let late = model.query(&after, total).await;
        let expected =
            matches!(late, Err(QueryError::NotCaughtUp { wanted: Position(99), reached: Position(1), stopped: false, .. }));
        assert!(expected, "{late:?}");
    }
}

on_both! {
    #[tokio::test]
    a_position_without_a_matching_event_is_reached_as_well_and_kept(backend) {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        let other = tradewind_events::StreamId::new("other-1").unwrap();
        for _ in 0..3 {
            let kind = tradewind_events::EventType::new("Else").unwrap();
            let event = tradewind_events::Event::new(kind, tradewind_events::Timestamp::EPOCH, &1).unwrap();
            let append = tradewind_events::Append::to(other.clone(), Default::default(), vec![event]);
            tradewind_events::EventStore::append(&store, append).await.unwrap();
        }
        let mut first = backend.host(&store, folder.path());
        let model = first.projection(Balances::default()).unwrap();
        let running = start_ready(first).await;
        model.wait_for(Position(3)).await.unwrap();
        running.stop().await.unwrap();
        let mut second = backend.host(&store, folder.path());
        let model = second.projection(Balances::default()).unwrap();
        let is_file = matches!(backend, Backend::Sqlite);
        assert_eq!(model.position(), Position(if is_file { 3 } else { 0 }), "a server is asked when it runs");
        let _running = start_ready(second).await;
        assert_eq!(model.position(), Position(3));
    }
}

#[tokio::test]
async fn a_query_has_no_way_to_write() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    let model = host.projection(Balances::default()).unwrap();
    let sneaky = model
        .query(&QueryContext::default(), |reader| {
            reader.all("INSERT INTO balance VALUES ('x', 1, 1) RETURNING cents", [], |row| row.get::<_, i64>(0))
        })
        .await;
    let Err(QueryError::Database(error)) = sneaky else { panic!("{sneaky:?}") };
    let tradewind_service::sql::Error::Sqlite(error) = error else { panic!("{error:?}") };
    assert_eq!(error.sqlite_error_code(), Some(tradewind_service::rusqlite::ErrorCode::ReadOnly));
}

on_both! {
    #[tokio::test]
    a_poison_event_stops_a_projection_that_does_not_park_and_is_named_until_it_is_skipped_by_a_recorded_decision(backend) {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        let commands = commands(&store, CommandOptions::default());
        let build = || {
            let mut host = backend.host(&store, folder.path());
            let model = host.projection(Balances { poison_cents: 13, parks: false, ..Balances::default() }).unwrap();
            (host, model)
        };
        let (host, model) = build();
        let running = start_ready(host).await;
        commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
        commands.handle("1", &Deposit(7), &nobody()).await.unwrap();
        let poison = commands.handle("1", &Deposit(13), &nobody()).await.unwrap();
        let later = commands.handle("1", &Deposit(5), &nobody()).await.unwrap();
        let status = || running.handle.followers().remove(0);
        eventually("the stop", async || status().state == FollowerState::Stopped).await;
        let stopped = status().stopped.unwrap();
        assert_eq!((stopped.position, stopped.event_type.as_str()), (poison.position, "Deposited"));
        assert!(stopped.error.contains("this amount is poison"));

        // What it has is served; what it has not is not waited for.
        assert_eq!(now(&model).await, (7, 2));
        let late = model.query(&QueryContext { after: Some(later.position), as_of: None }, total).await;
        assert!(matches!(late, Err(QueryError::NotCaughtUp { stopped: true, .. })), "{late:?}");
        let ready = running.get("/health/ready").await;
        assert_eq!((ready.status.as_u16(), ready.json()["status"].as_str()), (200, Some("degraded")));
        assert_eq!(ready.json()["stopped"][0]["stopped"]["position"], poison.position.0);
        let metrics = running.get("/metrics").await.text;
        let line = "tradewind_follower_stopped{service=\"bank\",kind=\"projection\",name=\"balances\"} 1";
        assert!(metrics.contains(line), "{metrics}");

        // Trying again without a fix comes to the same.
        assert_eq!(running.send("POST", "/admin/projections/balances/retry", &[], "").await.status.as_u16(), 202);
        eventually("the second stop", async || status().state == FollowerState::Stopped).await;

        let by = [("tradewind-actor", "op")];
        assert_eq!(running.send("POST", "/admin/projections/balances/skip", &by, "").await.status.as_u16(), 202);
        model.wait_for(later.position).await.unwrap();
        assert_eq!(now(&model).await, (12, 3));
        let recorded = store.everything().pop().unwrap();
        assert_eq!((recorded.stream(), recorded.event_type()), ("projection-balances", "ProjectionEventSkipped"));
        assert_eq!(recorded.metadata().unwrap().actor.as_deref(), Some("op"));
        let said: serde_json::Value = recorded.parse().unwrap();
        assert_eq!(said["position"], poison.position.0);
        let again = running.send("POST", "/admin/projections/balances/skip", &[], "").await;
        assert_eq!(again.status.as_u16(), 409);
        running.stop().await.unwrap();

        // The decision outlives the read database.
        std::fs::remove_dir_all(folder.path().join("projections")).unwrap();
        let (host, model) = build();
        let _running = start_ready(host).await;
        model.wait_for(later.position).await.unwrap();
        assert_eq!(now(&model).await, (12, 3));
    }
}

on_both! {
    #[tokio::test]
    a_fixed_projection_goes_on_at_the_event_at_which_it_stopped(backend) {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        let commands = commands(&store, CommandOptions::default());
        for cents in [1, 13, 5] {
            commands.handle("1", &Deposit(cents), &nobody()).await.unwrap();
        }
        for (poison_cents, expected) in [(13, (1, 1)), (-1, (19, 3))] {
            let mut host = backend.host(&store, folder.path());
            let model = host.projection(Balances { poison_cents, parks: false, ..Balances::default() }).unwrap();
            let running = start_ready(host).await;
            assert_eq!(now(&model).await, expected);
            running.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_damaged_read_database_is_made_anew_and_one_of_another_store_as_well() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    deposit(&commands(&store, CommandOptions::default()), 30).await;
    let run = async |store: &MemoryStore| {
        let mut host = host(store, folder.path());
        let model = host.projection(Balances::default()).unwrap();
        let running = start_ready(host).await;
        let head = store.head().await.unwrap();
        eventually("the head", async || model.position() == head).await;
        let all = now(&model).await;
        running.stop().await.unwrap();
        all
    };
    assert_eq!(run(&store).await, (30, 30));
    let database = folder.path().join("projections/balances/v1.1.db");
    std::fs::write(&database, b"this is no database, whatever it says at its end").unwrap();
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", database.display()));
    }
    assert_eq!(run(&store).await, (30, 30));
    let younger = MemoryStore::new();
    deposit(&commands(&younger, CommandOptions::default()), 4).await;
    assert_eq!(run(&younger).await, (4, 4));
}

#[tokio::test]
async fn one_event_updates_several_read_models_each_in_its_own_database() {
    struct Owners;
    impl tradewind_service::Projection for Owners {
        fn name(&self) -> &'static str {
            "owners"
        }
        fn version(&self) -> u32 {
            1
        }
        fn schema(&self) -> &'static str {
            "CREATE TABLE owner (name TEXT PRIMARY KEY) WITHOUT ROWID"
        }
        fn query(&self) -> tradewind_events::Query {
            tradewind_events::Query::types([tradewind_events::EventType::new("Opened").unwrap()])
        }
        fn apply(
            &self,
            tx: &tradewind_service::sql::Transaction<'_>,
            event: &tradewind_events::Recorded,
        ) -> Result<(), tradewind_service::ProjectionError> {
            let opened: crate::account::Opened = event.parse()?;
            tx.execute("INSERT INTO owner VALUES (?1)", [opened.owner])?;
            Ok(())
        }
    }
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    let (balances, owners) = (host.projection(Balances::default()).unwrap(), host.projection(Owners).unwrap());
    assert!(host.projection(Owners).is_err(), "the same name twice");
    let commands = host.commands();
    let _running = start_ready(host).await;
    let done = commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    let after = QueryContext { after: Some(done.position), as_of: None };
    assert_eq!(balances.query(&after, total).await.unwrap().value, (0, 1));
    let names = owners.query(&after, |r| r.all("SELECT name FROM owner", [], |row| row.get::<_, String>(0))).await;
    assert_eq!(names.unwrap().value, ["ann"]);
}
