//! The price list of the year, which the source does not have: for each product the lower median of what a unit of it
//! cost, over all its lines with a positive quantity and value, each rounded half up to a cent. So says
//! `shop/sample/README.md`, and so the sample's prices were made.

use std::collections::HashMap;

/// What a unit of a product costs, in US cents, by the product's number.
pub(super) struct Prices(HashMap<i64, u64>);

impl Prices {
    /// The prices that follow from lines of product, quantity and cents.
    pub(super) fn of(lines: impl Iterator<Item = (i64, i64, i64)>) -> Self {
        let mut units: HashMap<i64, Vec<u64>> = HashMap::new();
        for (product, quantity, cents) in lines {
            if let (Ok(quantity @ 1..), Ok(cents @ 1..)) = (u64::try_from(quantity), u64::try_from(cents)) {
                units.entry(product).or_default().push((2 * cents + quantity) / (2 * quantity));
            }
        }
        let median = |mut cents: Vec<u64>| {
            let middle = (cents.len() - 1) / 2;
            *cents.select_nth_unstable(middle).1
        };
        Self(units.into_iter().map(|(product, cents)| (product, median(cents))).collect())
    }

    /// The price of a product; none if no line tells one.
    pub(super) fn get(&self, product: i64) -> Option<u64> {
        self.0.get(&product).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_the_lower_median_of_what_a_unit_cost() {
        let prices = Prices::of([(1, 1, 300), (1, 2, 200), (1, 1, 200), (1, 3, 450)].into_iter());
        assert_eq!(prices.get(1), Some(150));
        assert_eq!(prices.get(2), None);
    }

    #[test]
    fn half_a_cent_is_rounded_up_and_less_is_nothing() {
        assert_eq!(Prices::of([(1, 2, 5)].into_iter()).get(1), Some(3));
        assert_eq!(Prices::of([(1, 12_000, 30)].into_iter()).get(1), Some(0));
    }

    #[test]
    fn what_was_given_away_or_brought_back_tells_no_price() {
        assert_eq!(Prices::of([(1, 0, 100), (1, 1, 0), (1, -1, 100), (1, 1, -5)].into_iter()).get(1), None);
    }
}
