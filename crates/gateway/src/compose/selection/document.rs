//! The text of a selection or a fragment.

use graphql_parser::query::{Definition, FragmentDefinition, OperationDefinition, SelectionSet, parse_query};

use crate::compose::CompositionLimits;
use crate::compose::place::{Fault, Place};

/// `{ product { name } }`.
pub(super) fn selection(text: &str, limits: &CompositionLimits) -> Result<SelectionSet<'static, String>, Fault> {
    let refused = |place, what: &str| Err(Fault { place, what: what.to_owned() });
    match only_definition(text, limits)? {
        Definition::Operation(OperationDefinition::SelectionSet(set)) => Ok(set),
        Definition::Operation(OperationDefinition::Query(query)) => {
            refused(place(query.position), "a selection is written without `query`, a name or variables: `{ … }`")
        }
        Definition::Operation(OperationDefinition::Mutation(mutation)) => {
            refused(place(mutation.position), "nothing can be changed here: a selection is `{ … }`")
        }
        Definition::Operation(OperationDefinition::Subscription(subscription)) => {
            refused(place(subscription.position), "nothing can be subscribed to here: a selection is `{ … }`")
        }
        Definition::Fragment(fragment) => {
            refused(place(fragment.position), "fragments are written once, beside the compositions")
        }
    }
}

/// `fragment card on Product { id name }`.
pub(super) fn fragment(
    name: &str,
    text: &str,
    limits: &CompositionLimits,
) -> Result<FragmentDefinition<'static, String>, Fault> {
    let refused = |place, what: String| Err(Fault { place, what });
    match only_definition(text, limits)? {
        Definition::Fragment(fragment) if fragment.name != name => {
            refused(place(fragment.position), format!("it is named {:?} here, and {name:?} outside", fragment.name))
        }
        Definition::Fragment(fragment) => match fragment.directives.first() {
            Some(directive) => refused(place(directive.position), "a fragment has no directives".to_owned()),
            None => Ok(fragment),
        },
        Definition::Operation(_) => refused(Place::START, format!("not a fragment: `fragment {name} on … {{ … }}`")),
    }
}

fn only_definition(text: &str, limits: &CompositionLimits) -> Result<Definition<'static, String>, Fault> {
    if text.len() > limits.text_bytes {
        return Err(Fault { place: Place::START, what: format!("longer than {} bytes", limits.text_bytes) });
    }
    let document = parse_query::<String>(text).map_err(|error| syntax(text, &error.to_string()))?.into_static();
    let mut definitions = document.definitions.into_iter();
    match (definitions.next(), definitions.next()) {
        (Some(definition), None) => Ok(definition),
        _ => Err(Fault { place: Place::START, what: "one selection or fragment, and nothing behind it".to_owned() }),
    }
}

/// The parser tells the place in its message alone: `query parse error: Parse error at 1:5`, and then lines with what
/// it found and what it would have wanted.
fn syntax(text: &str, message: &str) -> Fault {
    let told = message.split_once("Parse error at ").map(|(_, told)| told);
    let (at, why) = told.and_then(|told| told.split_once('\n')).unwrap_or(("", message));
    let place = at.split_once(':').and_then(|(line, column)| {
        Some(Place { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
    });
    let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
    let end = || Place::of(text, text.len());
    Fault { place: place.filter(|place| place.line > 0).unwrap_or_else(end), what: format!("not a selection: {why}") }
}

pub(super) fn place(position: graphql_parser::Pos) -> Place {
    Place { line: position.line, column: position.column }
}
