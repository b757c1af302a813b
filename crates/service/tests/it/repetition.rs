//! What comes again comes to the same, also when the first time nothing came of it.

use std::path::Path;
use std::time::Duration;

use tradewind_events::Timestamp;
use tradewind_service::{Command, CommandContext, CommandError, CommandOptions, IdempotencyKey, Rejection};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{
    Account, AccountEvent, Deposit, Deposited, Open, Settle, Withdraw, clock, commands, eventually, nobody,
};
use crate::process::{HOUR, types, with_welcomes};
use crate::web::start_ready;

fn request(key: &str, body: &str) -> CommandContext {
    let fingerprint = Some(IdempotencyKey::fingerprint_of(&[body.as_bytes()]));
    CommandContext { key: Some(IdempotencyKey { key: key.to_owned(), fingerprint }), ..CommandContext::default() }
}

/// Makes every event be met again.
fn lose_checkpoints(folder: &Path) {
    std::fs::remove_dir_all(folder.join("reactions")).unwrap();
}

#[tokio::test]
async fn a_command_that_changed_nothing_changes_nothing_when_it_comes_again() {
    let store = MemoryStore::new();
    let (here, there) = (commands(&store, CommandOptions::default()), commands(&store, CommandOptions::default()));
    here.handle("7", &Deposit(10), &nobody()).await.unwrap();
    let first = here.handle("7", &Settle(10), &request("k", "10")).await.unwrap();
    here.handle("7", &Deposit(2), &nobody()).await.unwrap();
    for commands in [&here, &there] {
        let again = commands.handle("7", &Settle(10), &request("k", "10")).await.unwrap();
        assert_eq!((again.position, again.duplicate), (first.position, true));
        let other = commands.handle("7", &Settle(9), &request("k", "9")).await;
        assert!(matches!(other, Err(CommandError::KeyReused)), "{other:?}");
        let account = commands.entities().load::<Account>("7").await.unwrap();
        assert_eq!((account.state.balance_cents, account.state.changes), (12, 2));
    }
}

#[tokio::test]
async fn a_key_whose_command_would_now_change_nothing_is_refused_for_another_request() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    let first = commands.handle("7", &Settle(10), &request("k", "10")).await.unwrap();
    let other = commands.handle("7", &Withdraw(0), &request("k", "none")).await;
    assert!(matches!(other, Err(CommandError::KeyReused)), "{other:?}");
    let again = commands.handle("7", &Settle(10), &request("k", "10")).await.unwrap();
    assert_eq!((again.position, again.duplicate), (first.position, true));
}

/// Puts in two coins, unless there is just enough.
struct TwoCoins {
    enough: i64,
}

impl Command for TwoCoins {
    type Entity = Account;

    fn decide(&self, account: &Account, _at: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        let enough = account.balance_cents == self.enough;
        Ok(if enough { Vec::new() } else { vec![Deposited { cents: 1 }.into(), Deposited { cents: 2 }.into()] })
    }
}

#[tokio::test]
async fn what_was_recorded_under_a_key_is_found_however_much_has_happened_since_and_whatever_it_was() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    commands.handle("7", &Deposit(10), &nobody()).await.unwrap();
    let nothing = commands.handle("7", &TwoCoins { enough: 10 }, &request("n", "n")).await.unwrap();
    let coins = commands.handle("7", &TwoCoins { enough: 0 }, &request("c", "c")).await.unwrap();
    for _ in 0..4_200 {
        commands.handle("7", &Deposit(1), &nobody()).await.unwrap();
    }
    let again = commands.handle("7", &TwoCoins { enough: 10 }, &request("n", "n")).await.unwrap();
    assert_eq!((again.position, again.revision, again.duplicate), (nothing.position, nothing.revision, true));
    let again = commands.handle("7", &TwoCoins { enough: 4_213 }, &request("c", "c")).await.unwrap();
    assert_eq!((again.position, again.revision, again.duplicate), (coins.position, coins.revision, true));
    let other = commands.handle("7", &TwoCoins { enough: 4_213 }, &request("c", "d")).await;
    assert!(matches!(other, Err(CommandError::KeyReused)), "{other:?}");
    assert_eq!(store.everything().len(), 4_204);
}

#[tokio::test]
async fn a_command_that_a_process_was_refused_is_not_given_again() {
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let host = with_welcomes(&store, folder.path(), &clock);
    let commands = host.commands();
    let running = start_ready(host).await;
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    eventually("the gift", async || types(&store, "account-1").len() == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    clock.advance(HOUR);
    let all = ["WelcomeBegun", "GiftMatured", "ClawbackRefused"];
    eventually("the refusal", async || types(&store, "welcome-1") == all).await;
    running.stop().await.unwrap();

    // Now the rules would grant what they have refused.
    commands.handle("1", &Deposit(5_000), &nobody()).await.unwrap();
    lose_checkpoints(folder.path());
    let running = start_ready(with_welcomes(&store, folder.path(), &clock)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(types(&store, "account-1"), ["Opened", "Deposited", "Deposited"]);
    assert_eq!(types(&store, "welcome-1"), all);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_event_that_a_process_made_nothing_of_is_made_nothing_of_when_it_is_met_again() {
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let host = with_welcomes(&store, folder.path(), &clock);
    let commands = host.commands();
    let running = start_ready(host).await;
    commands.handle("1", &Deposit(5), &nobody()).await.unwrap();
    commands.handle("1", &Withdraw(5), &nobody()).await.unwrap();
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    eventually("the gift", async || types(&store, "account-1").len() == 4).await;
    running.stop().await.unwrap();

    lose_checkpoints(folder.path());
    let running = start_ready(with_welcomes(&store, folder.path(), &clock)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let own = types(&store, "welcome-1");
    assert!(!own.contains(&"GiftCancelled".to_owned()), "{own:?}");
    running.stop().await.unwrap();
}
