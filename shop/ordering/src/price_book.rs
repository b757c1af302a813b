//! Prices at hand. Every order asks for some, and they seldom change: so what was read is kept in memory for as long
//! as the read model stays where it was, and placing an order need not ask the database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tradewind_events::Position;
use tradewind_service::{QueryContext, QueryError, ReadModel, sql};

use crate::projections::{PricedProduct, ProductPrices};

/// The most products that are kept; one more, and all are read anew.
const KEPT_MAX: usize = 100_000;

/// The prices as the read model has them now. Cheap to clone.
#[derive(Clone)]
pub struct PriceBook {
    model: ReadModel,
    kept: Arc<Mutex<Kept>>,
}

/// What was read at one position of the read model.
#[derive(Default)]
struct Kept {
    position: Position,
    products: HashMap<String, Arc<PricedProduct>>,
}

impl PriceBook {
    /// The prices in a read model of [`ProductPrices`].
    #[must_use]
    pub fn of(model: ReadModel) -> Self {
        Self { model, kept: Arc::default() }
    }

    /// The read model itself.
    #[must_use]
    pub fn model(&self) -> &ReadModel {
        &self.model
    }

    /// What is known of each product, in the order of the ids; none for one that cannot be ordered.
    ///
    /// # Errors
    /// [`QueryError`] if something must be read and cannot be.
    pub async fn look_up(&self, ids: &[String]) -> Result<Vec<Option<Arc<PricedProduct>>>, QueryError> {
        if let Some(all) = self.at_hand(ids) {
            return Ok(all);
        }
        let (asked, now) = (ids.to_vec(), QueryContext::default());
        let read = self.model.query(&now, move |read| {
            asked.iter().map(|id| Ok(ProductPrices::get(read, id)?.map(Arc::new))).collect::<sql::Result<Vec<_>>>()
        });
        let answer = read.await?;
        self.keep(answer.position, ids, &answer.value);
        Ok(answer.value)
    }

    /// All of them, if all are kept and the read model has not moved since.
    fn at_hand(&self, ids: &[String]) -> Option<Vec<Option<Arc<PricedProduct>>>> {
        let position = self.model.position();
        let kept = self.lock();
        if kept.position != position {
            return None;
        }
        ids.iter().map(|id| kept.products.get(id).cloned().map(Some)).collect()
    }

    fn keep(&self, position: Position, ids: &[String], products: &[Option<Arc<PricedProduct>>]) {
        let mut kept = self.lock();
        if kept.position > position {
            return;
        }
        if kept.position < position || kept.products.len() > KEPT_MAX {
            *kept = Kept { position, products: HashMap::new() };
        }
        let known = ids.iter().zip(products).filter_map(|(id, product)| Some((id.clone(), product.clone()?)));
        kept.products.extend(known);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing is half done in there: a panic of another thread leaves a good map.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
