//! Similar products: the graph, kept up with the read models that it is made of.

use std::sync::{Arc, PoisonError, RwLock};

use tradewind_events::Position;
use tradewind_service::sql;
use tradewind_service::{Answer, AsOf, QueryContext, QueryError, ReadModel, Reader};

use crate::graph::{EmbeddedGraph, GraphError, PurchaseGraph, Similar, SimilarTo};
use crate::projections::{Baskets, Product, Products, making};

/// Answers which products are similar. Cheap to clone.
#[derive(Clone)]
pub struct SimilarProducts {
    baskets: ReadModel,
    products: ReadModel,
    followed: Arc<RwLock<Followed>>,
}

/// A similar product, with what is shown of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarProduct {
    /// What it is.
    pub product: Product,
    /// In how many of the other one's latest orders both are.
    pub orders_together: u64,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SimilarError {
    /// A read model does not answer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The graph does not.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// What came of asking a graph.
type Asked = Result<Vec<Similar>, GraphError>;

/// How often an answer is tried while read models are made anew under it.
const TRIES_MAX: u32 = 3;

/// A graph, and how far it has followed each of the read models that it is made of.
struct Followed {
    graph: Box<dyn PurchaseGraph>,
    baskets: Place,
    products: Place,
}

/// One of the two.
#[derive(Debug, Clone, Copy)]
enum Model {
    Baskets,
    Products,
}

/// A place in a read model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Place {
    /// Which making of it; empty at the beginning.
    making: String,
    position: Position,
}

impl Followed {
    fn new(graph: Box<dyn PurchaseGraph>) -> Self {
        Self { graph, baskets: Place::default(), products: Place::default() }
    }

    fn place(&mut self, model: Model) -> &mut Place {
        match model {
            Model::Baskets => &mut self.baskets,
            Model::Products => &mut self.products,
        }
    }

    /// Takes in what a read model tells of changes since a position.
    fn take(&mut self, model: Model, read: &Reader<'_>, since: Position) -> sql::Result<Result<(), GraphError>> {
        let mut taken = Ok(());
        let take = |change| {
            if taken.is_ok() {
                taken = self.graph.change(change);
            }
        };
        match model {
            Model::Baskets => Baskets::changes(read, since, take)?,
            Model::Products => Products::changes(read, since, take)?,
        }
        Ok(taken.and_then(|()| self.graph.settle()))
    }

    /// Comes to where a read model is.
    fn follow(&mut self, model: Model, read: &Reader<'_>, there: Place) -> sql::Result<Result<(), GraphError>> {
        let here = self.place(model).clone();
        if !here.making.is_empty() && here.making != there.making {
            // What it told before may not be so in the new making; all is taken in anew, of the other model as well.
            if let Err(error) = self.graph.clear() {
                return Ok(Err(error));
            }
            (self.baskets, self.products) = (Place::default(), Place::default());
        }
        let since = self.place(model).position;
        // Somebody else who asked was later, and has gone further.
        if !self.place(model).making.is_empty() && since >= there.position {
            return Ok(Ok(()));
        }
        let taken = self.take(model, read, since)?;
        if taken.is_ok() {
            *self.place(model) = there;
        }
        Ok(taken)
    }
}

impl SimilarProducts {
    /// Similar products, by a graph of these read models. The graph must be empty.
    pub fn new<G: PurchaseGraph>(baskets: ReadModel, products: ReadModel, graph: impl FnOnce() -> G) -> Self {
        let followed = Arc::new(RwLock::new(Followed::new(Box::new(graph()))));
        Self { baskets, products, followed }
    }

    /// Makes the graph of what there is. Who asks later finds it ready.
    pub async fn prepare(&self) {
        let (products, baskets) = (self.clone(), self.clone());
        let context = QueryContext::default();
        let products = self.products.query(&context, move |read| products.follow(Model::Products, read)).await;
        let baskets = self.baskets.query(&context, move |read| baskets.follow(Model::Baskets, read)).await;
        if let Err(error) = products.map(drop).and(baskets.map(drop)) {
            tracing::warn!(%error, "the graph could not be made beforehand; whoever asks first makes it");
        }
    }

