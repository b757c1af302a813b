//! A statement's values, as rusqlite takes them: `[id]`, `params![…]`, `named_params! {…}`.

use rusqlite::ToSql;

use super::Result;

/// Takes a statement's values, one after the other.
pub trait Binder {
    /// The value of the placeholder with this number; the first is 1.
    ///
    /// # Errors
    /// If there is no such placeholder, or the value does not fit.
    fn number(&mut self, number: usize, value: &dyn ToSql) -> Result<()>;

    /// The value of the placeholder with this name, its colon included.
    ///
    /// # Errors
    /// If there is no such placeholder, or the value does not fit.
    fn name(&mut self, name: &str, value: &dyn ToSql) -> Result<()>;
}

/// A statement's values.
pub trait Params {
    /// Gives them to the statement.
    ///
    /// # Errors
    /// What the binder says.
    fn bind(self, binder: &mut impl Binder) -> Result<()>;
}

fn bind_all<'a>(values: impl IntoIterator<Item = &'a dyn ToSql>, binder: &mut impl Binder) -> Result<()> {
    values.into_iter().enumerate().try_for_each(|(index, value)| binder.number(index + 1, value))
}

// As in rusqlite: for no values at all there is one type, so that `[]` needs no hint.
impl Params for [&dyn ToSql; 0] {
    fn bind(self, _binder: &mut impl Binder) -> Result<()> {
        Ok(())
    }
}

impl Params for &[&dyn ToSql] {
    fn bind(self, binder: &mut impl Binder) -> Result<()> {
        bind_all(self.iter().copied(), binder)
    }
}

impl Params for &[(&str, &dyn ToSql)] {
    fn bind(self, binder: &mut impl Binder) -> Result<()> {
        self.iter().try_for_each(|(name, value)| binder.name(name, *value))
    }
}

macro_rules! arrays {
    ($($count:literal)+) => {$(
        impl<T: ToSql> Params for [T; $count] {
            fn bind(self, binder: &mut impl Binder) -> Result<()> {
                bind_all(self.iter().map(|value| value as &dyn ToSql), binder)
            }
        }
    )+};
}

arrays!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
