//! Which products are in the most baskets, of the shop and of each of its departments.

use super::SimilarTo;

/// A product, as a candidate for being a best seller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) product: u32,
    pub(super) department: u32,
    /// In how many baskets it is.
    pub(super) baskets: u32,
}

/// The best sellers, each list with the most sold first.
#[derive(Debug, Default)]
pub(super) struct BestSellers {
    pub(super) of_shop: Vec<u32>,
    /// By department.
    pub(super) of_departments: Vec<Vec<u32>>,
}

impl BestSellers {
    /// The best sellers among products that are for sale, in any order.
    pub(super) fn among(candidates: impl Iterator<Item = Candidate>, departments: usize) -> Self {
        let (mut shop, mut all) = (Best::default(), vec![Best::default(); departments]);
        for candidate in candidates.filter(|candidate| candidate.baskets > 0) {
            shop.consider(candidate);
            if let Some(department) = all.get_mut(candidate.department as usize) {
                department.consider(candidate);
            }
        }
        Self { of_shop: shop.products(), of_departments: all.into_iter().map(Best::products).collect() }
    }
}

/// The best so far, the best first.
#[derive(Debug, Clone, Default)]
struct Best(Vec<Candidate>);

impl Best {
    fn consider(&mut self, candidate: Candidate) {
        // Of two that sell as well, the one that has been known for longer.
        let rank = |one: &Candidate| (std::cmp::Reverse(one.baskets), one.product);
        let at = self.0.partition_point(|other| rank(other) < rank(&candidate));
        if at < SimilarTo::BEST_SELLERS {
            self.0.truncate(SimilarTo::BEST_SELLERS - 1);
            self.0.insert(at, candidate);
        }
    }

    fn products(self) -> Vec<u32> {
        self.0.into_iter().map(|candidate| candidate.product).collect()
    }
}