    /// What is similar to a product, the most similar first; none if it is not for sale. Position and moment of the
    /// answer are ordering's; as of a position of ordering's, what is for sale is that of today.
    ///
    /// # Errors
    /// [`SimilarError`] if the moment cannot be had, or the graph does not answer.
    pub async fn of(
        &self,
        product: &str,
        limit: usize,
        context: &QueryContext,
    ) -> Result<Option<Answer<Vec<SimilarProduct>>>, SimilarError> {
        let sold_at = context_of_catalog(context);
        let id = product.to_owned();
        let is_sold = self.products.query(&sold_at, move |read| Products::get(read, &id)).await?.value.is_some();
        if !is_sold {
            return Ok(None);
        }
        let to = SimilarTo { product: product.to_owned(), limit };
        let found = match context.as_of {
            Some(_) => self.then(to, context, &sold_at).await?,
            None => self.now(to, context).await?,
        };
        let Answer { value: found, position, as_of } = found;
        let found = found?;
        let described = self.products.query(&sold_at, move |read| {
            let described = found.into_iter().map(|similar| {
                let product = Products::get(read, &similar.product)?;
                Ok(product.map(|product| SimilarProduct { product, orders_together: similar.baskets }))
            });
            described.filter_map(Result::transpose).collect::<sql::Result<Vec<_>>>()
        });
        let value = described.await?.value;
        Ok(Some(Answer { value, position, as_of }))
    }

    async fn now(&self, to: SimilarTo, context: &QueryContext) -> Result<Answer<Asked>, QueryError> {
        let (mut tries, today) = (0, QueryContext::default());
        loop {
            let this = self.clone();
            let followed = self.products.query(&today, move |read| this.follow(Model::Products, read));
            let products = followed.await?.value;
            let (this, to) = (self.clone(), to.clone());
            let found = self.baskets.query(context, move |read| {
                let followed = this.follow(Model::Baskets, read)?;
                let graph = this.followed.read().unwrap_or_else(PoisonError::into_inner);
                // The baskets were made anew just now, and with them the graph.
                let lacks_products = graph.products.making.is_empty();
                Ok((followed.and_then(|()| graph.graph.similar(&to)), lacks_products))
            });
            let found = found.await?;
            tries += 1;
            if !found.value.1 || tries == TRIES_MAX {
                return Ok(found.map(|(found, _)| products.and(found)));
            }
        }
    }

    /// As it was: a graph is made for the purpose, of the read models as they were.
    async fn then(
        &self,
        to: SimilarTo,
        context: &QueryContext,
        sold_at: &QueryContext,
    ) -> Result<Answer<Asked>, QueryError> {
        let followed = self.products.query(sold_at, |read| {
            let mut then = Followed::new(Box::new(EmbeddedGraph::default()));
            let taken = then.take(Model::Products, read, Position::START)?;
            Ok(taken.map(|()| then))
        });
        let then = followed.await?.value;
        let asked = self.baskets.query(context, move |read| {
            let mut then = match then {
                Ok(then) => then,
                Err(error) => return Ok(Err(error)),
            };
            let taken = then.take(Model::Baskets, read, Position::START)?;
            Ok(taken.and_then(|()| then.graph.similar(&to)))
        });
        asked.await
    }

    /// Brings the graph to where a read model is.
    fn follow(&self, model: Model, read: &Reader<'_>) -> sql::Result<Result<(), GraphError>> {
        let there = Place { making: making(read)?, position: read.position() };
        {
            let followed = self.followed.read().unwrap_or_else(PoisonError::into_inner);
            let here = match model {
                Model::Baskets => &followed.baskets,
                Model::Products => &followed.products,
            };
            // Nearly always: then those who ask do not wait for each other.
            if here.making == there.making && here.position >= there.position {
                return Ok(Ok(()));
            }
        }
        self.followed.write().unwrap_or_else(PoisonError::into_inner).follow(model, read, there)
    }
}

/// Positions are ordering's. The catalog can be asked as of a time, and otherwise tells how it is.
fn context_of_catalog(context: &QueryContext) -> QueryContext {
    let as_of = context.as_of.filter(|as_of| matches!(as_of, AsOf::Time(_)));
    QueryContext { after: None, as_of }
}
