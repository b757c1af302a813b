//! What composing costs beside the calls: three answers of about 1 KiB, already there, of which each loses a field.
//! One thread; `cargo run --release -p tradewind-gateway --example compose`. It tells the median of nine rounds, and
//! for comparison the same by building trees.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use tradewind_gateway::compose::{
    Answering, Ask, CallText, Composed, Composition, CompositionLimits, Failed, Fragments, OnFailure, Parameters,
    Piece, Question, Request,
};

const ROUNDS: usize = 9;
const ANSWERS_A_ROUND: u32 = 20_000;

/// Services whose answers are there at once.
struct AtOnce(Vec<(&'static str, Bytes)>);

impl Ask for AtOnce {
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a> {
        let known = self.0.iter().find(|(service, _)| *service == question.service);
        let piece = known.map(|(_, body)| Piece::new(question.headers, body.clone()));
        Box::pin(std::future::ready(piece.ok_or(Failed::Unavailable)))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let services = AtOnce(["catalog", "reviews", "inventory"].map(|service| (service, answer_of(service))).into());
    let composed = composed()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (parameters, headers) = (Parameters::new().with("id", "7"), HeaderMap::new());
    let compose = || {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
        let request = Request { parameters: &parameters, headers: &headers, deadline };
        runtime.block_on(composed.answer(&request, &services))
    };
    let bytes = compose()?.body.len();
    assert_eq!(serde_json::from_slice::<Value>(&compose()?.body)?, by_trees(&services)?, "both say the same");
    let spliced = median(|| drop(black_box(compose())));
    let trees = median(|| drop(black_box(by_trees(&services).map(|whole| whole.to_string()))));
    println!("{bytes} bytes of three answers: {spliced:.1} µs with all around it, {trees:.1} µs by trees alone");
    Ok(())
}

/// About 1 KiB.
fn answer_of(service: &str) -> Bytes {
    let items: Vec<Value> = (0..12)
        .map(|id| json!({ "id": id, "text": format!("{service} says something of {id}"), "stars": 4 }))
        .collect();
    json!({ "id": 7, "name": service, "items": items, "internal": { "shard": 3, "key": "0123456789abcdef" } })
        .to_string()
        .into()
}

fn composed() -> Result<Composed, Box<dyn std::error::Error>> {
    let call = |name, get| CallText { name, get, each: None, on_failure: OnFailure::ERROR, timeout: None };
    let calls = [
        call("product", "catalog:/products/{id}"),
        call("reviews", "reviews:/reviews/{id}"),
        call("stock", "inventory:/stock/{id}"),
    ];
    let composition = Composition::parse("page", "/page/{id}", &calls, CompositionLimits::default())?;
    let selection = "{ product { id name items } reviews { id name items } stock { id name items } }";
    Ok(composition.select(selection, &Fragments::default())?)
}

fn by_trees(services: &AtOnce) -> Result<Value, serde_json::Error> {
    let mut whole = serde_json::Map::new();
    for (name, (_, body)) in ["product", "reviews", "stock"].into_iter().zip(&services.0) {
        let mut part: Value = serde_json::from_slice(body)?;
        if let Some(part) = part.as_object_mut() {
            part.remove("internal");
        }
        whole.insert(name.to_owned(), part);
    }
    Ok(whole.into())
}

/// Microseconds for one.
fn median(mut work: impl FnMut()) -> f64 {
    let mut rounds = [0.0; ROUNDS];
    for round in &mut rounds {
        let started = Instant::now();
        (0..ANSWERS_A_ROUND).for_each(|_| work());
        *round = started.elapsed().as_secs_f64() * 1e6 / f64::from(ANSWERS_A_ROUND);
    }
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
