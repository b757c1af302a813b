//! Reading one table of the manifest: every key is asked for by name, and what nobody asked for is an error.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

mod each;
mod problems;
mod values;

pub(crate) use problems::Problems;
use values::{TIME_SPAN_MAX, kind, parse_duration, parse_size, to_json};

/// A table under a name by which messages call it.
pub(crate) struct Section<'a> {
    name: String,
    table: &'a DeTable<'a>,
    span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
    problems: &'a Problems<'a>,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// A value that may be said in short or at length.
pub(crate) enum Entry<'a> {
    Text(At<String>),
    Table(Section<'a>),
}

/// What may be switched, or named.
pub(crate) enum Named {
    Yes,
    No,
    Text(At<String>),
}

/// What may be switched, or said at length.
pub(crate) enum Said<'a> {
    Yes,
    No,
    Table(Section<'a>),
}

impl<'a> Section<'a> {
    pub(crate) fn root(table: &'a Spanned<DeTable<'a>>, problems: &'a Problems<'a>) -> Self {
        Self::over("the manifest".to_owned(), table.get_ref(), 0..0, problems)
    }

    fn over(name: String, table: &'a DeTable<'a>, span: Range<usize>, problems: &'a Problems<'a>) -> Self {
        Self { name, table, span, asked: RefCell::default(), problems }
    }

    /// One that says nothing: `table` is empty.
    pub(crate) fn over_nothing(table: &'a DeTable<'a>, problems: &'a Problems<'a>) -> Self {
        Self::over("nothing".to_owned(), table, 0..0, problems)
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it begins: for what is missing in it.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether the key is there, whatever its value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table.get(key)
    }

    fn wrong_kind(&self, key: &str, value: &Spanned<DeValue<'a>>, wanted: &str, example: &str) {
        let message = format!("`{key}` in {} must be {wanted}, not {}", self.name, kind(value.get_ref()));
        self.problems.add(value.span(), message, format!("for example: {key} = {example}"));
    }

