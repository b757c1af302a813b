use tradewind_service::Projection;
use tradewind_service::rusqlite::Connection;

use super::*;
use crate::projections::ProductSearch;

/// How the database goes about a count.
fn plan(matches: Matches, filters: &Filters) -> Vec<String> {
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch(ProductSearch.schema()).unwrap();
    let mut explain = database.prepare(&format!("EXPLAIN QUERY PLAN {}", select(matches, filters))).unwrap();
    explain.raw_query().mapped(|row| row.get("detail")).map(Result::unwrap).collect()
}

fn every_filter() -> Filters {
    let some = || Some("some".to_owned());
    Filters {
        department: some(),
        category: some(),
        brand: some(),
        size: some(),
        price_min_cents: Some(1),
        price_max_cents: Some(2),
        rating_min: Some(3),
    }
}

#[test]
fn counting_all_products_reads_nothing_but_the_index_that_is_there_for_it() {
    let brand = Filters { brand: Some("some".to_owned()), ..Filters::default() };
    for filters in [Filters::default(), brand, every_filter()] {
        assert_eq!(plan(Matches::All, &filters), ["SCAN product USING COVERING INDEX facets"], "{filters:?}");
    }
}

#[test]
fn counting_what_has_some_words_reads_no_more_than_those_products() {
    let plan = plan(Matches::Words, &every_filter());
    assert!(plan[0].starts_with("SCAN words VIRTUAL TABLE INDEX"), "{plan:?}");
    assert_eq!(plan[1], "SEARCH product USING INTEGER PRIMARY KEY (rowid=?)");
}
