//! One schema, before and now: whether all that it takes on one side is taken on the other.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Change;
use crate::openapi::document::Document;
use crate::openapi::schema::{TooManyWays, Types, Way, ways};

/// Which side of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// What was sent before must be taken now.
    Request,
    /// What comes now must have been possible before.
    Response,
}

/// Pairs of ways that are compared for one schema.
const PAIRS_MAX: usize = 20_000;

/// Alternatives of what a value can be, of each of which all hold.
type Alternatives<'d> = Vec<Vec<&'d Value>>;

/// Whether what is `narrow` is taken by what is `wide`.
pub(super) struct Comparison<'c, 'd> {
    side: Side,
    narrow: (&'d Document, Option<&'d Value>),
    wide: (&'d Document, Option<&'d Value>),
    changes: &'c mut Vec<Change>,
    /// Those that are being compared: what contains itself says nothing more.
    under_way: Vec<(Vec<*const Value>, Vec<*const Value>)>,
    pairs: usize,
}

/// There are more pairs than anybody would wait for, or more ways.
struct Unwieldy;

impl From<TooManyWays> for Unwieldy {
    fn from(_: TooManyWays) -> Self {
        Self
    }
}

type Compared = Result<Vec<Change>, Unwieldy>;

impl<'c, 'd> Comparison<'c, 'd> {
    pub(super) fn of(
        side: Side,
        old: (&'d Document, Option<&'d Value>),
        new: (&'d Document, Option<&'d Value>),
        changes: &'c mut Vec<Change>,
    ) -> Self {
        let (narrow, wide) = match side {
            Side::Request => (old, new),
            Side::Response => (new, old),
        };
        Self { side, narrow, wide, changes, under_way: Vec::new(), pairs: 0 }
    }

    pub(super) fn run(mut self, at: &str) {
        let (narrow, wide) = (self.narrow.1.into_iter().collect(), self.wide.1.into_iter().collect());
        let told = self.alternatives(&vec![narrow], &vec![wide], &format!("{at}, "));
        let told = told.unwrap_or_else(|Unwieldy| {
            let what = "its schemas have too many alternatives to be compared".to_owned();
            vec![Change { at: at.to_owned(), what, kind: "schema-not-compared" }]
        });
        let trimmed =
            told.into_iter().map(|change| Change { at: change.at.trim_end_matches(", ").to_owned(), ..change });
        self.changes.extend(trimmed);
    }

    fn change(&self, at: &str, kinds: (&'static str, &'static str), what: impl Into<String>) -> Change {
        let kind = if self.side == Side::Request { kinds.0 } else { kinds.1 };
        Change { at: at.to_owned(), what: what.into(), kind }
    }

