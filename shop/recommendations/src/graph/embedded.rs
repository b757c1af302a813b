//! The graph in process: adjacency lists of small numbers, and an evaluator of SPARQL over them.

use std::collections::{HashMap, VecDeque};

use oxrdf::Term;
use spareval::{QueryEvaluationError, QueryEvaluator, QueryResults, QuerySolution};
use spargebra::SparqlParser;

use super::best_sellers::{BestSellers, Candidate};
use super::{Change, GraphError, PurchaseGraph, Similar, SimilarTo, names};

/// A graph in memory. A product knows its latest baskets, at most [`SimilarTo::BASKETS_MAX`]; a basket that no product
/// knows any more is forgotten, so that it is bounded by how many products there are.
#[derive(Debug, Default)]
pub struct EmbeddedGraph {
    pub(super) products: Numbered,
    pub(super) departments: Numbered,
    /// By product's number.
    pub(super) facts: Vec<ProductFacts>,
    /// By basket's number. One that is not there is empty.
    pub(super) baskets: Vec<Basket>,
    /// How many baskets there are, also those forgotten.
    pub(super) baskets_total: u32,
    pub(super) best: BestSellers,
}

/// Texts, and a number for each.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    texts: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

/// What is known of a product.
#[derive(Debug, Default)]
pub(super) struct ProductFacts {
    /// Its department, while it is for sale.
    pub(super) department: Option<u32>,
    /// Its latest baskets, the oldest first.
    pub(super) latest: VecDeque<u32>,
    /// In how many baskets it is, also those that it knows no longer.
    pub(super) baskets: u32,
}

/// What is in a basket.
#[derive(Debug, Default)]
pub(super) struct Basket {
    pub(super) products: Box<[u32]>,
    /// How many of its products know it.
    known_by: u32,
}

impl Numbered {
    pub(super) fn number(&self, text: &str) -> Option<u32> {
        self.numbers.get(text).copied()
    }

    pub(super) fn text(&self, number: u32) -> Option<&str> {
        self.texts.get(number as usize).map(|text| &**text)
    }

    pub(super) fn len(&self) -> u32 {
        self.texts.len() as u32
    }

    fn number_or_new(&mut self, text: &str) -> u32 {
        self.number(text).unwrap_or_else(|| {
            let number = self.len();
            self.texts.push(text.into());
            self.numbers.insert(text.into(), number);
            number
        })
    }
}

impl EmbeddedGraph {
    fn product(&mut self, id: &str) -> u32 {
        let number = self.products.number_or_new(id);
        if self.facts.len() <= number as usize {
            self.facts.push(ProductFacts::default());
        }
        number
    }

    fn bought(&mut self, basket: u32, products: &[String]) {
        self.taken_back(basket);
        let mut products: Vec<u32> = products.iter().map(|id| self.product(id)).collect();
        products.sort_unstable();
        products.dedup();
        if products.is_empty() {
            return;
        }
        let mut forgotten = Vec::new();
        for product in &products {
            let facts = &mut self.facts[*product as usize];
            facts.baskets += 1;
            // They come in the order of their numbers but for those that come again.
            let at = facts.latest.partition_point(|earlier| *earlier < basket);
            facts.latest.insert(at, basket);
            if facts.latest.len() > SimilarTo::BASKETS_MAX {
                forgotten.extend(facts.latest.pop_front());
            }
        }
        if self.baskets.len() <= basket as usize {
            self.baskets.resize_with(basket as usize + 1, Basket::default);
        }
        let known_by = products.len() as u32;
        self.baskets[basket as usize] = Basket { products: products.into(), known_by };
        self.baskets_total += 1;
        for basket in forgotten {
            let basket = &mut self.baskets[basket as usize];
            basket.known_by -= 1;
            if basket.known_by == 0 {
                basket.products = Box::default();
            }
        }
    }

    /// A basket that was forgotten, and is taken back after that, still counts for how well products sell.
    fn taken_back(&mut self, number: u32) {
        let Some(basket) = self.baskets.get_mut(number as usize).map(std::mem::take) else { return };
        if basket.products.is_empty() {
            return;
        }
        self.baskets_total -= 1;
        for product in basket.products {
            let facts = &mut self.facts[product as usize];
            facts.baskets -= 1;
            if let Ok(at) = facts.latest.binary_search(&number) {
                facts.latest.remove(at);
            }
        }
    }

    fn candidates(&self) -> impl Iterator<Item = Candidate> {
        (0_u32..).zip(&self.facts).filter_map(|(product, facts)| {
            facts.department.map(|department| Candidate { product, department, baskets: facts.baskets })
        })
    }
}

impl PurchaseGraph for EmbeddedGraph {
    fn change(&mut self, change: Change) -> Result<(), GraphError> {
        match change {
            Change::Listed { product, department } => {
                let (product, department) = (self.product(&product), self.departments.number_or_new(&department));
                self.facts[product as usize].department = Some(department);
            }
            Change::Delisted { product } => {
                let product = self.product(&product);
                self.facts[product as usize].department = None;
            }
            Change::Bought { basket, products } => self.bought(basket, &products),
            Change::TakenBack { basket } => self.taken_back(basket),
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), GraphError> {
        self.best = BestSellers::among(self.candidates(), self.departments.len() as usize);
        Ok(())
    }

    fn clear(&mut self) -> Result<(), GraphError> {
        *self = Self::default();
        Ok(())
    }

    fn similar(&self, to: &SimilarTo) -> Result<Vec<Similar>, GraphError> {
        let question = SparqlParser::new().parse_query(&to.sparql());
        let question = question.map_err(|error| GraphError::Question(error.to_string()))?;
        let evaluator = QueryEvaluator::new();
        let answer = evaluator.prepare(&question).execute(self).map_err(|error| unanswered(&error))?;
        similar_in(answer)
    }
}

/// What an answer to [`SimilarTo`] says.
pub(super) fn similar_in(answer: QueryResults<'_>) -> Result<Vec<Similar>, GraphError> {
    let QueryResults::Solutions(solutions) = answer else {
        return Err(GraphError::Answer("it is not a table".to_owned()));
    };
    let row = |solution: Result<QuerySolution, QueryEvaluationError>| {
        let solution = solution.map_err(|error| unanswered(&error))?;
        let read = similar_of(&solution);
        read.ok_or_else(|| GraphError::Answer(format!("a row of it is not understood: {solution:?}")))
    };
    solutions.map(row).collect()
}

fn similar_of(solution: &QuerySolution) -> Option<Similar> {
    let (Term::NamedNode(other), Term::Literal(score), Term::Literal(together)) =
        (solution.get("other")?, solution.get("score")?, solution.get("together")?)
    else {
        return None;
    };
    let product = names::product_of(other.as_str())?;
    Some(Similar { product, score: score.value().parse().ok()?, baskets: together.value().parse().ok()? })
}

fn unanswered(error: &QueryEvaluationError) -> GraphError {
    GraphError::Answer(error.to_string())
}
