//! The bytes of every layout, as `golden/layout-N/` holds them.
//!
//! A test here fails because a document that somebody was given years ago would look otherwise when it is printed again.
//! Make a new version of the layout beside the old one instead. Only a layout in which no document was ever written may
//! change with its golden files: `TRADEWIND_WRITE_GOLDEN=1 cargo test -p shop-invoicing` writes those that are missing.

use std::path::{Path, PathBuf};

use super::*;
use crate::day::Day;
use crate::events::{CreditNoteIssued, InvoiceIssued, InvoiceLine, Party};

pub(crate) fn seller() -> Party {
    Party {
        name: "Tradewind Reference Shop".into(),
        street: "1 Harbor Walk".into(),
        city: "Port Lowell".into(),
        region: "OR".into(),
        postal_code: "97103".into(),
        country: "United States".into(),
    }
}

pub(crate) fn line(product: &str, name: &str, quantity: u32, unit_price_cents: u64) -> InvoiceLine {
    let total_cents = unit_price_cents * u64::from(quantity);
    InvoiceLine { product_id: product.into(), name: name.into(), quantity, unit_price_cents, total_cents }
}

/// An invoice with what is awkward: accents, signs that mean something in HTML, a long name, a large amount.
pub(crate) fn invoice(layout: u16) -> InvoiceIssued {
    let lines = vec![
        line("1029743", "Fluid Milk White Only, 1 gal", 2, 259),
        line("866227", "Crème Brûlée <\"Ménage & Co.'s\">, 4 oz", 1, 499),
        line("5978648", &"Assorted Holiday Candy in a Box of Tin With Ribbons, ".repeat(2), 1, 123_456),
        line("440001", "Łódź Style Pierogi, 16 oz", 12, 345),
    ];
    InvoiceIssued {
        number: "INV-2017-000123".into(),
        layout,
        dated: day("2017-03-31"),
        seller: seller(),
        bill_to: Party {
            name: "Zoë Marchetti-O'Neill".into(),
            street: "118 Sycamore Street, Apt. 4".into(),
            city: "Fairhaven".into(),
            region: "OH".into(),
            postal_code: "45011".into(),
            country: "United States".into(),
        },
        customer_id: "1467".into(),
        order_id: "0192f3a1-5b1c-7c3e-9d2a-0123456789ab".into(),
        ordered_at: "2017-03-30T23:58:00Z".parse().unwrap(),
        paid_at: "2017-03-31T00:01:00Z".parse().unwrap(),
        total_cents: lines.iter().map(|line| line.total_cents).sum(),
        lines,
    }
}

pub(crate) fn credit_note(layout: u16) -> CreditNoteIssued {
    let invoice = invoice(layout);
    CreditNoteIssued {
        number: "CN-2017-000007".into(),
        layout,
        dated: day("2017-04-01"),
        invoice: invoice.number,
        invoice_dated: invoice.dated,
        reason: "ordered <twice> by mistake".into(),
        seller: invoice.seller,
        bill_to: invoice.bill_to,
        customer_id: invoice.customer_id,
        order_id: invoice.order_id,
        lines: invoice.lines,
        total_cents: invoice.total_cents,
    }
}

fn day(text: &str) -> Day {
    Day::of(format!("{text}T12:00:00Z").parse().unwrap())
}

/// More lines than a page has room for.
fn long_invoice(layout: u16) -> InvoiceIssued {
    let lines: Vec<_> = (1..=70).map(|n| line(&format!("{n:07}"), &format!("Product {n}"), n % 9 + 1, 99)).collect();
    let total_cents = lines.iter().map(|line| line.total_cents).sum();
    InvoiceIssued { lines, total_cents, ..invoice(layout) }
}

fn documents(layout: u16) -> [(&'static str, Document); 3] {
    [
        ("invoice", Document::Invoice(invoice(layout))),
        ("credit-note", Document::CreditNote(credit_note(layout))),
        ("long-invoice", Document::Invoice(long_invoice(layout))),
    ]
}

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

#[track_caller]
fn has_the_bytes_of(file: &Path, printed: &[u8]) {
    if !file.exists() && std::env::var_os("TRADEWIND_WRITE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, printed).unwrap();
    }
    let golden = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    if golden != printed {
        let other = std::env::temp_dir().join(file.file_name().unwrap());
        std::fs::write(&other, printed).unwrap();
        panic!("{} would be printed otherwise: as {}", file.display(), other.display());
    }
}

#[test]
fn every_layout_prints_what_it_has_always_printed() {
    for layout in ALL {
        for (name, document) in documents(layout) {
            let folder = golden_folder().join(format!("layout-{layout}"));
            has_the_bytes_of(&folder.join(format!("{name}.html")), html(&document).unwrap().as_bytes());
            has_the_bytes_of(&folder.join(format!("{name}.pdf")), &pdf(&document).unwrap());
        }
    }
}

#[test]
fn every_layout_has_golden_files_and_new_documents_get_one_that_has() {
    let mut folders: Vec<String> = std::fs::read_dir(golden_folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    assert_eq!(folders, ALL.map(|layout| format!("layout-{layout}")));
    assert!(ALL.contains(&CURRENT));
}

#[test]
fn what_is_recorded_is_read_back_and_prints_the_same() {
    let original = invoice(CURRENT);
    let read: InvoiceIssued = serde_json::from_slice(&serde_json::to_vec(&original).unwrap()).unwrap();
    assert_eq!(read, original);
    assert_eq!(html(&Document::Invoice(read)), html(&Document::Invoice(original)));
}

#[test]
fn what_a_customer_writes_stays_a_text() {
    let mut invoice = invoice(CURRENT);
    invoice.bill_to.name = "<script>alert('x')</script>".into();
    invoice.number = "\"} @import url(//evil); {".into();
    let page = html(&Document::Invoice(invoice)).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.contains("@import url") || page.contains("&quot;} @import"), "{page}");
    let style = &page[page.find("<style>").unwrap()..page.find("</style>").unwrap()];
    assert!(!style.contains("@import"), "{style}");
}

#[test]
fn a_page_needs_nothing_from_anywhere() {
    for (_, document) in documents(CURRENT) {
        let page = html(&document).unwrap();
        for word in ["http", "//", "src=", "href=", "url(", "<script"] {
            assert!(!page.contains(word), "{word} in {page}");
        }
    }
}

#[test]
fn a_document_of_a_later_layout_is_not_printed_in_another() {
    let later = Document::Invoice(invoice(9_999));
    let no = PrintError::NoSuchLayout { number: "INV-2017-000123".into(), layout: 9_999 };
    assert_eq!((html(&later), pdf(&later)), (Err(no.clone()), Err(no)));
}

#[test]
fn amounts_are_written_with_their_signs() {
    let all = [0, 5, 99, 100, 123_456, 100_000_000].map(money);
    assert_eq!(all, ["$0.00", "$0.05", "$0.99", "$1.00", "$1,234.56", "$1,000,000.00"]);
}
