//! The command line of `shop run`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::NonEmptyStringValueParser;
use shop_invoicing::events::Party;
use shop_ordering::fulfilment::FulfilmentOptions;
use shop_ordering::pace::Pace;
use shop_ordering::payment::PaymentOptions;
use tradewind_broker::BrokerUrl;
use tradewind_service::{LeaseOptions, SharedDatabase, StartFrom};

/// Which part of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Context {
    /// The products
    Catalog,
    /// The customers and where they live
    Customers,
    /// Orders and their fulfilment
    Ordering,
    /// What is there of the products, and for whom
    Inventory,
    /// Invoices for paid orders
    Invoicing,
    /// What is bought together
    Recommendations,
    /// The page that people see
    Storefront,
}

impl Context {
    /// Its name, as a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Customers => "customers",
            Self::Ordering => "ordering",
            Self::Inventory => "inventory",
            Self::Invoicing => "invoicing",
            Self::Recommendations => "recommendations",
            Self::Storefront => "storefront",
        }
    }
}

/// How to run a context.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Which context
    #[arg(value_enum)]
    pub context: Context,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// The folder for its data
    #[arg(long)]
    pub data: PathBuf,
    /// The event store's URL; a log in the data folder unless told. A URL with a password is better given as the variable
    #[arg(long, env = "TRADEWIND_STORE", hide_env_values = true)]
    store: Option<String>,
    /// Where the instances of this context share read models and what its reactions remember: a postgres: URL; where the
    /// event store is, if that is in PostgreSQL, unless told; file: keeps them in the data folder, for one instance. A URL
    /// with a password is better given as the variable
    #[arg(long, env = "TRADEWIND_READ_MODELS", hide_env_values = true)]
    read_models: Option<String>,
    /// Another context that this one follows, as NAME=http://HOST:PORT; can be given several times. Ordering can do without
    /// inventory, and then sells without asking whether the goods are there
    #[arg(long)]
    pub upstream: Vec<Upstream>,
    /// The broker over which events go between contexts, as nats://HOST:4222, kafka://HOST:9092 or
    /// amqp://USER:PASSWORD@HOST:5672/VHOST; feeds: follows the other contexts' feeds and needs none. A URL with a password is better given as the variable
    #[arg(long, env = "TRADEWIND_BROKER", hide_env_values = true, default_value = "feeds:")]
    pub broker: BrokerUrl,
    /// Where a new one begins in what the others tell: beginning, snapshot (it waits for `tradewind seed`) or now
    /// (recommendations only)
    #[arg(long, default_value = "beginning")]
    pub start_from: StartFrom,
    /// Let clients say with the header Tradewind-At that a command happened in the past. For filling a shop with its
    /// history, where all clients are trusted
    #[arg(long)]
    pub allow_backdating: bool,
    /// What to log, as info,tradewind_service=debug
    #[arg(long, default_value = "info")]
    pub log: String,
    #[command(flatten)]
    fulfilment: Fulfilment,
    #[command(flatten)]
    goods: Goods,
    #[command(flatten)]
    seller: Seller,
}

/// How ordering fulfils orders. The other contexts don't.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Fulfilment (ordering only)")]
struct Fulfilment {
    /// How fast orders go through their stages: demo (a quarter of a minute), fast (for tests), ordinary (a day)
    #[arg(long, default_value = "demo")]
    pace: Pace,
    /// The most that an order may cost before it is rejected, in US cents
    #[arg(long, default_value_t = FulfilmentOptions::default().order_cents_max)]
    order_cents_max: u64,
    /// How many of a hundred attempts find the (simulated) payment provider busy
    #[arg(long, default_value_t = PaymentOptions::default().busy_percent, value_parser = clap::value_parser!(u8).range(0..=100))]
    payment_busy_percent: u8,
    /// How many of a hundred orders the (simulated) payment provider declines
    #[arg(long, default_value_t = PaymentOptions::default().declined_percent, value_parser = clap::value_parser!(u8).range(0..=100))]
    payment_declined_percent: u8,
}