    fn alternatives(&mut self, narrow: &Alternatives<'d>, wide: &Alternatives<'d>, at: &str) -> Compared {
        let pointers = |alternatives: &Alternatives<'d>| -> Vec<*const Value> {
            alternatives.iter().flatten().map(|schema| std::ptr::from_ref(*schema)).collect()
        };
        let pair = (pointers(narrow), pointers(wide));
        if self.under_way.contains(&pair) {
            return Ok(Vec::new());
        }
        self.under_way.push(pair);
        let told = self.all_ways(narrow, wide, at);
        self.under_way.pop();
        told
    }

    fn all_ways(&mut self, narrow: &Alternatives<'d>, wide: &Alternatives<'d>, at: &str) -> Compared {
        let of = |document: &'d Document, alternatives: &Alternatives<'d>| -> Result<Vec<Way<'d>>, TooManyWays> {
            let mut all = Vec::new();
            for schemas in alternatives {
                all.extend(ways(document, schemas)?);
            }
            Ok(all)
        };
        let (narrow, wide) = (of(self.narrow.0, narrow)?, of(self.wide.0, wide)?);
        let (mut told, mut unknown) = (Vec::new(), Types::NONE);
        for way in &narrow {
            for kind in Types::each().filter(|kind| way.types().has(*kind)) {
                let mut best: Option<Vec<Change>> = None;
                for other in wide.iter().filter(|other| other.types().has(kind)) {
                    let changes = self.pair(way, other, kind, at)?;
                    if best.as_ref().is_none_or(|best| changes.len() < best.len()) {
                        best = Some(changes);
                    }
                    if best.as_ref().is_some_and(Vec::is_empty) {
                        break;
                    }
                }
                match best {
                    Some(changes) => told.extend(changes),
                    None => unknown = unknown.or(kind),
                }
            }
        }
        told.extend(self.types(unknown, &wide, at));
        Ok(told)
    }

    /// Values of a type that are not taken at all.
    fn types(&self, unknown: Types, wide: &[Way<'d>], at: &str) -> Option<Change> {
        let taken = wide.iter().map(Way::types).fold(Types::NONE, Types::or);
        if unknown.is_none() {
            return None;
        }
        if unknown == Types::NULL && !taken.is_none() {
            let kinds = ("request-became-not-nullable", "response-became-nullable");
            let what = if self.side == Side::Request { "null is not taken any more" } else { "it can be null now" };
            return Some(self.change(at, kinds, what));
        }
        let what = match self.side {
            Side::Request => format!("{unknown} is not taken any more, only {taken}"),
            Side::Response => format!("it can be {unknown} now, and was {taken}"),
        };
        Some(self.change(at, ("request-type-changed", "response-type-changed"), what))
    }

    /// What the one way takes of a type, and the other does not.
    fn pair(&mut self, narrow: &Way<'d>, wide: &Way<'d>, kind: Types, at: &str) -> Compared {
        self.pairs += 1;
        if self.pairs > PAIRS_MAX {
            return Err(Unwieldy);
        }
        let mut told = self.values(narrow, wide, kind, at);
        told.extend(self.bounds(narrow, wide, kind, at));
        if kind == Types::OBJECT {
            told.extend(self.members(narrow, wide, at)?);
        }
        if kind == Types::ARRAY && wide.0.iter().any(|schema| schema.contains_key("items")) {
            told.extend(self.alternatives(&narrow.elements(), &wide.elements(), &format!("{at}[]"))?);
        }
        Ok(told)
    }

    /// `enum` and `const`.
    fn values(&self, narrow: &Way<'d>, wide: &Way<'d>, kind: Types, at: &str) -> Vec<Change> {
        let Some(taken) = values(wide) else { return Vec::new() };
        let Some(there) = values(narrow) else {
            // Null is one value, and its type says all of it.
            if kind == Types::NULL {
                return Vec::new();
            }
            let (what, kinds) = match self.side {
                Side::Request => ("only some values are taken any more", ("request-became-enum", "")),
                Side::Response => ("it can be any value now", ("", "response-enum-given-up")),
            };
            return vec![self.change(at, kinds, what)];
        };
        let unknown = there.into_iter().filter(|value| Types::of_value(value).has(kind) && !taken.contains(value));
        let told = unknown.map(|value| {
            let (what, kinds) = match self.side {
                Side::Request => (format!("{value} is not taken any more"), ("request-enum-value-removed", "")),
                Side::Response => (format!("it can be {value} now"), ("", "response-enum-value-added")),
            };
            self.change(at, kinds, what)
        });
        told.collect()
    }

    /// Bounds, and words that are compared as they stand.
    fn bounds(&self, narrow: &Way<'d>, wide: &Way<'d>, kind: Types, at: &str) -> Vec<Change> {
        let mut told = Vec::new();
        for (of, word, is_lower) in BOUNDS {
            if !of.has(kind) {
                continue;
            }
            let (Some(bound), there) = (bound(wide, word, is_lower), bound(narrow, word, is_lower)) else { continue };
            let within = there.is_some_and(|there| if is_lower { there >= bound } else { there <= bound });
            // What is one of some values is within whatever bounds these are in.
            let values = values(narrow).filter(|_| there.is_none());
            let by_values = values.is_some_and(|values| {
                values
                    .iter()
                    .all(|value| measure(value, word).is_none_or(|it| if is_lower { it >= bound } else { it <= bound }))
            });
            if within || by_values {
                continue;
            }
            let is = there.map_or_else(|| "none".to_owned(), |there| there.to_string());
            let (what, kinds) = match (self.side, is_lower) {
                (Side::Request, true) => {
                    (format!("{word} was {is}, and is {bound} now"), ("request-lower-bound-increased", ""))
                }
                (Side::Request, false) => {
                    (format!("{word} was {is}, and is {bound} now"), ("request-upper-bound-decreased", ""))
                }
                (Side::Response, true) => {
                    (format!("{word} was {bound}, and is {is} now"), ("", "response-lower-bound-decreased"))
                }
                (Side::Response, false) => {
                    (format!("{word} was {bound}, and is {is} now"), ("", "response-upper-bound-increased"))
                }
            };
            told.push(self.change(at, kinds, what));
        }
        for (of, word) in WORDS {
            let said = |way: &Way<'d>| way.0.iter().filter_map(|schema| schema.get(*word)).next();
            let (Some(wanted), there) = (said(wide).filter(|_| of.has(kind)), said(narrow)) else { continue };
            if Some(wanted) == there || *wanted == false || values(narrow).is_some() {
                continue;
            }
            let is = there.map_or_else(|| "none".to_owned(), Value::to_string);
            let (what, kinds) = match self.side {
                Side::Request => (format!("{word} was {is}, and is {wanted} now"), ("request-constraint-added", "")),
                Side::Response => {
                    (format!("{word} was {wanted}, and is {is} now"), ("", "response-constraint-given-up"))
                }
            };
            told.push(self.change(at, kinds, what));
        }
        told
    }

    fn members(&mut self, narrow: &Way<'d>, wide: &Way<'d>, at: &str) -> Compared {
        let mut told = Vec::new();
        let names: BTreeSet<&str> = narrow.members().chain(wide.members()).chain(wide.required()).collect();
        for name in names {
            let place = format!("{at}.{name}");
            let known = |way: &Way<'d>| way.members().any(|its| its == name);
            if wide.requires(name) && !narrow.requires(name) {
                told.push(match (self.side, known(narrow)) {
                    (Side::Request, true) => {
                        self.change(&place, ("request-property-became-required", ""), "it must be there now")
                    }
                    (Side::Request, false) => {
                        self.change(&place, ("new-required-request-property", ""), "it must be there now")
                    }
                    (Side::Response, true) => {
                        self.change(&place, ("", "response-property-became-optional"), "it may be missing now")
                    }
                    (Side::Response, false) => {
                        self.change(&place, ("", "response-required-property-removed"), "it is there no more")
                    }
                });
            }
            match (narrow.member(name), wide.member(name)) {
                (Some(narrow), Some(wide)) => told.extend(self.alternatives(&vec![narrow], &vec![wide], &place)?),
                (Some(_), None) if self.side == Side::Request => {
                    told.push(self.change(&place, ("request-property-removed", ""), "it is not known any more"));
                }
                _ => {}
            }
        }
        match (others(narrow), others(wide)) {
            // What takes anything takes it, and of nothing there is nothing to take.
            (None, _) => {}
            (_, Some(wide)) if wide.is_empty() => {}
            (Some(_), None) => {
                let (what, kinds) = match self.side {
                    Side::Request => {
                        ("members of other names are not taken any more", ("request-other-properties-refused", ""))
                    }
                    Side::Response => {
                        ("it can have members of other names now", ("", "response-other-properties-added"))
                    }
                };
                told.push(self.change(&format!("{at}.*"), kinds, what));
            }
            (Some(narrow), Some(wide)) => {
                told.extend(self.alternatives(&vec![narrow], &vec![wide], &format!("{at}.*"))?);
            }
        }
        Ok(told)
    }
}

