//! The contexts' OpenAPI documents, kept in `shop/<context>/openapi.json`: the manifest names them, so that what the
//! gateway composes is checked before anything runs.
//!
//! `UPDATE_GOLDEN=1 cargo test -p shop --test shop documents` writes them anew.

use std::path::{Path, PathBuf};

use tradewind_gateway::openapi::{Document, breaking};

use crate::client::Shopper;
use crate::system::{Service, free_address};

/// The contexts that have an interface, and whom each follows.
const CONTEXTS: [(&str, &[&str]); 6] = [
    ("catalog", &["ordering"]),
    ("customers", &[]),
    ("inventory", &["catalog", "ordering"]),
    ("invoicing", &["ordering", "customers"]),
    ("ordering", &["catalog", "inventory"]),
    ("recommendations", &["ordering", "catalog"]),
];

fn file_of(context: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(context).join("openapi.json")
}

/// What a context says of itself.
async fn told(context: &str, upstreams: &[&str]) -> Document {
    let nobody = free_address();
    let upstreams = upstreams.iter().map(|upstream| format!(" --upstream {upstream}=http://{nobody}"));
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(&format!("{context}{}", upstreams.collect::<String>()), folder.path()).await;
    let told = Shopper::new(format!("http://{}", service.address)).get("/openapi.json").await.ok();
    service.stop().await;
    Document::new(told).unwrap_or_else(|error| panic!("{context}: {error}"))
}

#[tokio::test]
async fn what_the_contexts_say_of_themselves_is_kept() {
    for (context, upstreams) in CONTEXTS {
        let (now, file) = (told(context, upstreams).await, file_of(context));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, now.to_text()).unwrap();
        }
        let kept =
            std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}: say UPDATE_GOLDEN=1", file.display()));
        let kept = Document::parse(&kept).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let breaks: Vec<String> = breaking(&kept, &now).iter().map(|change| format!("\n  {change}")).collect();
        assert!(
            breaks.is_empty(),
            "who relies on {context} would break:{}\nif it is meant: UPDATE_GOLDEN=1",
            breaks.concat()
        );
        assert!(
            kept == now,
            "{context} says something else of itself, and nobody breaks: say UPDATE_GOLDEN=1 to keep it so"
        );
    }
}
