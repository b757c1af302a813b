//! What JSON values look like by a schema. A schema may say that in many ways at once (`$ref`, `allOf`, `oneOf`,
//! `anyOf`); here it is taken apart into [`ways`] in which a value can look, each a list of plain schemas that all hold.
//! Conditions on other words than types, members and elements are passed on and not looked at.

mod member;
mod types;
mod ways;

pub(crate) use member::{Found, member_of};
pub(crate) use types::Types;
pub(crate) use ways::{TooManyWays, Way, ways};

#[cfg(test)]
mod tests;
