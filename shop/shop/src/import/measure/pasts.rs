//! Questions about the past: those about one thing, whose answers are made of its own events, and those about
//! everything, for which a read model is made as it was.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use tradewind_events::{EventId, Timestamp};

use super::asking::{Asked, ask};
use crate::import::InProcess;

/// How many customers a year has.
const CUSTOMERS: u128 = 2_469;

/// What answers from the past took.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Pasts {
    asked: Vec<Asked>,
    /// What the pasts that are kept have of the disk afterwards, by read model.
    kept: Vec<Kept>,
}

/// The pasts of one read model.
#[derive(Debug, Clone, Serialize)]
struct Kept {
    model: String,
    mib: u64,
}

pub(super) async fn measure(
    shop: &InProcess,
    data: &Path,
    orders: &[(String, Timestamp)],
    questions: u64,
) -> anyhow::Result<Pasts> {
    let (client, some) = (shop.client(), &orders[..orders.len().min(usize::try_from(questions)?)]);
    let page = |(order, moment): &(String, Timestamp)| format!("/api/ordering/orders/{order}?as_of={moment}");
    let lists: Vec<String> = some.iter().enumerate().map(|(n, (_, moment))| orders_of(customer(n), *moment)).collect();
    let mut asked = vec![
        ask(&client, "an order's page as of some moment", some.iter().map(page)).await?,
        ask(&client, "a customer's orders as of some moment", lists.iter().cloned()).await?,
        ask(&client, "the same again", lists).await?,
    ];
    for (what, query) in [
        ("sales by department as of a day in autumn", "by=department&as_of=2017-09-30"),
        ("the same again", "by=department&as_of=2017-09-30"),
        ("a week later", "by=department&as_of=2017-10-07"),
        ("of a day in spring", "by=department&as_of=2017-04-15"),
        ("sales by department as of a position at nine tenths", "by=department&as_of=900000"),
        ("of one 10,000 before it", "by=department&as_of=890000"),
        ("of one at a third", "by=department&as_of=330000"),
    ] {
        asked.push(ask(&client, what, [format!("/api/ordering/sales?{query}")]).await?);
    }
    let kept = tokio::task::spawn_blocking({
        let folder = data.join("ordering").join("projections");
        move || kept(&folder)
    });
    Ok(Pasts { asked, kept: kept.await?? })
}

fn customer(number: usize) -> u128 {
    EventId::derived("measured customer", number).0.as_u128() % CUSTOMERS + 1
}

fn orders_of(customer: u128, moment: Timestamp) -> String {
    format!("/api/ordering/customers/{customer}/orders?as_of={moment}")
}

fn kept(projections: &Path) -> io::Result<Vec<Kept>> {
    let mut all = Vec::new();
    for model in fs::read_dir(projections)? {
        let model = model?;
        let Ok(files) = fs::read_dir(model.path().join("past")) else { continue };
        let bytes = files.map(|file| Ok(file?.metadata()?.len())).sum::<io::Result<u64>>()?;
        if bytes > 0 {
            all.push(Kept { model: model.file_name().to_string_lossy().into_owned(), mib: bytes.div_ceil(1 << 20) });
        }
    }
    Ok(all)
}

impl fmt::Display for Pasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.asked.iter().try_for_each(|asked| writeln!(f, "{asked}"))?;
        let kept: Vec<String> = self.kept.iter().map(|Kept { model, mib }| format!("{mib} MiB of {model}")).collect();
        write!(f, "pasts that are kept: {}", kept.join(", "))
    }
}
