//! Going through all parts of a document. How deep that goes is bounded, since documents that are deeper are refused.

use std::ops::ControlFlow;

use serde_json::{Map, Value};

use super::Pointer;
use super::kind::{Kind, Member};

/// Visits a part and all that is in it, from the outside to the inside.
pub(crate) fn walk<'d, B>(
    value: &'d Value,
    kind: Kind,
    at: &mut Pointer,
    visit: &mut impl FnMut(&'d Value, Kind, &Pointer) -> ControlFlow<B>,
) -> ControlFlow<B> {
    visit(value, kind, at)?;
    let Value::Object(members) = value else { return ControlFlow::Continue(()) };
    for (name, member) in members {
        let here = at.len();
        at.push(name);
        match (kind.member(name), member) {
            (Member::One(kind), member) => walk(member, kind, at, visit)?,
            (Member::List(kind), Value::Array(list)) => {
                for (index, element) in list.iter().enumerate() {
                    let list = at.len();
                    at.push(&index.to_string());
                    walk(element, kind, at, visit)?;
                    at.truncate(list);
                }
            }
            (Member::Map(kind), Value::Object(map)) => {
                for (name, value) in map.iter().filter(|(name, _)| !is_extension(name, kind)) {
                    let map = at.len();
                    at.push(name);
                    walk(value, kind, at, visit)?;
                    at.truncate(map);
                }
            }
            (Member::Data | Member::List(_) | Member::Map(_), _) => {}
        }
        at.truncate(here);
    }
    ControlFlow::Continue(())
}

/// Changes each part that is an object, from the outside to the inside.
pub(crate) fn walk_mut(value: &mut Value, kind: Kind, change: &mut impl FnMut(&mut Map<String, Value>, Kind)) {
    let Value::Object(members) = value else { return };
    change(members, kind);
    for (name, member) in members {
        match (kind.member(name), member) {
            (Member::One(kind), member) => walk_mut(member, kind, change),
            (Member::List(kind), Value::Array(list)) => list.iter_mut().for_each(|it| walk_mut(it, kind, change)),
            (Member::Map(kind), Value::Object(map)) => {
                let parts = map.iter_mut().filter(|(name, _)| !is_extension(name, kind));
                parts.for_each(|(_, it)| walk_mut(it, kind, change));
            }
            (Member::Data | Member::List(_) | Member::Map(_), _) => {}
        }
    }
}

/// Whether it is no path or status, but somebody's own.
fn is_extension(name: &str, kind: Kind) -> bool {
    name.starts_with("x-") && matches!(kind, Kind::PathItem | Kind::Response)
}