/// What there is to sell. The other contexts need not know.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Goods (inventory only)")]
struct Goods {
    /// How many units are there of a product when it comes on sale: nobody delivers to this shop
    #[arg(long, default_value_t = 1_000)]
    opening_stock: u32,
}

/// Who is printed as the sender of invoices that are written from now on; those that were written keep theirs.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The sender of invoices (invoicing only)")]
struct Seller {
    /// What the shop is called
    #[arg(long, default_value = "Tradewind Reference Shop", value_parser = NonEmptyStringValueParser::new())]
    seller_name: String,
    /// Street and number
    #[arg(long, default_value = "1 Harbor Walk", value_parser = NonEmptyStringValueParser::new())]
    seller_street: String,
    /// The city
    #[arg(long, default_value = "Port Lowell", value_parser = NonEmptyStringValueParser::new())]
    seller_city: String,
    /// The state or province
    #[arg(long, default_value = "OR")]
    seller_region: String,
    /// The postal code
    #[arg(long, default_value = "97103")]
    seller_postal_code: String,
    /// The country
    #[arg(long, default_value = "United States", value_parser = NonEmptyStringValueParser::new())]
    seller_country: String,
}

impl Options {
    /// Where its events are.
    #[must_use]
    pub fn store_url(&self) -> String {
        self.store.clone().unwrap_or_else(|| format!("file:{}", self.data.join("events").display()))
    }

    /// Whether it was told where another context is.
    #[must_use]
    pub fn follows(&self, name: &str) -> bool {
        self.upstream.iter().any(|upstream| upstream.name == name)
    }

    /// How many units are there of a product when it comes on sale.
    #[must_use]
    pub fn opening_stock(&self) -> u32 {
        self.goods.opening_stock
    }

    /// The database that this instance shares with others of its context; none, if it is to be the only one.
    ///
    /// # Errors
    /// If its URL is wrong.
    pub fn shared(&self) -> anyhow::Result<Option<SharedDatabase>> {
        let store = self.store_url();
        let url = self.read_models.as_deref().unwrap_or(&store);
        if !is_postgres(url) {
            let told = self.read_models.as_deref().is_none_or(|url| url == "file:");
            anyhow::ensure!(told, "--read-models can be postgres://HOST/DATABASE, or file: for the data folder");
            return Ok(None);
        }
        // Each context has a schema of its own, as each store has; beside the store it is the store's.
        let has_schema = url.split_once('?').is_some_and(|(_, query)| query.contains("schema="));
        let separator = if url.contains('?') { '&' } else { '?' };
        let url = match has_schema || url == store {
            true => url.to_owned(),
            false => format!("{url}{separator}schema={}", self.context.name()),
        };
        let instance = format!("{} {}", self.context.name(), std::process::id());
        Ok(Some(SharedDatabase::new(&url, instance, LeaseOptions::default())?))
    }

    /// Who sends invoices.
    #[must_use]
    pub fn seller(&self) -> Party {
        let seller = self.seller.clone();
        Party {
            name: seller.seller_name,
            street: seller.seller_street,
            city: seller.seller_city,
            region: seller.seller_region,
            postal_code: seller.seller_postal_code,
            country: seller.seller_country,
        }
    }

    /// How orders are fulfilled.
    #[must_use]
    pub fn fulfilment(&self) -> FulfilmentOptions {
        let Fulfilment { pace, order_cents_max, payment_busy_percent, payment_declined_percent } = self.fulfilment;
        FulfilmentOptions {
            pace,
            order_cents_max,
            payment: PaymentOptions {
                busy_percent: payment_busy_percent,
                declined_percent: payment_declined_percent,
                ..PaymentOptions::default()
            },
            ..FulfilmentOptions::default()
        }
    }
}

fn is_postgres(url: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme))
}

/// Another context, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Which.
    pub name: String,
    url: String,
}

impl Upstream {
    /// Where its feed is.
    #[must_use]
    pub fn feed_url(&self) -> String {
        format!("{}/feed", self.url.trim_end_matches('/').trim_end_matches("/feed"))
    }
}

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, url)) if !name.is_empty() && url.starts_with("http://") => {
                Ok(Self { name: name.to_owned(), url: url.to_owned() })
            }
            _ => Err("say NAME=http://HOST:PORT".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
