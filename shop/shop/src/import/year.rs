//! The year of grocery shopping, from its Parquet files: the same rows in the same order as `shop/sample/make.py` writes
//! them, so that everything behind it is the seed's.

use std::collections::HashSet;
use std::path::Path;

use tradewind_events::Timestamp;

use super::columns::{Table, YearError};
use super::prices::Prices;
use super::words;
use crate::seed::sample::{BasketRow, LineRow, ProductRow, Sample};

/// The lines, column by column.
struct Lines {
    household: Vec<i64>,
    basket: Vec<i64>,
    product: Vec<i64>,
    quantity: Vec<i64>,
    cents: Vec<i64>,
    seconds: Vec<i64>,
}

/// Reads the year in a folder. Every line of it is in the answer, and every product.
pub(super) fn read(folder: &Path) -> Result<Sample, YearError> {
    let lines = Lines::read(folder)?;
    let prices = Prices::of((0..lines.basket.len()).map(|row| lines.priced(row)));
    let products = products(folder, &prices)?;
    let (baskets, lines) = lines.in_the_order_of_time();
    Ok(Sample { products, baskets, lines })
}

impl Lines {
    fn read(folder: &Path) -> Result<Self, YearError> {
        let table = Table::open(folder, "transactions.parquet")?;
        // Half a cent goes to the even one, as pandas has it; there is none in the data.
        let cents = |dollars: f64| (dollars * 100.0).round_ties_even() as i64;
        Ok(Self {
            household: table.whole("household_id")?,
            basket: table.whole("basket_id")?,
            product: table.whole("product_id")?,
            quantity: table.whole("quantity")?,
            cents: table.decimal("sales_value")?.into_iter().map(cents).collect(),
            seconds: table.seconds("transaction_timestamp")?,
        })
    }

    fn priced(&self, row: usize) -> (i64, i64, i64) {
        (self.product[row], self.quantity[row], self.cents[row])
    }

    /// The baskets, and all lines. A basket is placed when its first line was rung up.
    fn in_the_order_of_time(self) -> (Vec<BasketRow>, Vec<LineRow>) {
        let mut order: Vec<usize> = (0..self.basket.len()).collect();
        order.sort_by_key(|row| (self.seconds[*row], self.basket[*row], self.product[*row]));
        let (mut seen, mut baskets) = (HashSet::new(), Vec::new());
        let mut lines = Vec::with_capacity(order.len());
        for row in order {
            let basket_id = self.basket[row].to_string();
            if seen.insert(self.basket[row]) {
                baskets.push(BasketRow {
                    basket_id: basket_id.clone(),
                    household_id: self.household[row].to_string(),
                    placed_at: Timestamp::from_micros(self.seconds[row].saturating_mul(1_000_000)),
                });
            }
            lines.push(LineRow {
                basket_id,
                product_id: self.product[row].to_string(),
                quantity: self.quantity[row],
                paid_cents: self.cents[row],
            });
        }
        (baskets, lines)
    }
}

/// All products, also those that nobody bought: they have no price.
fn products(folder: &Path, prices: &Prices) -> Result<Vec<ProductRow>, YearError> {
    let table = Table::open(folder, "products.parquet")?;
    let ids = table.whole("product_id")?;
    let [departments, brands] = [table.text("department")?, table.text("brand")?];
    let [categories, kinds] = [table.text("product_category")?, table.text("product_type")?];
    let sizes = table.text("package_size")?;
    let mut rows: Vec<usize> = (0..ids.len()).collect();
    rows.sort_by_key(|row| ids[*row]);
    let product = |row: usize| {
        let (kind, category) = (words::phrase(&kinds[row]), words::phrase(&categories[row]));
        let (department, size) = (words::department(&departments[row]), words::size(&sizes[row]));
        ProductRow {
            product_id: ids[row].to_string(),
            name: words::product(&kind, &category, &department, &size),
            department,
            brand: brands[row].clone(),
            category,
            kind,
            size,
            price_cents: prices.get(ids[row]),
        }
    };
    Ok(rows.into_iter().map(product).collect())
}

#[cfg(test)]
mod tests;
