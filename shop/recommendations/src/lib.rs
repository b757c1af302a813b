//! The context that knows what is bought together. It follows what ordering tells of baskets and what the catalog tells
//! of products, keeps both as a graph, and answers with SPARQL which products are similar to one: those that are in the
//! same baskets.
//!
//! **The graph is derived, twice.** Events become rows of two small read models, exactly once, with their checkpoints;
//! the rows become the graph, in memory, which follows the read models and is made anew from them when the service
//! starts. Behind its port a graph server could do the same: see [`graph`].
//!
//! What makes products similar, and how that was chosen, is in [`graph::SimilarTo`].

pub mod graph;
pub mod projections;
pub mod similar;

pub mod http;

use std::sync::Arc;

use axum::Router;
use tradewind_events::EventSource;
use tradewind_service::{Host, HostError, StartFrom};

use graph::EmbeddedGraph;
use http::RecommendationsApi;
use projections::{Baskets, Products};
use similar::SimilarProducts;

/// Whom recommendations listens to.
pub struct Upstreams {
    /// Ordering's feed.
    pub ordering: Arc<dyn EventSource>,
    /// The catalog's feed.
    pub catalog: Arc<dyn EventSource>,
}

/// All that recommendations has, put into a host. The routes are the host's to serve. `from` says where it begins in what
/// others tell, if it is new.
///
/// # Errors
/// [`HostError`] if a read model cannot be opened.
pub fn assemble(host: &mut Host, upstreams: Upstreams, from: StartFrom) -> Result<Router, HostError> {
    let baskets = host.projection_over(upstreams.ordering, from, Baskets)?;
    let products = host.projection_over(upstreams.catalog, from, Products)?;
    let similar = SimilarProducts::new(baskets, products, EmbeddedGraph::default);
    // Who asks first need not wait until the graph is made.
    let first = similar.clone();
    host.task(|stop| async move {
        stop.run_until_cancelled(first.prepare()).await;
    });
    http::operations().into_iter().for_each(|operation| host.operation(operation));
    Ok(http::routes(RecommendationsApi { similar }))
}
