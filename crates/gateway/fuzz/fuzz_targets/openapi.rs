//! A document of anybody's: it is read or refused, and whatever is made of it comes to an end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tradewind_gateway::openapi::{About, Document, Documents, breaking};
use tradewind_gateway::{Route, RouteTable, Upstream};

fuzz_target!(|json: &[u8]| {
    let Ok(document) = Document::parse(json) else { return };
    assert!(breaking(&document, &document).iter().all(|change| change.kind == "schema-not-compared"));
    let route = Route::new("/", Upstream::new("s", [])).expect("a prefix");
    let routes = RouteTable::new(vec![route]).expect("one route");
    let documents: Documents = [("s".to_owned(), document)].into();
    let merged = About { title: "all", version: "1", server: "/" }.merge(&routes, &documents);
    Document::new(merged.document.as_value().clone()).expect("what is merged is a document");
});
