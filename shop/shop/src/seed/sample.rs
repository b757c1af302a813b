//! Reading a sample: four CSV files, as `shop/sample/README.md` describes them.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tradewind_events::Timestamp;

/// A year of shopping, or part of one, as the source has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    /// What can be bought.
    pub(crate) products: Vec<ProductRow>,
    /// Who bought when, in the order of time.
    pub(crate) baskets: Vec<BasketRow>,
    /// What was in the baskets.
    pub(crate) lines: Vec<LineRow>,
}

/// A line of `products.csv`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ProductRow {
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) department: String,
    pub(crate) brand: String,
    pub(crate) category: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) size: String,
    /// None if no price follows from the source.
    pub(crate) price_cents: Option<u64>,
}

/// A line of `baskets.csv`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct BasketRow {
    pub(crate) basket_id: String,
    pub(crate) household_id: String,
    pub(crate) placed_at: Timestamp,
}

/// A line of `lines.csv`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct LineRow {
    pub(crate) basket_id: String,
    pub(crate) product_id: String,
    pub(crate) quantity: i64,
    pub(crate) paid_cents: i64,
}

/// Why a sample cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A file is not there, or not readable.
    #[error("failed to read {path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: std::io::Error,
    },
    /// A line is not as it must be.
    #[error("{file} is malformed: {problem}")]
    Malformed {
        /// The file.
        file: String,
        /// Which line, and what is wrong with it.
        problem: csv::Error,
    },
}

impl Sample {
    /// The sample that the program carries with it.
    pub(crate) fn embedded() -> Result<Self, SampleError> {
        Self::parse(
            include_str!("../../../sample/products.csv"),
            include_str!("../../../sample/baskets.csv"),
            include_str!("../../../sample/lines.csv"),
        )
    }

    /// The sample in a folder.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, SampleError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).map_err(|problem| SampleError::File { path, problem })
        };
        Self::parse(&read("products.csv")?, &read("baskets.csv")?, &read("lines.csv")?)
    }

    fn parse(products: &str, baskets: &str, lines: &str) -> Result<Self, SampleError> {
        Ok(Self {
            products: rows("products.csv", products)?,
            baskets: rows("baskets.csv", baskets)?,
            lines: rows("lines.csv", lines)?,
        })
    }
}

fn rows<T: DeserializeOwned>(file: &str, text: &str) -> Result<Vec<T>, SampleError> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|problem| SampleError::Malformed { file: file.to_owned(), problem })
}
