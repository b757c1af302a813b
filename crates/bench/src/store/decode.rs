//! `store/decode`: events in a second, replayed and decoded into the shop's own order events, from the page cache, by
//! one thread.
//!
//! The orders are like the shop's: they go through six stages; what is ordered stands in the first event, one to
//! twelve lines of it, as long on average as the baskets of the shop's sample are.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use shop_ordering::events::{
    OrderApproved, OrderCreated, OrderDelivered, OrderEvent, OrderLine, OrderPaid, OrderPrepared, OrderShipped,
};
use tradewind_log::{Expected, Log, NewRecord};
use tradewind_service::DomainEvent;

use super::engine::options;
use super::{SEED, StoreBench};
use crate::BenchError;
use crate::measure::{Aim, Figure, Random, Report, Spread, cpu_time};

const RATE_MIN: f64 = 2e6;
/// How many orders; each has six events.
const ORDERS: u64 = 100_000;
const LINES_MAX: u64 = 12;
const PRODUCTS: [(&str, &str); 6] = [
    ("Soft Drink Single Serve Bottle Carb, 20 oz", "Grocery"),
    ("Fluid Milk White Only, 1 gal", "Grocery"),
    ("Bananas, 40 lb", "Produce"),
    ("Candy Bars (Singles), 1.6 oz", "Drugs & General Merchandise"),
    ("Mainstream White Bread, 20 oz", "Grocery"),
    ("Salad Bar Fresh Fruit", "Salad Bar"),
];

fn life(random: &mut Random) -> [OrderEvent; 6] {
    let line = |random: &mut Random| {
        let (name, department) = PRODUCTS[random.below(PRODUCTS.len() as u64) as usize];
        OrderLine {
            product_id: (random.below(900_000) + 100_000).to_string(),
            name: name.to_owned(),
            department: department.to_owned(),
            quantity: random.below(4) as u32 + 1,
            unit_price_cents: random.below(2_000) + 50,
        }
    };
    let lines: Vec<OrderLine> = (0..=random.below(LINES_MAX)).map(|_| line(random)).collect();
    let total_cents = lines.iter().map(OrderLine::total_cents).sum();
    [
        OrderCreated { customer_id: random.below(2_500).to_string(), lines, total_cents }.into(),
        OrderApproved {}.into(),
        OrderPaid { reference: format!("payment-{:016x}", random.next_u64()) }.into(),
        OrderPrepared {}.into(),
        OrderShipped {}.into(),
        OrderDelivered {}.into(),
    ]
}

/// Writes the orders; answers how many bytes of JSON they have.
fn fill(log: &Log) -> Result<usize, BenchError> {
    let (mut random, mut bytes) = (Random::new(SEED), 0);
    let refused = |error: tradewind_log::AppendError| BenchError::Engine(error.to_string());
    // A hundred orders at a time: how they came in makes no difference to how they are read.
    for hundred in 0..ORDERS / 100 {
        let mut request = log.request();
        for order in 0..100 {
            request.stream(&format!("order-{}", hundred * 100 + order), Expected::None).map_err(refused)?;
            for event in life(&mut random) {
                let data = event.encode().map_err(|error| BenchError::Engine(error.to_string()))?;
                bytes += data.len();
                let (id, kind) = (random.next_u128(), event.event_type());
                let record = NewRecord { id, time: 0, kind, tags: &[], metadata: &[], data: &data };
                request.record(record).map_err(refused)?;
            }
        }
        log.append(request).map_err(refused)?;
    }
    Ok(bytes)
}

/// Replays and decodes everything some times.
pub(super) fn measure(bench: &StoreBench, folder: &Path, report: &Report) -> Result<(), BenchError> {
    let log = Log::open_folder(folder, options())?;
    let bytes = fill(&log)?;
    drop(log);
    let log = Log::open_folder(folder, options())?;
    let (mut rates, mut cpu_us) = (Spread::default(), Spread::default());
    // The first round only warms up.
    for round in 0..=bench.rounds {
        let (mut events, mut problem) = (0u64, None);
        let (begun, cpu) = (Instant::now(), cpu_time());
        log.replay(0, |record| {
            let found = record.get();
            let kind = std::str::from_utf8(found.kind()).unwrap_or_default();
            match OrderEvent::decode(kind, found.data()) {
                Ok(Some(event)) => _ = black_box(event),
                other => problem = Some(format!("{other:?}")),
            }
            events += 1;
            problem.is_none()
        })?;
        let time = begun.elapsed();
        if problem.is_some() || events != ORDERS * 6 {
            return Err(BenchError::Wrong(problem.unwrap_or_else(|| format!("{events} events came"))));
        }
        if round > 0 {
            rates.push(events as f64 / time.as_secs_f64());
            cpu_us.push(cpu_time().saturating_sub(cpu).as_secs_f64() * 1e6 / events as f64);
        }
    }
    let mut figure =
        Figure::new("store/decode", "events/s", &rates).aim(Aim::at_least("value", RATE_MIN, rates.median()));
    figure.cpu_us = Some(cpu_us.median());
    figure.bytes_per_event = Some(bytes as f64 / (ORDERS * 6) as f64);
    Ok(report.figure(&figure)?)
}
