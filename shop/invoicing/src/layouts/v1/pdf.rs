//! The pages as a PDF. It has no date of its own and nothing by chance in it; the letters that it needs are in it.

use std::collections::BTreeMap;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use subsetter::GlyphRemapper;

use super::Sheet;
use super::paper::{Colour, PAGE_HEIGHT, PAGE_WIDTH, Page, Text, pages};
use super::typeface::{Typeface, Typefaces, Weight};
use crate::archive::Document;

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const INFO: Ref = Ref::new(3);
/// Where the objects of the fonts begin, five for each; those of the pages follow, two for each.
const FONTS: i32 = 4;
const OF_A_FONT: i32 = 5;
const PAGE_OBJECTS: i32 = FONTS + 2 * OF_A_FONT;

const SYSTEM: SystemInfo<'_> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The document as a PDF; the text says what is wrong with a font, which can only be if the program is.
pub(in crate::layouts) fn pdf(document: &Document) -> Result<Vec<u8>, String> {
    let sheet = Sheet::of(document);
    let faces = Typefaces::load().map_err(|error| error.to_string())?;
    let pages = pages(&sheet, &faces);
    let mut fonts = [
        Embedded::new(&faces.regular, Name(b"R"), Name(b"TWSHOP+DejaVuSans"), FONTS),
        Embedded::new(&faces.bold, Name(b"B"), Name(b"TWSHOP+DejaVuSans-Bold"), FONTS + OF_A_FONT),
    ];
    let contents: Vec<Vec<u8>> = pages.iter().map(|page| content(page, &mut fonts)).collect();

    let mut pdf = Pdf::new();
    let mut catalog = pdf.catalog(CATALOG);
    catalog.pages(PAGES).lang(TextStr("en"));
    catalog.viewer_preferences().display_doc_title(true);
    catalog.finish();
    let title = format!("{} {}", sheet.title, sheet.number);
    pdf.document_info(INFO).title(TextStr(&title)).author(TextStr(&sheet.seller.name));
    for font in &fonts {
        font.write(&mut pdf)?;
    }
    write_pages(&mut pdf, &contents, &fonts);
    Ok(pdf.finish())
}

