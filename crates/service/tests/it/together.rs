//! Commands on several entities: all of them or none.

use std::sync::Arc;

use tradewind_events::{Direction, EventSource, Query, Revision, StreamId};
use tradewind_service::{CommandContext, CommandError, CommandOptions, Commands, Together, TogetherError};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Account, Deposit, Open, Settle, Withdraw, commands, nobody};

/// From one account to another.
fn transfer(from: &str, to: &str, cents: i64) -> Together {
    Together::new().and(from, Withdraw(cents)).and(to, Deposit(cents))
}

async fn with_accounts(store: &MemoryStore, count: u32) -> Commands {
    let commands = commands(store, CommandOptions::default());
    for id in 0..count {
        commands.handle(&id.to_string(), &Open::by("ann"), &nobody()).await.unwrap();
        commands.handle(&id.to_string(), &Deposit(100), &nobody()).await.unwrap();
    }
    commands
}

async fn balance(commands: &Commands, id: &str) -> i64 {
    commands.entities().load::<Account>(id).await.unwrap().state.balance_cents
}

#[tokio::test]
async fn all_take_effect_in_one_append() {
    let store = MemoryStore::new();
    let commands = with_accounts(&store, 2).await;
    let before = store.head().await.unwrap();
    let done = commands.handle_together(&transfer("0", "1", 30), &nobody()).await.unwrap();
    assert_eq!((balance(&commands, "0").await, balance(&commands, "1").await), (70, 130));
    assert_eq!((done.position.0, done.revision), (before.0 + 2, Some(Revision(2))));
    // What memory has of each is what the store has.
    let loaded = commands.entities().load::<Account>("0").await.unwrap();
    assert_eq!((loaded.revision, loaded.position.0), (Some(Revision(2)), before.0 + 1));
    commands.handle("0", &Withdraw(70), &nobody()).await.unwrap();
    commands.handle("1", &Withdraw(130), &nobody()).await.unwrap();
}

#[tokio::test]
async fn one_refusal_holds_all_of_them_back_and_all_refusals_are_told() {
    let store = MemoryStore::new();
    let commands = with_accounts(&store, 3).await;
    let before = store.head().await.unwrap();
    let three = Together::new().and("0", Deposit(1)).and("1", Withdraw(101)).and("2", Withdraw(102));
    let Err(TogetherError::Rejected(refused)) = commands.handle_together(&three, &nobody()).await else {
        panic!("more was withdrawn than there is")
    };
    let told: Vec<_> = refused.iter().map(|refused| (refused.index, refused.rejection.reason)).collect();
    assert_eq!(told, [(1, "too-little"), (2, "too-little")]);
    assert_eq!(store.head().await.unwrap(), before);
}

#[tokio::test]
async fn with_a_key_they_take_effect_once() {
    let store = MemoryStore::new();
    let commands = with_accounts(&store, 2).await;
    let context = CommandContext::keyed("rent");
    let first = commands.handle_together(&transfer("0", "1", 60), &context).await.unwrap();
    // By now the rules would refuse it: it is known by its key.
    for commands in [commands.clone(), self::commands(&store, CommandOptions::default())] {
        let again = commands.handle_together(&transfer("0", "1", 60), &context).await.unwrap();
        assert!(again.duplicate && !first.duplicate);
        assert_eq!((balance(&commands, "0").await, balance(&commands, "1").await), (40, 160));
    }
    // Another request under the same key.
    let other = CommandContext::keyed("rent");
    let other = commands.handle_together(&transfer("1", "0", 1), &other).await;
    assert!(matches!(other, Err(TogetherError::Command(CommandError::KeyReused))), "{other:?}");
    assert_eq!(balance(&commands, "1").await, 160);
}

#[tokio::test]
async fn that_nothing_changed_is_noted_under_the_key() {
    let store = MemoryStore::new();
    let commands = with_accounts(&store, 2).await;
    let settle = || Together::new().and("0", Settle(100)).and("1", Settle(100));
    let context = CommandContext::keyed("settle");
    commands.handle_together(&settle(), &context).await.unwrap();
    commands.handle("0", &Deposit(5), &nobody()).await.unwrap();
    assert!(commands.handle_together(&settle(), &context).await.unwrap().duplicate);
    assert_eq!(balance(&commands, "0").await, 105);
    // Without a key nothing is written for nothing.
    let before = store.head().await.unwrap();
    commands.handle_together(&Together::new().and("1", Settle(100)), &nobody()).await.unwrap();
    assert_eq!(store.head().await.unwrap(), before);
}

#[tokio::test]
async fn what_others_do_at_the_same_time_is_seen() {
    let store = MemoryStore::new();
    let ours = with_accounts(&store, 4).await;
    // Another process, whose memory knows nothing of what this one does.
    let theirs = commands(&store, CommandOptions { retries_max: 200, ..CommandOptions::default() });
    let ours = Arc::new(ours);
    let mut work = Vec::new();
    for index in 0..60_u32 {
        let commands = if index % 2 == 0 { (*ours).clone() } else { theirs.clone() };
        work.push(tokio::spawn(async move {
            let (from, to) = ((index % 4).to_string(), ((index * 7 + 1) % 4).to_string());
            if from == to {
                return;
            }
            // Refused when the money has gone already.
            match commands.handle_together(&transfer(&from, &to, 7), &CommandContext::keyed(index.to_string())).await {
                Ok(_) | Err(TogetherError::Rejected(_)) => {}
                Err(TogetherError::Command(CommandError::Contention { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        }));
    }
    for one in work {
        one.await.unwrap();
    }
    let fresh = commands(&store, CommandOptions::default());
    let mut sum = 0;
    for id in 0..4 {
        let balance = balance(&fresh, &id.to_string()).await;
        assert!(balance >= 0, "account {id} has {balance}");
        sum += balance;
    }
    assert_eq!(sum, 400);
    // Each transfer is whole: as many withdrawals as deposits behind the first ones.
    let all = store.read(tradewind_events::Position::START, &Query::all(), 1_000).await.unwrap().events;
    let count = |name: &str| all.iter().filter(|event| event.event_type() == name).count();
    assert_eq!(count("Withdrawn") + 4, count("Deposited"));
}

#[tokio::test]
async fn none_at_all_and_the_same_entity_twice_are_refused() {
    let store = MemoryStore::new();
    let commands = with_accounts(&store, 1).await;
    for wrong in [Together::new(), transfer("0", "0", 1)] {
        let refused = commands.handle_together(&wrong, &nobody()).await;
        assert!(matches!(&refused, Err(TogetherError::Command(error)) if !error.is_transient()), "{refused:?}");
    }
    let stream = StreamId::of("account", "0").unwrap();
    let slice = store.read_stream(&stream, Revision::FIRST, Direction::Forward, 10).await.unwrap();
    assert_eq!(slice.events.len(), 2);
}

#[tokio::test]
async fn one_condition_holds_for_all_of_it() {
    let store = MemoryStore::new();
    let commands = with_accounts(&store, 1).await;
    let second = Open { only_one: true, ..Open::by("ann") };
    let both = Together::new().and("0", Deposit(1)).and("9", second);
    let refused = commands.handle_together(&both, &nobody()).await;
    assert!(matches!(refused, Err(TogetherError::Command(CommandError::ConditionFailed { .. }))), "{refused:?}");
    assert_eq!(balance(&commands, "0").await, 100);
}
