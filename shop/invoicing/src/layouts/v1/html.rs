//! The sheet as a page of HTML: complete in itself, for a screen and for paper.

use std::fmt::{self, Display, Write};

use super::{Sheet, address_lines, money};
use crate::archive::Document;
use crate::events::InvoiceLine;

const STYLE: &str = include_str!("page.css");

/// The document as a page.
pub(in crate::layouts) fn html(document: &Document) -> String {
    let sheet = Sheet::of(document);
    let mut page = String::with_capacity(4_096 + 256 * sheet.lines.len());
    // Writing to a String does not fail.
    let _ = write_page(&mut page, &sheet);
    page
}

fn write_page(out: &mut String, sheet: &Sheet<'_>) -> fmt::Result {
    let (title, number) = (sheet.title, Text(sheet.number));
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    writeln!(out, "<title>{title} {number}</title>\n<style>\n{STYLE}{}</style>", Margins(sheet))?;
    writeln!(out, "</head>\n<body>\n<main>")?;
    write_parties(out, sheet)?;
    writeln!(out, "<h1>{title} <span>{number}</span></h1>")?;
    write_table(out, sheet)?;
    writeln!(out, "<div class=\"remarks\">")?;
    for remark in &sheet.remarks {
        writeln!(out, "<p>{}</p>", Text(remark))?;
    }
    writeln!(out, "</div>\n</main>\n</body>\n</html>")
}

fn write_parties(out: &mut String, sheet: &Sheet<'_>) -> fmt::Result {
    let seller = address_lines(sheet.seller);
    let (name, address) = seller.split_first().map_or(("", &[][..]), |(name, address)| (name.as_str(), address));
    let address: Vec<String> = address.iter().map(|line| Text(line).to_string()).collect();
    writeln!(
        out,
        "<header class=\"seller\"><strong>{}</strong><span>{}</span></header>",
        Text(name),
        address.join("<br>")
    )?;
    let to: Vec<String> = address_lines(sheet.bill_to).iter().map(|line| Text(line).to_string()).collect();
    writeln!(out, "<div class=\"head\">\n<address>{}</address>\n<dl class=\"facts\">", to.join("<br>"))?;
    for (label, value) in &sheet.facts {
        writeln!(out, "<dt>{label}</dt><dd>{}</dd>", Text(value))?;
    }
    writeln!(out, "</dl>\n</div>")
}

fn write_table(out: &mut String, sheet: &Sheet<'_>) -> fmt::Result {
    writeln!(out, "<table>\n<thead><tr><th scope=\"col\">Item</th><th scope=\"col\" class=\"id\">No.</th>")?;
    for heading in ["Quantity", "Unit price", "Amount"] {
        writeln!(out, "<th scope=\"col\" class=\"n\">{heading}</th>")?;
    }
    writeln!(out, "</tr></thead>\n<tbody class=\"lines\">")?;
    for InvoiceLine { product_id, name, quantity, unit_price_cents, total_cents } in sheet.lines {
        let (unit, total) = (money(*unit_price_cents), money(*total_cents));
        writeln!(out, "<tr><td>{}</td><td class=\"id\">{}</td>", Text(name), Text(product_id))?;
        writeln!(out, "<td class=\"n\">{quantity}</td><td class=\"n\">{unit}</td><td class=\"n\">{total}</td></tr>")?;
    }
    // A body, not a foot: the foot of a table is printed on every page.
    let (label, total) = (sheet.total_label, money(sheet.total_cents));
    writeln!(out, "</tbody>\n<tbody class=\"sum\"><tr><td></td><td class=\"id\"></td>")?;
    writeln!(out, "<th scope=\"row\" colspan=\"2\">{label}</th><td class=\"n\">{total}</td></tr></tbody>\n</table>")
}

/// The margins of the paper, in which the browser writes which document it is and which page.
struct Margins<'a>(&'a Sheet<'a>);

impl Display for Margins<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sheet { title, number, .. } = self.0;
        // Numbers are letters, digits and dashes; anything else would end the string.
        let number: String = number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        let font = "font: 8pt \"Helvetica Neue\", Helvetica, Arial, \"Liberation Sans\", sans-serif; color: #5a626b";
        writeln!(f, "@page {{ size: A4; margin: 18mm 20mm 24mm;")?;
        writeln!(f, "  @bottom-left {{ content: \"{title} {number}\"; {font} }}")?;
        writeln!(f, "  @bottom-right {{ content: \"Page \" counter(page) \" of \" counter(pages); {font} }} }}")
    }
}

/// A text that is only a text, whatever is in it.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
