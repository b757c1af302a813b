//! Finding products among all that are on sale.

use super::asking::{Asked, ask};
use crate::import::InProcess;

/// What people type, one after the other.
const WORDS: [&str; 8] = ["milk", "bread", "cheese", "choc", "yogurt", "water", "beef", "soup"];

pub(super) async fn measure(shop: &InProcess, questions: u64) -> anyhow::Result<Vec<Asked>> {
    let client = shop.client();
    let mut asked = Vec::new();
    for (what, query) in [
        ("products by a word", "q=WORD"),
        ("products by a word, with facets", "q=WORD&facets=true"),
        ("products by two words and a price, with facets", "q=WORD%20o&price_max_cents=500&facets=true"),
        ("all products by name", "sort=name"),
        ("all products, with facets", "facets=true"),
        ("a department by price, with facets", "department=Grocery&sort=price-asc&facets=true"),
        ("products of a brand at a price, with facets", "brand=National&price_max_cents=200&facets=true"),
    ] {
        let words = WORDS.iter().cycle().take(usize::try_from(questions)?);
        let paths = words.map(|word| format!("/api/catalog/products?{}", query.replace("WORD", word)));
        asked.push(ask(&client, what, paths).await?);
    }
    Ok(asked)
}