    /// A table within this one.
    pub(crate) fn table(&self, key: &'static str, name: &str) -> Option<Section<'a>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Self::over(name.to_owned(), table, value.span(), self.problems)),
            _ => {
                self.wrong_kind(key, value, "a table", "{ … }");
                None
            }
        }
    }

    /// Tells that a key is missing, if it is.
    pub(crate) fn require(&self, key: &str, help: impl Into<String>) {
        if !self.has(key) {
            self.problems.add(self.span(), format!("{} has no `{key}`", self.name), help);
        }
    }

    /// Tells that a list has nothing in it, if it is there: it would be taken for one that is not.
    pub(crate) fn refuse_empty(&self, key: &str, help: &str) {
        let value = self.table.get(key);
        if let Some(value) = value.filter(|value| matches!(value.get_ref(), DeValue::Array(items) if items.is_empty()))
        {
            self.problems.add(value.span(), format!("`{key}` in {} names nothing", self.name), help);
        }
    }

    /// The tables of a `[[list]]`, in the order of the text.
    pub(crate) fn list_of_tables(&self, key: &'static str, name: &str) -> Vec<Section<'a>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_kind(key, value, "a list of tables", "[{ … }]");
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => {
                    tables.push(Self::over(name.to_owned(), table, item.span(), self.problems));
                }
                _ => self.wrong_kind(key, item, "a list of tables", "[{ … }]"),
            }
        }
        tables
    }

    /// `true`, `false`, or a table.
    pub(crate) fn said(&self, key: &'static str, name: &str, example: &str) -> Option<Said<'a>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(true) => Some(Said::Yes),
            DeValue::Boolean(false) => Some(Said::No),
            DeValue::Table(table) => Some(Said::Table(Self::over(name.to_owned(), table, value.span(), self.problems))),
            _ => {
                self.wrong_kind(key, value, "true, false or a table", example);
                None
            }
        }
    }

    /// `true`, `false`, or a text.
    pub(crate) fn named(&self, key: &'static str, example: &str) -> Option<Named> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(true) => Some(Named::Yes),
            DeValue::Boolean(false) => Some(Named::No),
            DeValue::String(text) => Some(Named::Text(At { value: text.to_string(), span: value.span() })),
            _ => {
                self.wrong_kind(key, value, "true, false or text", example);
                None
            }
        }
    }

    /// A text or a table.
    pub(crate) fn entry(&self, key: &'static str, name: &str, example: &str) -> Option<Entry<'a>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Entry::Text(At { value: text.to_string(), span: value.span() })),
            DeValue::Table(table) => {
                Some(Entry::Table(Self::over(name.to_owned(), table, value.span(), self.problems)))
            }
            _ => {
                self.wrong_kind(key, value, "text or a table", example);
                None
            }
        }
    }

    /// Any value, as JSON.
    pub(crate) fn json(&self, key: &'static str) -> Option<serde_json::Value> {
        let value = self.get(key)?;
        let json = to_json(value.get_ref());
        if json.is_none() {
            self.wrong_kind(key, value, "something that JSON can say", "{ items = [] }");
        }
        json
    }

    /// Where a key's value stands.
    pub(crate) fn place_of(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.span(), Spanned::span)
    }

    /// A number of bytes with its unit: `512B`, `64KiB`, `1MiB`.
    pub(crate) fn size(&self, key: &'static str) -> Option<u64> {
        let text = self.text(key, "\"1MiB\"")?;
        let parsed = parse_size(&text.value);
        if parsed.is_none() {
            let message = format!("`{key}` in {} is {:?}, which is no number of bytes", self.name, text.value);
            self.problems.add(text.span, message, "write a number and B, KiB, MiB or GiB: \"64KiB\", \"1MiB\"");
        }
        parsed
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, key: &'static str) -> Option<At<bool>> {
        let value = self.get(key)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(At { value: *flag, span: value.span() });
        }
        self.wrong_kind(key, value, "true or false", "true");
        None
    }

    /// A text, or a list of texts.
    pub(crate) fn one_or_more(&self, key: &'static str, example: &str) -> Vec<At<String>> {
        match self.get(key).map(|value| (value.get_ref(), value.span())) {
            Some((DeValue::String(text), span)) => vec![At { value: text.to_string(), span }],
            Some(_) => self.list(key, example),
            None => Vec::new(),
        }
    }

    pub(crate) fn text(&self, key: &'static str, example: &str) -> Option<At<String>> {
        let value = self.get(key)?;
        if let DeValue::String(text) = value.get_ref() {
            return Some(At { value: text.to_string(), span: value.span() });
        }
        self.wrong_kind(key, value, "text", example);
        None
    }

    /// A list of texts, each with its place.
    pub(crate) fn list(&self, key: &'static str, example: &str) -> Vec<At<String>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_kind(key, value, "a list of texts", example);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(At { value: text.to_string(), span: item.span() }),
                _ => self.wrong_kind(key, item, "a list of texts", example),
            }
        }
        texts
    }

    /// A command: a line with quotes as in a shell, or a list of words.
    pub(crate) fn words(&self, key: &'static str, example: &str) -> Option<At<Vec<String>>> {
        let value = self.get(key)?;
        let span = value.span();
        match value.get_ref() {
            DeValue::String(line) => match shell_words::split(line) {
                Ok(words) if !words.is_empty() => Some(At { value: words, span }),
                Ok(_) => self.refuse(
                    span,
                    format!("`{key}` in {} is empty", self.name),
                    format!("for example: {key} = {example}"),
                ),
                Err(_) => {
                    let message = format!("a quote in `{key}` of {} is not closed", self.name);
                    self.refuse(span, message, "close it, or write the command as a list of words")
                }
            },
            DeValue::Array(_) => {
                let words: Vec<String> = self.list(key, example).into_iter().map(|word| word.value).collect();
                if words.first().is_none_or(String::is_empty) {
                    let message = format!("`{key}` in {} is empty", self.name);
                    return self.refuse(span, message, format!("for example: {key} = {example}"));
                }
                Some(At { value: words, span })
            }
            _ => {
                self.wrong_kind(key, value, "a command (text, or a list of words)", example);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(crate) fn number(&self, key: &'static str, least: u32, most: u32, example: &str) -> Option<At<u32>> {
        let value = self.get(key)?;
        self.whole(key, value, least, most, example)
    }

    fn whole(&self, key: &str, value: &Spanned<DeValue<'a>>, least: u32, most: u32, example: &str) -> Option<At<u32>> {
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_kind(key, value, "a whole number", example);
            return None;
        };
        match u32::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if (least..=most).contains(&number) => Some(At { value: number, span: value.span() }),
            _ => {
                let message = format!("`{key}` in {} is {number}", self.name);
                self.refuse(value.span(), message, format!("it must be from {least} to {most}"))
            }
        }
    }

    /// A list of whole numbers within bounds.
    pub(crate) fn list_of_numbers(&self, key: &'static str, least: u32, most: u32, example: &str) -> Vec<At<u32>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_kind(key, value, "a list of whole numbers", example);
            return Vec::new();
        };
        items.iter().filter_map(|item| self.whole(key, item, least, most, example)).collect()
    }

    /// A time span that is not nothing.
    pub(crate) fn some_time(&self, key: &'static str) -> Option<Duration> {
        let time = self.duration(key)?;
        if time.is_zero() {
            let message = format!("`{key}` in {} is no time at all", self.name);
            return self.refuse(
                self.place_of(key),
                message,
                "write a number above 0 and ms, s or m: \"500ms\", \"10s\"",
            );
        }
        Some(time)
    }

    /// A time span with its unit: `500ms`, `10s`, `2m`.
    pub(crate) fn duration(&self, key: &'static str) -> Option<Duration> {
        let text = self.text(key, "\"10s\"")?;
        match parse_duration(&text.value) {
            Some(time) if time <= TIME_SPAN_MAX => Some(time),
            Some(_) => {
                let message = format!("`{key}` in {} is {:?}, which is longer than ten years", self.name, text.value);
                self.refuse(text.span, message, "write a shorter one: \"87600h\" at most")
            }
            None => {
                let message = format!("`{key}` in {} is {:?}, which is no time span", self.name, text.value);
                let help = "write a number and ms, s, m or h: \"500ms\", \"10s\", \"2m\", \"1h\"";
                self.refuse(text.span, message, help)
            }
        }
    }

    pub(crate) fn refuse<T>(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.problems.add(span, message, help);
        None
    }

    /// Names every key that nobody has asked for.
    pub(crate) fn report_unknown(&self) {
        let asked = self.asked.borrow();
        for key in self.table.keys().filter(|key| !asked.contains(&key.get_ref().as_ref())) {
            let help = match closest(key.get_ref(), asked.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    format!("there are {}", asked.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
                }
            };
            self.problems.add(key.span(), format!("unknown key `{}` in {}", key.get_ref(), self.name), help);
        }
    }
}

/// The name that was probably meant: at most two letters off, or one in three of a long name.
pub(crate) fn closest<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let far = |name: &&str| strsim::damerau_levenshtein(wrong, name);
    let best = names.min_by_key(far)?;
    (far(&best) <= (best.len() / 3).clamp(1, 3)).then_some(best)
}
