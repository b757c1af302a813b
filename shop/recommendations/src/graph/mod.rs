//! The graph: who bought what with what.
//!
//! ```text
//! product ──boughtIn──▶ basket ──contains──▶ product        product ──department──▶ department ──sellsBest──▶ product
//!                       basket ──weight──▶ 0.59             product ──baskets──▶ 1204      shop ──sellsBest──▶ product
//! ```
//!
//! [`PurchaseGraph`] is what a graph must do for this context: take changes in, and say what is similar. The question is
//! put in SPARQL 1.1 ([`SimilarTo`]), the W3C's language for graphs. [`EmbeddedGraph`] answers in process, by Oxigraph's
//! evaluator over adjacency lists that take tens of megabytes for a year of baskets.
//!
//! A graph server takes over with a second implementation of the port: it sends [`SimilarTo`]'s text over the SPARQL 1.1
//! Protocol as it is, and writes each [`Change`] as a SPARQL Update. All that the question relies on are the triples of
//! the drawing; a test puts it to a plain set of them, and gets the same answers.

mod best_sellers;
mod dataset;
mod embedded;
mod names;
mod question;

pub use embedded::EmbeddedGraph;
pub use question::{Similar, SimilarTo};

/// What changes the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A product is for sale.
    Listed {
        /// Which.
        product: String,
        /// The department that sells it.
        department: String,
    },
    /// A product is for sale no longer. What was bought with it stays known.
    Delisted {
        /// Which.
        product: String,
    },
    /// Products were bought together.
    Bought {
        /// The basket's number. Later baskets have higher ones.
        basket: u32,
        /// Which products, each once.
        products: Vec<String>,
    },
    /// A basket was not bought after all.
    TakenBack {
        /// The basket's number.
        basket: u32,
    },
}

/// A graph of purchases. It may take its time: it is asked where waiting is allowed.
pub trait PurchaseGraph: Send + Sync + 'static {
    /// Takes changes in, in their order. [`PurchaseGraph::settle`] ends a batch of them.
    ///
    /// # Errors
    /// [`GraphError`] if it cannot; what was taken in before may stay.
    fn change(&mut self, change: Change) -> Result<(), GraphError>;

    /// Brings what follows from changes up to them; what is asked before sees some of it as it was.
    ///
    /// # Errors
    /// [`GraphError`] if it cannot.
    fn settle(&mut self) -> Result<(), GraphError>;

    /// Forgets everything.
    ///
    /// # Errors
    /// [`GraphError`] if it cannot.
    fn clear(&mut self) -> Result<(), GraphError>;

    /// What is similar to a product, the most similar first.
    ///
    /// # Errors
    /// [`GraphError`] if it cannot say.
    fn similar(&self, to: &SimilarTo) -> Result<Vec<Similar>, GraphError>;
}

/// Why a graph did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The question is none.
    #[error("the graph does not understand the question: {0}")]
    Question(String),
    /// It could not be answered.
    #[error("the graph did not answer: {0}")]
    Answer(String),
}

#[cfg(test)]
mod tests;