fn write_pages(pdf: &mut Pdf, contents: &[Vec<u8>], fonts: &[Embedded<'_>; 2]) {
    let ids = (PAGE_OBJECTS..).step_by(2).take(contents.len());
    pdf.pages(PAGES).kids(ids.clone().map(Ref::new)).count(contents.len() as i32);
    for (id, content) in ids.zip(contents) {
        let mut page = pdf.page(Ref::new(id));
        page.parent(PAGES).media_box(Rect::new(0.0, 0.0, points(PAGE_WIDTH), points(PAGE_HEIGHT)));
        page.contents(Ref::new(id + 1));
        let mut resources = page.resources();
        let mut known = resources.fonts();
        for font in fonts {
            known.pair(font.name, Ref::new(font.first_id));
        }
        known.finish();
        resources.finish();
        page.finish();
        pdf.stream(Ref::new(id + 1), content);
    }
}

/// Millimetres as points, in hundredths: finer is nothing that a printer shows.
fn points(millimetres: f32) -> f32 {
    (millimetres * 7_200.0 / 25.4).round() / 100.0
}

fn channels(colour: Colour) -> [f32; 3] {
    colour.map(|channel| (f32::from(channel) / 2.55).round() / 100.0)
}

/// What draws a page.
fn content(page: &Page, fonts: &mut [Embedded<'_>; 2]) -> Vec<u8> {
    let mut content = Content::new();
    for rule in &page.rules {
        let ([r, g, b], y) = (channels(rule.colour), points(PAGE_HEIGHT - rule.y));
        content.set_line_width(points(rule.thickness)).set_stroke_rgb(r, g, b);
        content.move_to(points(rule.x), y).line_to(points(rule.x + rule.length), y).stroke();
    }
    content.begin_text();
    for text in &page.texts {
        show(&mut content, text, fonts);
    }
    content.end_text();
    content.finish().into_vec()
}

fn show(content: &mut Content, text: &Text, [regular, bold]: &mut [Embedded<'_>; 2]) {
    let font = match text.style.weight {
        Weight::Regular => regular,
        Weight::Bold => bold,
    };
    let [r, g, b] = channels(text.style.colour);
    content.set_font(font.name, text.style.size).set_fill_rgb(r, g, b);
    content.set_text_matrix([1.0, 0.0, 0.0, 1.0, points(text.x), points(PAGE_HEIGHT - text.y)]);
    let mut shown = content.show_positioned();
    let mut items = shown.items();
    let mut run = Vec::new();
    for letter in font.typeface.set(&text.text) {
        run.extend_from_slice(&font.used(letter.glyph, letter.sign, letter.width).to_be_bytes());
        if letter.kerning != 0.0 {
            items.show(Str(&run)).adjust(letter.kerning.round());
            run.clear();
        }
    }
    if !run.is_empty() {
        items.show(Str(&run));
    }
}

/// A font with the letters of it that are used.
struct Embedded<'a> {
    typeface: &'a Typeface,
    name: Name<'static>,
    base_name: Name<'static>,
    first_id: i32,
    remapper: GlyphRemapper,
    /// By its number in here, which sign a letter stands for, and how wide it is.
    letters: BTreeMap<u16, (char, f32)>,
}

impl<'a> Embedded<'a> {
    fn new(typeface: &'a Typeface, name: Name<'static>, base_name: Name<'static>, first_id: i32) -> Self {
        Self { typeface, name, base_name, first_id, remapper: GlyphRemapper::new(), letters: BTreeMap::new() }
    }

    /// The number of a letter in the font as it is embedded.
    fn used(&mut self, glyph: u16, sign: char, width: f32) -> u16 {
        let number = self.remapper.remap(glyph);
        self.letters.entry(number).or_insert((sign, width.round()));
        number
    }

    fn write(&self, pdf: &mut Pdf) -> Result<(), String> {
        let [font, cid, descriptor, cmap, file] = [0, 1, 2, 3, 4].map(|n| Ref::new(self.first_id + n));
        let mut type0 = pdf.type0_font(font);
        type0.base_font(self.base_name).encoding_predefined(Name(b"Identity-H"));
        type0.descendant_font(cid).to_unicode(cmap);
        type0.finish();

        let mut cid_font = pdf.cid_font(cid);
        cid_font.subtype(CidFontType::Type2).base_font(self.base_name).system_info(SYSTEM);
        cid_font.font_descriptor(descriptor).default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = cid_font.widths();
        for (number, (_, width)) in &self.letters {
            widths.same(*number, *number, *width);
        }
        widths.finish();
        cid_font.finish();

        let (face, measure) = (&self.typeface.face, |units: i16| self.typeface.thousandths(f32::from(units)).round());
        let bounds = face.global_bounding_box();
        pdf.font_descriptor(descriptor)
            .name(self.base_name)
            .flags(FontFlags::NON_SYMBOLIC)
            .bbox(Rect::new(measure(bounds.x_min), measure(bounds.y_min), measure(bounds.x_max), measure(bounds.y_max)))
            .italic_angle(0.0)
            .ascent(measure(face.ascender()))
            .descent(measure(face.descender()))
            .cap_height(measure(face.capital_height().unwrap_or_default()))
            .stem_v(if face.is_bold() { 140.0 } else { 88.0 })
            .font_file2(file);

        let mut signs = UnicodeCmap::new(Name(b"Letters"), SYSTEM);
        for (number, (sign, _)) in &self.letters {
            signs.pair(*number, *sign);
        }
        pdf.cmap(cmap, &signs.finish().into_vec());
        let subset = subsetter::subset(self.typeface.data, 0, &self.remapper).map_err(|error| error.to_string())?;
        let mut stream = pdf.stream(file, &subset);
        stream.pair(Name(b"Length1"), i32::try_from(subset.len()).unwrap_or(i32::MAX));
        stream.finish();
        Ok(())
    }
}
