//! A new service joins a shop that has run for long: `tradewind seed`, with processes that are killed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};
use shop_catalog::events::{Description, ProductListed};
use shop_catalog::product::Product;
use tokio::process::Command;
use tradewind_events::{Append, Event, EventType, ExpectedRevision, StreamId, SystemClock, Timestamp};
use tradewind_service::Entity;
use tradewind_store::OpenOptions;

use crate::client::Shopper;
use crate::invoicing::wait_for;
use crate::killing::Process;
use crate::system::free_address;

/// How many products the shop has when the new service joins.
const PRODUCTS: u64 = 40_000;

/// The program, built beside the shop's: a test of yesterday's would pass.
async fn tradewind() -> PathBuf {
    static BUILT: tokio::sync::OnceCell<PathBuf> = tokio::sync::OnceCell::const_new();
    let build = async || {
        let folder = Path::new(env!("CARGO_BIN_EXE_shop")).parent().unwrap();
        if std::env::var_os("TRADEWIND_TEST_NO_BUILD").is_none() {
            let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
            cargo.args(["build", "--quiet", "-p", "tradewind", "--bin", "tradewind"]);
            cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
            if folder.ends_with("release") {
                cargo.arg("--release");
            }
            let target = folder.parent().unwrap();
            assert!(
                cargo.env("CARGO_TARGET_DIR", target).status().await.unwrap().success(),
                "tradewind does not build"
            );
        }
        folder.join("tradewind")
    };
    BUILT.get_or_init(build).await.clone()
}

/// How far the copy of the products has come.
async fn position_of(service: &Process) -> u64 {
    let shopper = Shopper::new(format!("http://{}", service.address));
    let told = shopper.get("/admin/subscriptions").await.ok();
    let products = told["items"].as_array().unwrap().iter().find(|it| it["name"] == "products").unwrap();
    products["position"].as_u64().unwrap()
}

/// A catalog with a past.
async fn catalog(folder: &Path, products: u64) -> Process {
    let url = format!("file:{}", folder.join("catalog/events").display());
    let store = tradewind_store::open(&url, OpenOptions::with_clock(Arc::new(SystemClock))).await.unwrap();
    let at = Timestamp::from_micros(1_490_000_000_000_000);
    let category = Product::CATEGORY;
    let append = |id: u64| {
        let (name, department) = (format!("Product {id} of ö&<\"{id}\">"), "Grocery".to_owned());
        let listed = ProductListed {
            description: Description { name, department, ..Description::default() },
            price_cents: id + 1,
        };
        let event = Event::new(EventType::new("ProductListed").unwrap(), at, &listed).unwrap();
        Append::to(StreamId::new(format!("{category}-{id}")).unwrap(), ExpectedRevision::None, vec![event])
    };
    for first in (0..products).step_by(500) {
        let batch = (first..(first + 500).min(products)).map(|id| store.append(append(id)));
        futures_util::future::try_join_all(batch).await.unwrap();
    }
    drop(store);
    let line = "catalog --upstream ordering=http://127.0.0.1:1";
    let catalog = Process::begin(line, free_address(), &folder.join("catalog"));
    answers(&catalog).await;
    catalog
}

fn recommendations(folder: &Path, catalog: &Process) -> Process {
    let upstreams = format!("--upstream ordering=http://127.0.0.1:1 --upstream catalog=http://{}", catalog.address);
    let line = format!("recommendations --start-from snapshot {upstreams}");
    Process::begin(&line, free_address(), &folder.join("recommendations"))
}