/// What members can be that are not named: all of these hold, so anything, if there are none. Nothing, if there can be no
/// such members.
fn others<'d>(way: &Way<'d>) -> Option<Vec<&'d Value>> {
    let words = ["additionalProperties", "unevaluatedProperties"];
    let said = way.0.iter().flat_map(|schema| words.iter().filter_map(|word| schema.get(*word)));
    let mut schemas = Vec::new();
    for schema in said {
        match schema {
            Value::Bool(false) => return None,
            Value::Object(_) => schemas.push(schema),
            _ => {}
        }
    }
    Some(schemas)
}

/// Bounds by the type that they are of, and whether they are lower ones.
const BOUNDS: [(Types, &str, bool); 10] = [
    (Types::NUMBER, "minimum", true),
    (Types::NUMBER, "maximum", false),
    (Types::NUMBER, "exclusiveMinimum", true),
    (Types::NUMBER, "exclusiveMaximum", false),
    (Types::STRING, "minLength", true),
    (Types::STRING, "maxLength", false),
    (Types::ARRAY, "minItems", true),
    (Types::ARRAY, "maxItems", false),
    (Types::OBJECT, "minProperties", true),
    (Types::OBJECT, "maxProperties", false),
];

/// Words that say what cannot be compared otherwise than as they stand.
const WORDS: &[(Types, &str)] = &[
    (Types::STRING, "pattern"),
    (Types::STRING, "format"),
    (Types::STRING, "contentEncoding"),
    (Types::NUMBER, "multipleOf"),
    (Types::ARRAY, "uniqueItems"),
];

/// The tightest bound of a way.
fn bound(way: &Way<'_>, word: &str, is_lower: bool) -> Option<f64> {
    let bounds = way.0.iter().filter_map(|schema| schema.get(word)?.as_f64());
    // A lower bound of nothing is none.
    let bounds = bounds.filter(|bound| !(is_lower && word.starts_with("min") && word != "minimum" && *bound == 0.0));
    bounds.reduce(if is_lower { f64::max } else { f64::min })
}

/// A value, as a bound measures it.
fn measure(value: &Value, word: &str) -> Option<f64> {
    match (value, word) {
        (Value::Number(number), "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum") => number.as_f64(),
        (Value::String(text), "minLength" | "maxLength") => Some(text.chars().count() as f64),
        _ => None,
    }
}

/// The values that there are, if they are told.
fn values<'d>(way: &Way<'d>) -> Option<Vec<&'d Value>> {
    let said = |schema: &&'d Map<String, Value>| -> Option<Vec<&'d Value>> {
        let all = schema.get("enum").and_then(Value::as_array).map(|all| all.iter().collect());
        all.or_else(|| schema.get("const").map(|one| vec![one]))
    };
    let mut lists = way.0.iter().filter_map(said);
    let first = lists.next()?;
    Some(lists.fold(first, |known, list| known.into_iter().filter(|value| list.contains(value)).collect()))
}
