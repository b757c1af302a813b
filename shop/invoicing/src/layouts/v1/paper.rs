//! The sheet laid out on pages of A4: what stands where. Measures are in millimetres from the top left corner, sizes of
//! letters in points.

use super::typeface::{Typefaces, Weight};
use super::{Sheet, address_lines, money};
use crate::events::InvoiceLine;

pub(super) const PAGE_WIDTH: f32 = 210.0;
pub(super) const PAGE_HEIGHT: f32 = 297.0;
const LEFT: f32 = 20.0;
const RIGHT: f32 = 190.0;
const TOP: f32 = 18.0;
const BOTTOM: f32 = 273.0;
const FOOT: f32 = 283.0;

/// Where the columns of the table begin or, for numbers, end.
const NUMBER: f32 = LEFT + 76.0;
const ITEM_WIDTH: f32 = 71.0;
const NUMBER_WIDTH: f32 = 20.0;
const QUANTITY: f32 = LEFT + 116.0;
const UNIT: f32 = LEFT + 142.0;

/// The facts beside the address.
const FACTS: f32 = LEFT + 73.0;
const FACT: f32 = FACTS + 28.0;

/// A colour: red, green, blue.
pub(super) type Colour = [u8; 3];
const INK: Colour = [0x16, 0x19, 0x1d];
const SOFT: Colour = [0x5a, 0x62, 0x6b];
const RULE: Colour = [0xc9, 0xce, 0xd4];
const ACCENT: Colour = [0x12, 0x50, 0x6b];

/// A page, and what stands on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Page {
    pub(super) texts: Vec<Text>,
    pub(super) rules: Vec<Rule>,
}

/// A text on one line; `x` and `y` are where its baseline begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) style: Style,
    pub(super) text: String,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    pub(super) weight: Weight,
    /// In points.
    pub(super) size: f32,
    pub(super) colour: Colour,
}

/// A horizontal line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rule {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) length: f32,
    pub(super) thickness: f32,
    pub(super) colour: Colour,
}

const fn style(weight: Weight, size: f32, colour: Colour) -> Style {
    Style { weight, size, colour }
}

const BODY: Style = style(Weight::Regular, 10.0, INK);
const SMALL: Style = style(Weight::Regular, 8.0, SOFT);
const LABEL: Style = style(Weight::Regular, 9.0, SOFT);
const VALUE: Style = style(Weight::Regular, 9.0, INK);
const ADDRESS: Style = style(Weight::Regular, 11.0, INK);
const HEADING: Style = style(Weight::Bold, 8.5, SOFT);
const PRODUCT_NUMBER: Style = style(Weight::Regular, 8.5, SOFT);
const TITLE: Style = style(Weight::Bold, 17.0, INK);
const SELLER: Style = style(Weight::Bold, 14.0, ACCENT);
const TOTAL: Style = style(Weight::Bold, 12.0, INK);

impl Style {
    /// From one line to the next, in millimetres.
    fn leading(self) -> f32 {
        millimetres(self.size * 1.45)
    }

    /// From the top of a line to its baseline.
    fn ascent(self) -> f32 {
        millimetres(self.size * 1.1)
    }
}

fn millimetres(points: f32) -> f32 {
    points * 25.4 / 72.0
}

fn points(millimetres: f32) -> f32 {
    millimetres * 72.0 / 25.4
}

/// The pages of a sheet.
pub(super) fn pages(sheet: &Sheet<'_>, faces: &Typefaces) -> Vec<Page> {
    let mut paper = Paper { faces, pages: vec![Page::default()], y: TOP };
    paper.parties(sheet);
    paper.line(LEFT, TITLE, &format!("{}\u{a0}{}", sheet.title, sheet.number));
    paper.y += 6.0;
    paper.table(sheet);
    paper.remarks(sheet);
    paper.feet(sheet);
    paper.pages
}

/// Pages under way: `y` is how far down the last one is filled.
struct Paper<'a> {
    faces: &'a Typefaces,
    pages: Vec<Page>,
    y: f32,
}

