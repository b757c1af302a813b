use tradewind_events::AppendError;
use tradewind_service::{CommandContext, CommandError, CommandOptions, IdempotencyKey};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Deposit, Open, Withdraw, commands, nobody};

fn request(key: &str, body: &str) -> CommandContext {
    let fingerprint = Some(IdempotencyKey::fingerprint_of(&[body.as_bytes()]));
    CommandContext { key: Some(IdempotencyKey { key: key.to_owned(), fingerprint }), ..CommandContext::default() }
}

#[tokio::test]
async fn the_same_key_again_has_the_effect_and_the_answer_of_once() {
    let store = MemoryStore::new();
    let (here, there) = (commands(&store, CommandOptions::default()), commands(&store, CommandOptions::default()));
    let first = here.handle("7", &Deposit(5), &request("k", "a")).await.unwrap();
    here.handle("7", &Deposit(6), &nobody()).await.unwrap();
    // Also when another process answers, which has never seen it.
    for commands in [&here, &there] {
        let again = commands.handle("7", &Deposit(5), &request("k", "a")).await.unwrap();
        assert_eq!((again.position, again.duplicate), (first.position, true));
    }
    assert_eq!(store.everything().len(), 2);
}

#[tokio::test]
async fn a_repeated_command_that_the_rules_would_now_refuse_is_acknowledged_all_the_same() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    let opened = commands.handle("7", &Open::by("ann"), &request("k", "open")).await.unwrap();
    for _ in 0..400 {
        commands.handle("7", &Deposit(1), &nobody()).await.unwrap();
    }
    let again = commands.handle("7", &Open::by("ann"), &request("k", "open")).await.unwrap();
    assert_eq!((again.position, again.revision, again.duplicate), (opened.position, opened.revision, true));
    let other = commands.handle("7", &Open::by("ann"), &request("k2", "open")).await;
    assert!(matches!(other, Err(CommandError::Rejected(_))), "another key is another wish");
}

#[tokio::test]
async fn the_same_key_with_another_request_is_refused() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    commands.handle("7", &Deposit(5), &request("k", "five")).await.unwrap();
    let same_entity = commands.handle("7", &Deposit(6), &request("k", "six")).await;
    assert!(matches!(same_entity, Err(CommandError::KeyReused)), "{same_entity:?}");
    let other_entity = commands.handle("8", &Deposit(5), &request("k", "five of 8")).await;
    assert!(matches!(other_entity, Err(CommandError::KeyReused)), "{other_entity:?}");
    commands.handle("7", &Open::by("ann"), &request("o", "open")).await.unwrap();
    let refused_by_rules = commands.handle("7", &Open::by("bob"), &request("o", "open bob")).await;
    assert!(matches!(refused_by_rules, Err(CommandError::KeyReused)), "{refused_by_rules:?}");
    assert_eq!(store.everything().len(), 2);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_when_the_command_comes_again() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    commands.handle("7", &Deposit(10), &nobody()).await.unwrap();
    store.lose_next_answers(1);
    let lost = commands.handle("7", &Withdraw(10), &request("k", "w")).await;
    assert!(matches!(lost, Err(CommandError::Append(AppendError::OutcomeUnknown(_)))));
    // It has taken effect; the rules would now say no, but it is the same command.
    let again = commands.handle("7", &Withdraw(10), &request("k", "w")).await.unwrap();
    assert_eq!((again.position.0, again.duplicate), (2, true));
}

#[tokio::test]
async fn a_command_that_was_refused_is_decided_anew_when_it_comes_again() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    assert!(commands.handle("7", &Withdraw(10), &request("k", "w")).await.is_err());
    commands.handle("7", &Deposit(10), &nobody()).await.unwrap();
    let done = commands.handle("7", &Withdraw(10), &request("k", "w")).await.unwrap();
    assert!(!done.duplicate);
}
