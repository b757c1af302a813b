//! What the source shouts, as people read it. The rules are those of `shop/sample/make.py`, so that the whole year and
//! the sample tell of the same products in the same words.

/// The source cuts its texts off after so many characters.
const SHOUTED_MAX: usize = 30;

/// Abbreviations that are clear to whoever shelves the goods and to nobody else.
const WORDS: [(&str, &str); 53] = [
    ("Bbq", "BBQ"),
    ("Bkd", "Baked"),
    ("Brd", "Bread"),
    ("Brkfst", "Breakfast"),
    ("Btl", "Bottle"),
    ("Btr", "Butter"),
    ("Catfd", "Cat Food"),
    ("Choc", "Chocolate"),
    ("Cnd", "Canned"),
    ("Cndles", "Candles"),
    ("Cntrl", "Control"),
    ("Crbntd", "Carbonated"),
    ("Crmd", "Creamed"),
    ("Crnbry", "Cranberry"),
    ("Dnrs", "Dinners"),
    ("Dogfd", "Dog Food"),
    ("Drnk", "Drink"),
    ("Drnking", "Drinking"),
    ("Drnks", "Drinks"),
    ("Fd", "Food"),
    ("Flvr", "Flavor"),
    ("Flvrd", "Flavored"),
    ("Frd", "Fried"),
    ("Frz", "Frozen"),
    ("Frzn", "Frozen"),
    ("Gds", "Goods"),
    ("Grnd", "Ground"),
    ("Hygn", "Hygiene"),
    ("Mlk", "Milk"),
    ("Mneral", "Mineral"),
    ("Mxs", "Mixes"),
    ("Ntrtnl", "Nutritional"),
    ("Pickld", "Pickled"),
    ("Pkgd", "Packaged"),
    ("Plstc", "Plastic"),
    ("Pnch", "Punch"),
    ("Pnt", "Peanut"),
    ("Pwdrs", "Powders"),
    ("Refrgratd", "Refrigerated"),
    ("Sft", "Soft"),
    ("Sgl", "Single"),
    ("Sherbts", "Sherbets"),
    ("Shlfsh", "Shellfish"),
    ("Shrts", "Sherbets"),
    ("Sngl", "Single"),
    ("Srv", "Serve"),
    ("Ss", "Single-Serve"),
    ("Sup", "Supplies"),
    ("Sv", "Serve"),
    ("Sw", "Sweet"),
    ("Veg", "Vegetable"),
    ("Wate", "Water"),
    ("Whl", "Whole"),
];

const DEPARTMENTS: [(&str, &str); 3] = [
    ("DRUG GM", "Drugs & General Merchandise"),
    ("MEAT-PCKGD", "Packaged Meat"),
    ("SEAFOOD-PCKGD", "Packaged Seafood"),
];

/// A department, as people call it.
pub(super) fn department(shouted: &str) -> String {
    let named = DEPARTMENTS.iter().find(|(code, _)| *code == shouted);
    named.map_or_else(|| phrase(shouted), |(_, name)| (*name).to_owned())
}

/// `FRZN SS PREMIUM ENTREES/DNRS/N` becomes `Frozen Single-Serve Premium Entrees/Dinners`: capitals at the start of
/// each word only, the commonest abbreviations written out, and what the source cut off left out, where that shows: a
/// bracket that does not close, a last letter on its own.
pub(super) fn phrase(shouted: &str) -> String {
    let mut text = spaced(without_last_letter(shouted));
    let count = |sign: char| text.matches(sign).count();
    if count('(') > count(')')
        && let Some(open) = text.rfind('(')
    {
        text.truncate(text[..open].trim_end().len());
    }
    let is_word = |c: char| c.is_ascii_alphabetic() || c == '\'';
    let capitalised = for_each_run(&text, is_word, |word| {
        let mut lower = word.to_ascii_lowercase();
        lower[..1].make_ascii_uppercase();
        lower
    });
    for_each_run(
        &capitalised,
        |c| c.is_ascii_alphabetic(),
        |word| {
            let known = WORDS.iter().find(|(short, _)| *short == word);
            known.map_or(word, |(_, long)| long).to_owned()
        },
    )
}

/// `EX   16 OZ` becomes `16 oz`, `1 GA` becomes `1 gal`, `.29 OZ` becomes `0.29 oz`.
pub(super) fn size(shouted: &str) -> String {
    let text = spaced(shouted).to_lowercase();
    let is_amount = |rest: &&str| rest.starts_with(|c: char| c.is_numeric() || c == '.');
    let bare = ["ex ", "pk "].iter().find_map(|word| text.strip_prefix(word)).filter(is_amount).unwrap_or(&text);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let whole = for_each_run(bare, is_word, |word| if word == "ga" { "gal" } else { word }.to_owned());
    let mut size = String::with_capacity(whole.len() + 1);
    let mut before = ' ';
    let mut signs = whole.chars().peekable();
    while let Some(sign) = signs.next() {
        if sign == '.' && !before.is_numeric() && signs.peek().is_some_and(|next| next.is_numeric()) {
            size.push('0');
        }
        size.push(sign);
        before = sign;
    }
    size.replace("sq ft", "sq. ft")
}

/// What a product is called: its narrower kind, or else its wider one, or else its department; with its size.
pub(super) fn product(kind: &str, category: &str, department: &str, size: &str) -> String {
    let name = match (kind, category) {
        ("", "") => format!("{department} item"),
        ("", category) => category.to_owned(),
        (kind, _) => kind.to_owned(),
    };
    if size.is_empty() { name } else { format!("{name}, {size}") }
}

/// Without the first letter of a word that the source has cut off behind it.
fn without_last_letter(shouted: &str) -> &str {
    if shouted.chars().count() != SHOUTED_MAX {
        return shouted;
    }
    let rest = shouted.strip_suffix(|c: char| c.is_ascii_uppercase());
    rest.and_then(|rest| rest.strip_suffix(['/', ' '])).unwrap_or(shouted)
}

fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text, with each longest run of characters that belong together changed.
fn for_each_run(text: &str, belongs: impl Fn(char) -> bool, change: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside = belongs(first);
        let end = rest.find(|c: char| belongs(c) != inside).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(end);
        if inside {
            out.push_str(&change(run));
        } else {
            out.push_str(run);
        }
        rest = behind;
    }
    out
}

#[cfg(test)]
mod tests;
