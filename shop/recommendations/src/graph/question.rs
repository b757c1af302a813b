//! The question that is put to the graph.

use super::names;

/// Which products are similar to one.
///
/// Those that are in the same baskets. A basket counts for less the more is in it: `(products − 1)^-0.25`. To that comes
/// how many baskets of a hundred have a product anyway, a tenth of it for the shop's best sellers and a tenth for the
/// department's: next to nothing where much is known, and what there is to go by for a product that few have bought.
///
/// Chosen on a year of real baskets, by what was in the rest of a basket of which one product is known: see
/// `docs/benchmarks.md`. Cosine, lift and Jaccard, with shrinkage or without, find less of it than plain counts do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimilarTo {
    /// The product.
    pub product: String,
    /// How many similar ones are wanted.
    pub limit: usize,
}

/// A product that is similar to another one, and for sale.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar {
    /// Which.
    pub product: String,
    /// How similar: only which one has more means something.
    pub score: f64,
    /// In how many of the product's latest baskets both are.
    pub baskets: u64,
}

impl SimilarTo {
    /// What it counts, in baskets, that every basket of the shop has a best seller; as much again if it is its
    /// department's.
    pub const PRIOR_BASKETS: f64 = 10.0;
    /// What a basket counts is the number of other products in it to this power.
    pub const WEIGHT_EXPONENT: f64 = -0.25;
    /// Of how many baskets a product knows that it is in them: the latest. More were measured to add nothing, and taste
    /// changes.
    pub const BASKETS_MAX: usize = 1_000;
    /// How many best sellers the shop, and each department, has.
    pub const BEST_SELLERS: usize = 20;

    /// The question, in SPARQL 1.1.
    #[must_use]
    pub fn sparql(&self) -> String {
        let product = names::product(&self.product);
        let (prior, limit, shop) = (Self::PRIOR_BASKETS, self.limit, names::SHOP);
        let best = format!("?other <urn:shop:baskets> ?many . <{shop}> <urn:shop:baskets> ?all .");
        format!(
            "SELECT ?other ?score ?together WHERE {{
               {{ SELECT ?other (SUM(?weight) AS ?score) (COUNT(?basket) AS ?together) WHERE {{
                 {{ {product} <urn:shop:boughtIn> ?basket .
                    ?basket <urn:shop:weight> ?weight .
                    ?basket <urn:shop:contains> ?other }}
                 UNION
                 {{ <{shop}> <urn:shop:sellsBest> ?other . {best} BIND({prior:e} * ?many / ?all AS ?weight) }}
                 UNION
                 {{ {product} <urn:shop:department> ?department .
                    ?department <urn:shop:sellsBest> ?other . {best} BIND({prior:e} * ?many / ?all AS ?weight) }}
               }} GROUP BY ?other }}
               ?other <urn:shop:department> ?sold .
               FILTER(?other != {product})
             }} ORDER BY DESC(?score) ?other LIMIT {limit}"
        )
    }
}
