use tradewind_events::{ErrorCode, Position, Timestamp};
use tradewind_service::{AsOf, CommandOptions, LoadError, NotYet, PastError, QueryContext, QueryError};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Account, Balances, Deposit, commands, nobody};
use crate::projections::{now, total};
use crate::web::{host, start_ready};

fn day(day: u8) -> Timestamp {
    format!("2017-03-{day:02}T12:00:00Z").parse().unwrap()
}

/// Ten deposits, of 1, 2, 3 … cents, one each day.
async fn ten_days(store: &MemoryStore) {
    let commands = commands(store, CommandOptions { snapshot_every_events: 3, ..CommandOptions::default() });
    for n in 1..=10 {
        commands.handle("1", &Deposit(n.into()), &nobody().at(day(n))).await.unwrap();
    }
}

#[tokio::test]
async fn an_entity_is_loaded_as_of_any_position_and_any_time() {
    let store = MemoryStore::new();
    ten_days(&store).await;
    let entities = commands(&store, CommandOptions::default()).entities();
    for n in 0..=10_i64 {
        let sum = n * (n + 1) / 2;
        let by_position = entities.load_as_of::<Account>("1", AsOf::Position(Position(n as u64))).await.unwrap();
        let by_time = entities.load_as_of::<Account>("1", "2017-03-01T00:00:00Z".parse().unwrap()).await.unwrap();
        assert_eq!((by_position.state.balance_cents, by_time.state.balance_cents), (sum, 0));
        if n > 0 {
            let by_time = entities.load_as_of::<Account>("1", AsOf::Time(day(n as u8))).await.unwrap();
            assert_eq!(by_time.state.balance_cents, sum);
        }
    }
    let head = Position(10);
    let future = entities.load_as_of::<Account>("1", AsOf::Position(Position(11))).await;
    assert!(matches!(future, Err(LoadError::NotYet(NotYet::Position { head: told, .. })) if told == head));
    let future = entities.load_as_of::<Account>("1", "2999-01-01".parse().unwrap()).await.unwrap_err();
    assert!(matches!(future, LoadError::NotYet(NotYet::Time { .. })));
    assert_eq!(future.code(), ErrorCode::BAD_REQUEST);
}

#[tokio::test]
async fn any_read_model_answers_as_of_any_position_and_any_time() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    ten_days(&store).await;
    let mut host = host(&store, folder.path());
    let model = host.projection(Balances::default()).unwrap();
    let commands = host.commands();
    let _running = start_ready(host).await;
    // More pasts than are kept, each of them twice.
    for _ in 0..2 {
        for n in 1..=10_i64 {
            for as_of in [AsOf::Position(Position(n as u64)), AsOf::Time(day(n as u8))] {
                let asked = QueryContext { after: None, as_of: Some(as_of) };
                let answer = model.query(&asked, total).await.unwrap();
                assert_eq!((answer.value, answer.as_of), ((n * (n + 1) / 2, n), Some(as_of)));
            }
        }
    }
    assert_eq!(now(&model).await, (55, 10));
    // What is recorded later but happened earlier belongs to that past from then on.
    commands.handle("1", &Deposit(100), &nobody().at(day(2))).await.unwrap();
    let at = |as_of| QueryContext { after: None, as_of: Some(as_of) };
    assert_eq!(model.query(&at(AsOf::Time(day(2))), total).await.unwrap().value, (103, 3));
    assert_eq!(model.query(&at(AsOf::Position(Position(2))), total).await.unwrap().value, (3, 2));
    let future = model.query(&at(AsOf::Position(Position(12))), total).await;
    let head = Position(11);
    assert!(
        matches!(future, Err(QueryError::Past(PastError::NotYet(NotYet::Position { head: told, .. }))) if told == head)
    );
    let future = model.query(&at("2999-01-01".parse().unwrap()), total).await;
    assert!(matches!(future, Err(QueryError::Past(PastError::NotYet(NotYet::Time { .. })))));
    // Pasts are not kept without bound.
    let kept = std::fs::read_dir(folder.path().join("projections/balances/past")).unwrap();
    let databases = kept.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "db")).count();
    assert!(databases <= 16, "{databases}");
}

#[test]
fn a_number_is_a_position_a_day_its_end_and_anything_else_a_moment() {
    assert_eq!("17".parse(), Ok(AsOf::Position(Position(17))));
    assert_eq!("2017-03-05T12:00:00Z".parse(), Ok(AsOf::Time(day(5))));
    assert_eq!("2017-03-05T14:00:00+02:00".parse(), Ok(AsOf::Time(day(5))));
    assert_eq!("2017-03-05".parse::<AsOf>(), "2017-03-05T23:59:59.999999Z".parse());
    for nonsense in ["yesterday", "2017-02-30", "2017-3-5", "-1", "2017-03-05T12:00:00", "17.5", ""] {
        let refused = nonsense.parse::<AsOf>().unwrap_err().to_string();
        assert!(refused.contains("say a position (4711), a day (2017-03-31"), "{refused}");
    }
}