async fn answers(process: &Process) {
    for _ in 0..3_000 {
        if tokio::net::TcpStream::connect(process.address).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it does not answer");
}

async fn seeding(service: &Process, more: &[&str]) -> Command {
    let mut command = Command::new(tradewind().await);
    command.args(["seed", "--url", &format!("http://{}", service.address), "--only", "products", "--json"]).args(more);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What it says at its end.
fn seeded(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

async fn told_by(catalog: &Process, through: u64) -> Value {
    let query = "%5B%7B%22categories%22%3A%5B%22product%22%5D%2C%22types%22%3A%5B%22ProductListed%22%2C%22PriceChanged%22%2C%22ProductDelisted%22%5D%7D%5D";
    let path = format!("/feed/digest?through={through}&query={query}");
    Shopper::new(format!("http://{}", catalog.address)).get(&path).await.ok()
}

#[tokio::test]
async fn a_seed_that_is_killed_and_whose_service_is_killed_goes_on_while_the_source_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = catalog(folder.path(), PRODUCTS).await;
    let mut service = recommendations(folder.path(), &catalog);
    answers(&service).await;
    let mut begun = seeding(&service, &[]).await.stdout(Stdio::null()).spawn().unwrap();
    while position_of(&service).await == 0 {
        assert!(begun.try_wait().unwrap().is_none(), "it has ended, and handed over nothing");
    }
    begun.kill().await.unwrap();
    service.kill_and_begin_again().await;
    answers(&service).await;
    let there = position_of(&service).await;
    assert!(there > 0 && there < PRODUCTS, "{there}");
    let shopper = Shopper::new(format!("http://{}", catalog.address));
    shopper.post("/api/catalog/products/5/price", "5", json!({"price_cents": 7})).await.ok();

    let seeded = seeded(&seeding(&service, &[]).await.output().await.unwrap());
    let position = seeded["position"].as_u64().unwrap();
    assert!(position > PRODUCTS, "{seeded}");
    let told = told_by(&catalog, position).await;
    assert_eq!((&seeded["events"], &seeded["checksum"]), (&told["count"], &told["checksum"]), "{seeded}");
    assert_eq!(seeded["events"], PRODUCTS + 1);
    assert!(seeded["handedOver"].as_u64().unwrap() <= PRODUCTS + 1 - there, "it goes on where it was: {seeded}");

    // It follows from the next event.
    let shopper_there = Shopper::new(format!("http://{}", service.address));
    let product = json!({"id": "new", "name": "New", "department": "Grocery", "price_cents": 259});
    shopper.post("/api/catalog/products", "new", product).await.ok();
    let path = "/api/recommendations/products/new/similar";
    wait_for(&shopper_there, path, |got| got.status == StatusCode::OK).await;
    assert_eq!(shopper_there.get("/api/recommendations/products/5/similar").await.status, StatusCode::OK);
    let again = self::seeded(&seeding(&service, &[]).await.output().await.unwrap());
    assert_eq!((&again["handedOver"], &again["events"]), (&json!(0), &json!(PRODUCTS + 2)), "{again}");
}

/// What becomes of a page of an archive, by its number.
type Damage = Box<dyn Fn(u64, String) -> Option<String>>;

/// A copy of an archive, elsewhere.
async fn archive_of(catalog: &Process, pages: u64, change: impl Fn(u64, String) -> Option<String>) -> String {
    let shopper = Shopper::new(format!("http://{}", catalog.address));
    let mut copy = HashMap::new();
    for page in 1..=pages {
        let text = shopper.get(&format!("/feed/atom/product/{page}")).await.text;
        copy.extend(change(page, text).map(|text| (format!("/product/{page}"), text)));
    }
    let copy = Arc::new(copy);
    let serve = move |uri: Uri| {
        let found = copy.get(uri.path()).cloned();
        async move { found.map_or((StatusCode::NOT_FOUND, String::new()), |text| (StatusCode::OK, text)) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { serve_on(listener, Router::new().fallback(serve)).await });
    format!("--archive=http://{address}")
}

async fn serve_on(listener: tokio::net::TcpListener, routes: Router) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = hyper_util::service::TowerToHyperService::new(routes.clone());
        let connection =
            hyper::server::conn::http1::Builder::new().serve_connection(hyper_util::rt::TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

#[tokio::test]
async fn an_archive_is_replayed_in_order_and_a_damaged_or_shortened_one_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = catalog(folder.path(), 1_050).await;
    let fresh = |name: &str| recommendations(&folder.path().join(name), &catalog);
    let cut_entry = |text: String| {
        let (begin, end) = (text.find(" <entry>").unwrap(), text.find("</entry>\n").unwrap() + "</entry>\n".len());
        format!("{}{}", &text[..begin], &text[end..])
    };
    let damages: [(&str, Damage); 4] = [
        ("changed", Box::new(|page, text| Some(if page == 7 { text.replacen("Grocery", "Bakery", 1) } else { text }))),
        ("cut", Box::new(|page, text| Some(if page == 7 { text[..text.len() / 2].to_owned() } else { text }))),
        ("missing", Box::new(|page, text| (page != 7).then_some(text))),
        ("shortened", Box::new(move |page, text| Some(if page == 7 { cut_entry(text) } else { text }))),
    ];
    for (name, damage) in damages {
        let service = fresh(name);
        answers(&service).await;
        let archive = archive_of(&catalog, 10, damage).await;
        let output = seeding(&service, &[&archive]).await.output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains("TW-2013"), "{name}: {error}");
        assert_eq!(position_of(&service).await, 0, "{name}: nothing of a part that differs is handed over");
    }
    let service = fresh("right");
    answers(&service).await;
    let archive = archive_of(&catalog, 10, |_, text| Some(text)).await;
    let seeded = seeded(&seeding(&service, &[&archive]).await.output().await.unwrap());
    let told = told_by(&catalog, 1_050).await;
    assert_eq!((&seeded["events"], &seeded["checksum"]), (&json!(1_050), &told["checksum"]));
    let service = fresh("own");
    answers(&service).await;
    let own = self::seeded(&seeding(&service, &["--archive"]).await.output().await.unwrap());
    assert_eq!(own["checksum"], told["checksum"]);
}
