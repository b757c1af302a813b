//! All entries of a table whose keys are its author's: names, paths, headers.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::values::as_key;
use super::{At, Entry, Section};

impl<'a> Section<'a> {
    /// All entries that are tables, in the order of the text, with their names. `noun` is what one is.
    pub(crate) fn tables(&self, noun: &str, example: &str) -> Vec<(At<&'a str>, Section<'a>)> {
        self.each("a table", example, |key, value| match value.get_ref() {
            DeValue::Table(table) => Some(self.named_table(noun, key, table)),
            _ => None,
        })
    }

    /// All entries that are text, in the order of the text.
    pub(crate) fn texts(&self) -> Vec<(At<String>, At<String>)> {
        let found = self.each("text", "\"…\"", |_, value| match value.get_ref() {
            DeValue::String(text) => Some(At { value: text.to_string(), span: value.span() }),
            _ => None,
        });
        with_owned_names(found)
    }

    /// All entries, each a text or a table, in the order of the text.
    pub(crate) fn entries(&self, noun: &str) -> Vec<(At<String>, Entry<'a>)> {
        let found = self.each("text or a table", "\"…\"", |key, value| match value.get_ref() {
            DeValue::String(text) => Some(Entry::Text(At { value: text.to_string(), span: value.span() })),
            DeValue::Table(table) => Some(Entry::Table(self.named_table(noun, key, table))),
            _ => None,
        });
        with_owned_names(found)
    }

    /// All entries, each a text or `true`, which stands for any, in the order of the text.
    pub(crate) fn texts_or_true(&self) -> Vec<(At<String>, Option<String>)> {
        let found = self.each("text or true", "\"…\"", |_, value| match value.get_ref() {
            DeValue::String(text) => Some(Some(text.to_string())),
            DeValue::Boolean(true) => Some(None),
            _ => None,
        });
        with_owned_names(found)
    }

    /// All entries, each a text or a number, as texts, in the order of the text.
    pub(crate) fn texts_or_numbers(&self) -> Vec<(At<String>, String)> {
        let found = self.each("text or a number", "10", |_, value| match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
            _ => None,
        });
        with_owned_names(found)
    }

    /// All entries that are whole numbers within bounds, in the order of the text.
    pub(crate) fn numbers(&self, least: u32, most: u32, example: &str) -> Vec<(At<String>, At<u32>)> {
        let mut found = Vec::new();
        for (key, value) in self.in_order() {
            let name = At { value: key.get_ref().to_string(), span: key.span() };
            found.extend(self.whole(key.get_ref(), value, least, most, example).map(|number| (name, number)));
        }
        found
    }

    /// What `read` makes of each entry, in the order of the text; nothing of one that is of the wrong kind.
    fn each<T>(
        &self,
        wanted: &str,
        example: &str,
        read: impl Fn(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>) -> Option<T>,
    ) -> Vec<(At<&'a str>, T)> {
        let mut found = Vec::new();
        for (key, value) in self.in_order() {
            match read(key, value) {
                Some(read) => found.push((At { value: key.get_ref().as_ref(), span: key.span() }, read)),
                None => self.wrong_kind(&as_key(key.get_ref()), value, wanted, example),
            }
        }
        found
    }

    fn named_table(&self, noun: &str, key: &Spanned<DeString<'_>>, table: &'a DeTable<'a>) -> Self {
        Self::over(format!("{noun} `{}`", key.get_ref()), table, key.span(), self.problems)
    }

    fn in_order(&self) -> Vec<(&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }
}

fn with_owned_names<T>(found: Vec<(At<&str>, T)>) -> Vec<(At<String>, T)> {
    found.into_iter().map(|(At { value, span }, read)| (At { value: value.to_owned(), span }, read)).collect()
}
