//! The inbox: an effect is had once, in the transaction that marks it.

use tradewind_events::{Position, Timestamp};
use tradewind_outbox::Follower;
use tradewind_outbox::postgres::Outbox;
use tradewind_testkit::servers::is_left_out;

use crate::given::{client, connector, options, server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_is_new_once() {
    if is_left_out("postgres") {
        return;
    }
    let port = server().await.port();
    let inbox = Outbox::open(connector(port), options()).await.unwrap().inbox();
    let (mut one, follower) = (client(port).await, Follower::new("copy").unwrap());
    // Rolled back with its effect, it is new again.
    let transaction = one.transaction().await.unwrap();
    assert!(inbox.begin(&transaction, &follower, Position(5)).await.unwrap());
    transaction.rollback().await.unwrap();
    assert_eq!(inbox.place(&one, &follower).await.unwrap(), Position::START);
    for (position, is_new) in [(5, true), (5, false), (4, false), (6, true)] {
        let transaction = one.transaction().await.unwrap();
        assert_eq!(inbox.begin(&transaction, &follower, Position(position)).await.unwrap(), is_new, "{position}");
        transaction.commit().await.unwrap();
    }
    assert_eq!(inbox.place(&one, &follower).await.unwrap(), Position(6));
    let transaction = one.transaction().await.unwrap();
    assert!(inbox.begin(&transaction, &Follower::new("another").unwrap(), Position(5)).await.unwrap());
}

/// Eight at once handle the same hundred messages, by position and by id: each has its effect once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_at_once_one_has_the_effect() {
    if is_left_out("postgres") {
        return;
    }
    let (port, options) = (server().await.port(), options());
    let table = format!("effects_{}", options.schema);
    let inbox = Outbox::open(connector(port), options).await.unwrap().inbox();
    let setup = format!("CREATE TABLE {table} (kind text, message int8)");
    client(port).await.batch_execute(&setup).await.unwrap();
    let handling: Vec<_> = (0..8)
        .map(|_| {
            let (inbox, effect) = (inbox.clone(), format!("INSERT INTO {table} VALUES ($1, $2)"));
            tokio::spawn(async move {
                let (mut client, follower) = (client(port).await, Follower::new("copy").unwrap());
                for message in 1..=100_i64 {
                    let transaction = client.transaction().await.unwrap();
                    if inbox.begin(&transaction, &follower, Position(message as u64)).await.unwrap() {
                        transaction.execute(&effect, &[&"position", &message]).await.unwrap();
                    }
                    transaction.commit().await.unwrap();
                    let transaction = client.transaction().await.unwrap();
                    let (id, now) = (format!("message {message}"), Timestamp::from_micros(message));
                    if inbox.begin_id(&transaction, &follower, &id, now).await.unwrap() {
                        transaction.execute(&effect, &[&"id", &message]).await.unwrap();
                    }
                    transaction.commit().await.unwrap();
                }
            })
        })
        .collect();
    for handled in handling {
        handled.await.unwrap();
    }
    let sql = format!("SELECT count(*), count(DISTINCT message) FROM {table} WHERE kind = $1");
    for kind in ["position", "id"] {
        let row = client(port).await.query_one(&sql, &[&kind]).await.unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (100, 100), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_are_forgotten_slot_by_slot() {
    if is_left_out("postgres") {
        return;
    }
    let port = server().await.port();
    let inbox = Outbox::open(connector(port), options()).await.unwrap().inbox();
    let (mut one, follower) = (client(port).await, Follower::new("copy").unwrap());
    let week = |number: i64| Timestamp::from_micros(number * 7 * 24 * 3_600 * 1_000_000);
    let mut begin = async |now: Timestamp| {
        inbox.forget(&mut one, now).await.unwrap();
        let transaction = one.transaction().await.unwrap();
        let is_new = inbox.begin_id(&transaction, &follower, "the same", now).await.unwrap();
        transaction.commit().await.unwrap();
        is_new
    };
    assert!(begin(week(9)).await);
    assert!(!begin(week(10)).await);
    // Two weeks later its slot is next, and is emptied.
    assert!(begin(week(11)).await);
}