impl Paper<'_> {
    fn parties(&mut self, sheet: &Sheet<'_>) {
        let seller = address_lines(sheet.seller);
        let (name, address) = seller.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
        for line in self.wrapped(name, SELLER, 100.0) {
            self.line(LEFT, SELLER, &line);
        }
        let below_name = std::mem::replace(&mut self.y, TOP);
        for line in address {
            self.right(RIGHT, self.y, SMALL, line);
            self.y += SMALL.leading();
        }
        self.y = self.y.max(below_name) + 4.0;
        self.rule(self.y, 0.5, ACCENT);

        self.y += 14.0;
        let top = self.y;
        for line in address_lines(sheet.bill_to) {
            for line in self.wrapped(&line, ADDRESS, FACTS - LEFT - 6.0) {
                self.line(LEFT, ADDRESS, &line);
            }
        }
        let below_address = std::mem::replace(&mut self.y, top);
        for (label, value) in &sheet.facts {
            self.put(FACTS, self.y, LABEL, label);
            for line in self.wrapped(value, VALUE, RIGHT - FACT) {
                self.line(FACT, VALUE, &line);
            }
            self.y += 0.8;
        }
        self.y = self.y.max(below_address) + 14.0;
    }

    fn table(&mut self, sheet: &Sheet<'_>) {
        self.headings();
        let total_height = 3.0 + TOTAL.leading() + 2.0;
        for (index, line) in sheet.lines.iter().enumerate() {
            let name = self.wrapped(&line.name, BODY, ITEM_WIDTH);
            let number = self.wrapped(&line.product_id, PRODUCT_NUMBER, NUMBER_WIDTH);
            let height = 3.2 + BODY.leading() * name.len().max(number.len()) as f32;
            // The total is never alone on a page: its last line comes with it.
            let with = if index + 1 == sheet.lines.len() { total_height } else { 0.0 };
            if self.y + height + with > BOTTOM {
                self.next_page();
                self.headings();
            }
            self.row(line, &name, &number);
            self.y += height;
            self.rule(self.y, 0.2, RULE);
        }
        self.y += 3.0;
        self.right(UNIT, self.y, TOTAL, sheet.total_label);
        self.right(RIGHT, self.y, TOTAL, &money(sheet.total_cents));
        self.y += TOTAL.leading() + 2.0;
    }

    fn headings(&mut self) {
        self.put(LEFT, self.y, HEADING, "Item");
        self.put(NUMBER, self.y, HEADING, "No.");
        for (right, heading) in [(QUANTITY, "Quantity"), (UNIT, "Unit price"), (RIGHT, "Amount")] {
            self.right(right, self.y, HEADING, heading);
        }
        self.y += HEADING.leading() + 1.6;
        self.rule(self.y, 0.3, INK);
    }

    fn row(&mut self, line: &InvoiceLine, name: &[String], number: &[String]) {
        let top = self.y + 1.6;
        for (index, text) in name.iter().enumerate() {
            self.put(LEFT, top + BODY.leading() * index as f32, BODY, text);
        }
        for (index, text) in number.iter().enumerate() {
            self.put(NUMBER, top + 0.5 + BODY.leading() * index as f32, PRODUCT_NUMBER, text);
        }
        self.right(QUANTITY, top, BODY, &line.quantity.to_string());
        self.right(UNIT, top, BODY, &money(line.unit_price_cents));
        self.right(RIGHT, top, BODY, &money(line.total_cents));
    }

    fn remarks(&mut self, sheet: &Sheet<'_>) {
        self.y += 8.0;
        for remark in &sheet.remarks {
            let lines = self.wrapped(remark, BODY, 120.0);
            let height = BODY.leading() * lines.len() as f32;
            if self.y + height > BOTTOM && self.y > TOP {
                self.next_page();
            }
            for line in lines {
                self.line(LEFT, BODY, &line);
            }
            self.y += 2.0;
        }
    }

    /// Which document it is and which page, at the foot of each.
    fn feet(&mut self, sheet: &Sheet<'_>) {
        let count = self.pages.len();
        for index in 0..count {
            let (page, name) = (index + 1, format!("{} {}", sheet.title, sheet.number));
            let number = format!("Page {page} of {count}");
            let width = self.width(&number, SMALL);
            let texts = &mut self.pages[index].texts;
            texts.push(Text { x: LEFT, y: FOOT, style: SMALL, text: name });
            texts.push(Text { x: RIGHT - width, y: FOOT, style: SMALL, text: number });
        }
    }

    fn next_page(&mut self) {
        self.pages.push(Page::default());
        self.y = TOP;
    }

    fn wrapped(&self, text: &str, style: Style, width: f32) -> Vec<String> {
        self.faces.of(style.weight).lines(text, style.size, points(width))
    }

    fn width(&self, text: &str, style: Style) -> f32 {
        millimetres(self.faces.of(style.weight).width(text, style.size))
    }

    /// Puts a line of text, and goes on below it.
    fn line(&mut self, x: f32, style: Style, text: &str) {
        self.put(x, self.y, style, text);
        self.y += style.leading();
    }

    /// Puts a text whose line begins at `top`.
    fn put(&mut self, x: f32, top: f32, style: Style, text: &str) {
        let text = Text { x, y: top + style.ascent(), style, text: text.to_owned() };
        if let Some(page) = self.pages.last_mut() {
            page.texts.push(text);
        }
    }

    /// The same, but `right` is where it ends.
    fn right(&mut self, right: f32, top: f32, style: Style, text: &str) {
        self.put(right - self.width(text, style), top, style, text);
    }

    fn rule(&mut self, y: f32, thickness: f32, colour: Colour) {
        if let Some(page) = self.pages.last_mut() {
            page.rules.push(Rule { x: LEFT, y, length: RIGHT - LEFT, thickness, colour });
        }
    }
}
