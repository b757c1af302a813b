use super::paper::{PAGE_HEIGHT, PAGE_WIDTH, Page, pages};
use super::typeface::{Typefaces, Weight};
use super::*;
use crate::layouts::tests::{invoice, line};

fn laid_out(invoice: crate::events::InvoiceIssued) -> Vec<Page> {
    let document = Document::Invoice(invoice);
    pages(&Sheet::of(&document), &Typefaces::load().unwrap())
}

#[test]
fn nothing_stands_beyond_the_margins_whatever_it_is_called() {
    let faces = Typefaces::load().unwrap();
    let endless = "Pneumonoultramicroscopicsilicovolcanoconiosis".repeat(4);
    let mut awkward = invoice(1);
    awkward.bill_to.name = "M".repeat(100);
    awkward.bill_to.street = "several words, ".repeat(8);
    awkward.seller.name = "W".repeat(100);
    awkward.customer_id = endless.clone();
    awkward.lines = vec![line(&endless, &endless, 999, 100_000_000), line("1", "漢字とかな", 1, 1)];
    awkward.total_cents = awkward.lines.iter().map(|line| line.total_cents).sum();
    for page in laid_out(awkward) {
        for text in page.texts {
            let end = text.x + faces.of(text.style.weight).width(&text.text, text.style.size) * 25.4 / 72.0;
            assert!(text.x >= 19.9 && end <= PAGE_WIDTH - 19.9, "{text:?} ends at {end}");
            assert!(text.y > 18.0 && text.y < PAGE_HEIGHT - 10.0, "{text:?}");
        }
    }
}

#[test]
fn the_total_is_never_alone_on_a_page() {
    for count in 1..=80 {
        let lines: Vec<_> = (0..count).map(|n| line(&n.to_string(), "Milk", 1, 100)).collect();
        let laid_out = laid_out(crate::events::InvoiceIssued { lines, ..invoice(1) });
        let page = laid_out.iter().find(|page| page.texts.iter().any(|text| text.text == "Total")).unwrap();
        assert!(page.texts.iter().any(|text| text.text == "Milk"), "of {count} lines");
        let printed = laid_out.iter().flat_map(|page| &page.texts).filter(|text| text.text == "Milk").count();
        assert_eq!(printed, count);
    }
}

#[test]
fn lines_break_between_words_and_keep_together_what_belongs_together() {
    let faces = Typefaces::load().unwrap();
    let face = faces.of(Weight::Regular);
    let width = face.width("March 31, 2017 x", 10.0);
    assert_eq!(
        face.lines("of March\u{a0}31,\u{a0}2017 or so", 10.0, width),
        ["of", "March\u{a0}31,\u{a0}2017", "or so"]
    );
    assert_eq!(face.lines("  ", 10.0, width), [""]);
    let broken = face.lines(&"m".repeat(40), 10.0, width);
    assert!(broken.len() > 1 && broken.concat() == "m".repeat(40), "{broken:?}");
}

#[test]
fn letters_that_belong_nearer_stand_nearer() {
    let faces = Typefaces::load().unwrap();
    let face = faces.of(Weight::Bold);
    assert!(face.width("AV", 10.0) < face.width("A", 10.0) + face.width("V", 10.0));
    let digits: Vec<f32> = "0123456789".chars().map(|digit| face.width(&digit.to_string(), 10.0)).collect();
    assert!(digits.windows(2).all(|pair| pair[0] == pair[1]), "columns of numbers stand in line");
}
