//! The letters that the PDF is set in: DejaVu Sans, regular and bold, which is part of the program so that a page looks
//! the same wherever it is printed.

use ttf_parser::{Face, GlyphId};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// One letter of a text, as it is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Letter {
    /// The sign that it stands for.
    pub(super) sign: char,
    /// Its number in the font; 0 is the box that stands for what the font does not have.
    pub(super) glyph: u16,
    /// How wide it is, in thousandths of the font's size.
    pub(super) width: f32,
    /// How much nearer the next one comes, in the same measure.
    pub(super) kerning: f32,
}

/// One of the fonts.
pub(super) struct Typeface {
    pub(super) data: &'static [u8],
    pub(super) face: Face<'static>,
}

/// Both fonts.
pub(super) struct Typefaces {
    pub(super) regular: Typeface,
    pub(super) bold: Typeface,
}

impl Typefaces {
    /// Reads them.
    pub(super) fn load() -> Result<Self, ttf_parser::FaceParsingError> {
        let read = |data| Ok(Typeface { data, face: Face::parse(data, 0)? });
        Ok(Self { regular: read(dejavu::sans::regular())?, bold: read(dejavu::sans::bold())? })
    }

    pub(super) fn of(&self, weight: Weight) -> &Typeface {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }
}

impl Typeface {
    /// Font units as thousandths of the font's size.
    pub(super) fn thousandths(&self, units: f32) -> f32 {
        units * 1_000.0 / f32::from(self.face.units_per_em())
    }

    /// The text letter by letter.
    pub(super) fn set(&self, text: &str) -> Vec<Letter> {
        let glyphs: Vec<(char, GlyphId)> = text.chars().map(|sign| (sign, self.glyph(sign))).collect();
        let kerned =
            |index: usize, left: GlyphId| glyphs.get(index + 1).map_or(0.0, |(_, right)| self.kerning(left, *right));
        let letter = |(index, (sign, glyph)): (usize, &(char, GlyphId))| {
            let units = self.face.glyph_hor_advance(*glyph).unwrap_or_default();
            let (width, kerning) = (self.thousandths(f32::from(units)), kerned(index, *glyph));
            Letter { sign: *sign, glyph: glyph.0, width, kerning }
        };
        glyphs.iter().enumerate().map(letter).collect()
    }

    /// How wide a text is at a size, in points.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        self.set(text).iter().map(|letter| letter.width - letter.kerning).sum::<f32>() * size / 1_000.0
    }

    /// The text in lines of at most this width: broken between words, and within a word only where it would not fit
    /// on a line of its own.
    pub(super) fn lines(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        // A space that does not break is none between words.
        for word in text.split([' ', '\t', '\n']).filter(|word| !word.is_empty()) {
            for (index, piece) in self.pieces(word, size, width).into_iter().enumerate() {
                let Some(line) = lines.last_mut() else { break };
                let longer = if line.is_empty() { piece.clone() } else { format!("{line} {piece}") };
                if index == 0 && self.width(&longer, size) <= width {
                    *line = longer;
                } else if line.is_empty() {
                    *line = piece;
                } else {
                    lines.push(piece);
                }
            }
        }
        lines
    }

    /// A word in pieces that fit on a line each; mostly one.
    fn pieces(&self, word: &str, size: f32, width: f32) -> Vec<String> {
        let mut pieces = vec![String::new()];
        for sign in word.chars() {
            let Some(piece) = pieces.last_mut() else { break };
            piece.push(sign);
            if piece.chars().count() > 1 && self.width(piece, size) > width {
                piece.pop();
                pieces.push(sign.to_string());
            }
        }
        pieces
    }

    fn glyph(&self, sign: char) -> GlyphId {
        // What does not break looks like what does.
        let shown = match sign {
            '\u{a0}' => ' ',
            '\u{2011}' => '-',
            other => other,
        };
        self.face.glyph_index(shown).unwrap_or_default()
    }

    fn kerning(&self, left: GlyphId, right: GlyphId) -> f32 {
        let Some(kern) = self.face.tables().kern else { return 0.0 };
        let found = kern.subtables.into_iter().filter(|table| table.horizontal && !table.variable);
        let nearer = found.filter_map(|table| table.glyphs_kerning(left, right)).next().unwrap_or_default();
        -self.thousandths(f32::from(nearer))
    }
}
