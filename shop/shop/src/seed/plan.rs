//! What is to be done with a sample: which products to list, which orders to place, and which lines cannot become
//! order lines, each for a reason. Nothing is lost silently: ordered and not ordered lines add up to all.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use tradewind_events::{EventId, Timestamp};

use super::invented::Household;
use super::sample::{LineRow, ProductRow, Sample};

/// How many lines there are of each reason.
pub type Counts = BTreeMap<String, u64>;

/// Why a line of a basket does not become a line of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Nothing was bought, or something was brought back.
    QuantityNotPositive,
    /// More units than an order takes.
    QuantityTooLarge,
    /// It cost nothing.
    NothingPaid,
    /// The product is not among the sample's products.
    UnknownProduct,
    /// No price follows from the source for the product.
    NoPrice,
    /// A unit costs less than half a cent: fuel, which is counted in thousandths of a gallon.
    PriceBelowACent,
    /// The product is in the basket a second time.
    ProductTwice,
}

impl Reason {
    /// The reason as a stable word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::QuantityNotPositive => "quantity-not-positive",
            Self::QuantityTooLarge => "quantity-too-large",
            Self::NothingPaid => "nothing-paid",
            Self::UnknownProduct => "unknown-product",
            Self::NoPrice => "product-without-price",
            Self::PriceBelowACent => "price-below-a-cent",
            Self::ProductTwice => "product-twice",
        }
    }
}

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Which products to list.
    pub(crate) products: Vec<ProductToList>,
    /// Products that cannot be listed, by reason.
    pub(crate) products_not_listed: Counts,
    /// Which customers to register.
    pub(crate) customers: Vec<Household>,
    /// Which orders to place, in the order of time.
    pub(crate) orders: Vec<OrderToPlace>,
    /// How many baskets have no line that can be ordered.
    pub(crate) baskets_empty: u64,
    /// How many lines the sample has.
    pub(crate) lines_total: u64,
    /// Lines that cannot be ordered, by reason.
    pub(crate) lines_not_ordered: Counts,
}

/// A product, as the catalog takes it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProductToList {
    pub(crate) id: String,
    name: String,
    department: String,
    brand: String,
    category: String,
    #[serde(rename = "type")]
    kind: String,
    size: String,
    price_cents: u64,
}

/// An order, as ordering takes it, and when it is to be placed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OrderToPlace {
    pub(crate) order_id: String,
    pub(crate) customer_id: String,
    pub(crate) lines: Vec<LineToOrder>,
    #[serde(skip)]
    pub(crate) basket_id: String,
    #[serde(skip)]
    pub(crate) placed_at: Timestamp,
}

/// A line, as ordering takes it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LineToOrder {
    product_id: String,
    quantity: u32,
}

/// The most units that ordering takes in a line.
const QUANTITY_MAX: u32 = shop_ordering::commands::PlaceOrder::QUANTITY_MAX;

impl Plan {
    pub(crate) fn of(sample: &Sample) -> Self {
        let mut plan = Self { lines_total: sample.lines.len() as u64, ..Self::default() };
        for product in &sample.products {
            match price(product) {
                Ok(price_cents) => plan.products.push(to_list(product, price_cents)),
                Err(reason) => *plan.products_not_listed.entry(reason.word().to_owned()).or_default() += 1,
            }
        }
        let products: HashMap<&str, &ProductRow> =
            sample.products.iter().map(|product| (product.product_id.as_str(), product)).collect();
        let mut lines: HashMap<&str, Vec<&LineRow>> = HashMap::new();
        for line in &sample.lines {
            lines.entry(&line.basket_id).or_default().push(line);
        }
        let mut households = HashSet::new();
        for basket in &sample.baskets {
            if households.insert(basket.household_id.as_str()) {
                plan.customers.push(Household::invented(&basket.household_id));
            }
            let mut seen = HashSet::new();
            let mut order = OrderToPlace {
                order_id: order_id(&basket.basket_id),
                customer_id: basket.household_id.clone(),
                lines: Vec::new(),
                basket_id: basket.basket_id.clone(),
                placed_at: basket.placed_at,
            };
            for line in lines.remove(basket.basket_id.as_str()).unwrap_or_default() {
                match to_order(line, &products, &mut seen) {
                    Ok(line) => order.lines.push(line),
                    Err(reason) => *plan.lines_not_ordered.entry(reason.word().to_owned()).or_default() += 1,
                }
            }
            if order.lines.is_empty() {
                plan.baskets_empty += 1;
            } else {
                plan.orders.push(order);
            }
        }
        let without_basket: usize = lines.values().map(Vec::len).sum();
        if without_basket > 0 {
            plan.lines_not_ordered.insert("no-such-basket".to_owned(), without_basket as u64);
        }
        plan
    }
}

/// The id of the order that a basket becomes: always the same.
fn order_id(basket_id: &str) -> String {
    EventId::derived(&format!("complete journey, basket {basket_id}"), 0).to_string()
}

fn price(product: &ProductRow) -> Result<u64, Reason> {
    match product.price_cents {
        None => Err(Reason::NoPrice),
        Some(0) => Err(Reason::PriceBelowACent),
        Some(cents) => Ok(cents),
    }
}

fn to_list(product: &ProductRow, price_cents: u64) -> ProductToList {
    let product = product.clone();
    ProductToList {
        id: product.product_id,
        name: product.name,
        department: product.department,
        brand: product.brand,
        category: product.category,
        kind: product.kind,
        size: product.size,
        price_cents,
    }
}

fn to_order<'a>(
    line: &'a LineRow,
    products: &HashMap<&str, &ProductRow>,
    seen: &mut HashSet<&'a str>,
) -> Result<LineToOrder, Reason> {
    if line.quantity <= 0 {
        return Err(Reason::QuantityNotPositive);
    }
    if line.paid_cents <= 0 {
        return Err(Reason::NothingPaid);
    }
    price(products.get(line.product_id.as_str()).ok_or(Reason::UnknownProduct)?)?;
    let quantity = u32::try_from(line.quantity).ok().filter(|quantity| *quantity <= QUANTITY_MAX);
    let quantity = quantity.ok_or(Reason::QuantityTooLarge)?;
    if !seen.insert(&line.product_id) {
        return Err(Reason::ProductTwice);
    }
    Ok(LineToOrder { product_id: line.product_id.clone(), quantity })
}

#[cfg(test)]
mod tests;
