//! Registering the sample's households as customers, and moving those that move.

use std::cell::RefCell;

use serde_json::json;
use tradewind_events::Timestamp;

use super::client::{Answer, ShopClient};
use super::in_order::for_each_in_order;
use super::invented::Household;
use super::plan::Plan;
use super::report::{Part, Progress};
use super::{Options, SeedError, refused};

/// Registers the customers at `opening`, and tells of their moves, each at its own time. All of them are told before the
/// first order is placed: where somebody lived on the day of an order follows from the times, not from who told first.
pub(super) async fn register(
    options: &Options,
    client: &ShopClient,
    plan: &Plan,
    opening: Timestamp,
) -> Result<(Part, Part), SeedError> {
    let moves = plan.customers.iter().map(|household| household.moves.len() as u64).sum();
    let customers = RefCell::new(Part { total: plan.customers.len() as u64, ..Part::default() });
    let moves = RefCell::new(Part { total: moves, ..Part::default() });
    let progress = RefCell::new(Progress::new("customers", plan.customers.len() as u64, options.json));
    let key_of = |household: &&Household| household.id.clone();
    for_each_in_order(&plan.customers, options.concurrency.into(), key_of, |household| {
        let (customers, moves, progress) = (&customers, &moves, &progress);
        async move {
            let Household { id, name, address, .. } = household;
            let body = json!({"customer_id": id, "name": name, "address": address});
            let answer = client.command("/api/customers", &format!("seed-customer-{id}"), opening, &body).await?;
            count(&mut customers.borrow_mut(), answer)?;
            for (number, (at, address)) in household.moves.iter().enumerate() {
                let (path, key) = (format!("/api/customers/{id}/address"), format!("seed-move-{id}-{number}"));
                let answer = client.command(&path, &key, *at, &json!({"address": address})).await?;
                count(&mut moves.borrow_mut(), answer)?;
            }
            progress.borrow_mut().step();
            Ok::<_, SeedError>(())
        }
    })
    .await?;
    Ok((customers.into_inner(), moves.into_inner()))
}

fn count(part: &mut Part, answer: Answer) -> Result<(), SeedError> {
    match answer {
        Answer::Done { before: true, .. } => part.already_there += 1,
        Answer::Done { before: false, .. } => part.added += 1,
        Answer::Refused { reason } => refused(part, reason)?,
    }
    Ok(())
}
