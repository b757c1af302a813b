//! The whole year, through the real command path, against what pandas computes from the same files: in one process here,
//! and as `tradewind up` runs the shop in `profiles`. It takes minutes, and files that are not part of the repository, so
//! it runs only when it is asked for, by `./test` if `TRADEWIND_YEAR` is set, or by hand:
//!
//! ```sh
//! TRADEWIND_YEAR=FOLDER cargo test --release -p shop --features import,kafka --test year -- --ignored --test-threads=1
//! ```
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../browser/http.rs"]
#[expect(dead_code, reason = "the browser's tests need more of it")]
mod http;
mod profiles;
#[path = "../browser/system.rs"]
#[expect(dead_code, reason = "the browser's tests need more of it")]
mod system;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use shop::import::InProcess;

/// Under each heading orders, units and cents.
type Totals = BTreeMap<String, [u64; 3]>;

/// What pandas says, by `shop/sample/totals.py`.
fn expected() -> Value {
    serde_json::from_str(include_str!("totals.json")).unwrap()
}

fn totals_of(expected: &Value, by: &str) -> Totals {
    serde_json::from_value(expected[by].clone()).unwrap()
}

fn importing(folder: &str, data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(["import", folder, "--json", "--in-process"]).arg(data).stdin(Stdio::null());
    command
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes the Parquet files of the year and a minute or two"]
async fn a_year_that_was_killed_on_its_way_comes_to_what_pandas_says() {
    let folder = std::env::var("TRADEWIND_YEAR").unwrap();
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Killed twice: somewhere among the products, and somewhere among the orders.
    for seconds in [4, 15] {
        let mut begun = importing(&folder, data.path()).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(seconds));
        begun.kill().unwrap();
        begun.wait().unwrap();
    }
    let done = importing(&folder, data.path()).stderr(Stdio::inherit()).output().unwrap();
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    eprintln!("{report}");
    let expected = expected();
    check_lines(&report, &expected);
    assert!(report["baskets"]["already_there"].as_u64().unwrap() > 0, "it was killed before anything was ordered");

    let shop = InProcess::open(data.path()).await.unwrap();
    shop.settled().await.unwrap();
    check_orders(&Asked::at(format!("http://{}", shop.handle("ordering").unwrap().address())), &expected).await;
    shop.close().await.unwrap();
}

/// No line is lost silently, and each basket that can be ordered was.
fn check_lines(report: &Value, expected: &Value) {
    let number = |value: &Value| value.as_u64().unwrap();
    assert_eq!(report["lines"]["total"], expected["lines"]["total"]);
    assert_eq!(report["lines"]["ordered"], expected["lines"]["ordered"]);
    assert_eq!(report["lines"]["not_ordered"], expected["not_ordered"]);
    let not_ordered: u64 = report["lines"]["not_ordered"].as_object().unwrap().values().map(number).sum();
    assert_eq!(number(&report["lines"]["ordered"]) + not_ordered, 1_469_307);
    let orders = number(&report["baskets"]["added"]) + number(&report["baskets"]["already_there"]);
    assert_eq!(orders, number(&expected["baskets"]["ordered"]));
}

/// Orders, units and cents, by everything that they can be summed up by.
async fn check_orders(asked: &Asked, expected: &Value) {
    assert_eq!(asked.sales("department", |key| key.to_owned()).await, totals_of(expected, "by_department"));
    assert_eq!(asked.sales("day", |day| day[..7].to_owned()).await, totals_of(expected, "by_month"));
    assert_eq!(asked.best_products().await, expected["best_products"]);
    for (household, [orders, _, cents]) in totals_of(expected, "by_household") {
        assert_eq!(asked.history(&household).await, (orders, cents), "household {household}");
    }
}

/// The shop's read models, over HTTP.
struct Asked {
    base: String,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Asked {
    fn at(base: String) -> Self {
        Self { base, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    async fn get(&self, path: &str) -> Value {
        let request = Request::get(format!("{}{path}", self.base)).body(Full::new(Bytes::new())).unwrap();
        let answer = self.http.request(request).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    async fn sales(&self, by: &str, heading: impl Fn(&str) -> String) -> Totals {
        let mut totals = Totals::new();
        for row in self.get(&format!("/api/ordering/sales?by={by}")).await["items"].as_array().unwrap() {
            let total = totals.entry(heading(row["key"].as_str().unwrap())).or_default();
            for (sum, name) in total.iter_mut().zip(["orders", "units", "sales_cents"]) {
                *sum += row[name].as_u64().unwrap();
            }
        }
        totals
    }

    /// The products that sold for most, each with orders, units and cents.
    async fn best_products(&self) -> Value {
        let answer = self.get("/api/ordering/sales?by=product&limit=200").await;
        let row = |row: &Value| json!([row["key"], row["orders"], row["units"], row["sales_cents"]]);
        answer["items"].as_array().unwrap().iter().map(row).collect()
    }

    /// How many orders a household has that were delivered, and what they cost.
    async fn history(&self, household: &str) -> (u64, u64) {
        let path = format!("/api/ordering/customers/{household}/orders");
        self.sum(&path, |order| order["status"] == "delivered").await
    }

    /// How many invoices a household has, and what they say that it owes.
    async fn invoices(&self, household: &str) -> (u64, u64) {
        let path = format!("/api/invoicing/customers/{household}/documents");
        self.sum(&path, |document| document["kind"] == "invoice").await
    }

    /// How many items of a list are wanted, page by page, and the sum of their cents.
    async fn sum(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> (u64, u64) {
        let (mut count, mut cents, mut after) = (0, 0, String::new());
        loop {
            let page = self.get(&format!("{path}?limit=200&after={after}")).await;
            for item in page["items"].as_array().unwrap().iter().filter(|item| wanted(item)) {
                count += 1;
                cents += item["total_cents"].as_u64().unwrap();
            }
            let Some(next) = page["next"].as_str() else { return (count, cents) };
            next.clone_into(&mut after);
        }
    }
}
