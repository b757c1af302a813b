//! Whether those who read by one schema can read what is written by another. As far as schemas that are made of Rust
//! types go: types, objects, lists, choices of words, bounds of numbers.

use serde_json::{Map, Value};

/// What readers by `old` would trip over in what is written by `new`; nothing, if they can read all of it.
pub(crate) fn what_breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut breaks = Vec::new();
    Comparison { old_root: old, new_root: new, breaks: &mut breaks }.compare("", old, new);
    breaks
}

struct Comparison<'a> {
    old_root: &'a Value,
    new_root: &'a Value,
    breaks: &'a mut Vec<String>,
}

impl Comparison<'_> {
    fn compare(&mut self, place: &str, old: &Value, new: &Value) {
        let (old, new) = (resolve(self.old_root, old), resolve(self.new_root, new));
        let place_or_all = if place.is_empty() { "it" } else { place };
        let told = types(new).into_iter().filter(|kind| !takes(&types(old), kind));
        self.breaks.extend(told.map(|kind| format!("{place_or_all} can be {kind} now")));
        if let Some(known) = words(old) {
            match words(new) {
                None => self.breaks.push(format!("{place_or_all} can be any word now")),
                Some(words) => {
                    let unknown = words.into_iter().filter(|word| !known.contains(word));
                    self.breaks.extend(unknown.map(|word| format!("{place_or_all} can be {word} now")));
                }
            }
        }
        for (bound, wider) in [("minimum", -1.0), ("maximum", 1.0)] {
            let (before, now) = (old[bound].as_f64(), new[bound].as_f64());
            if before.is_some_and(|before| now.is_none_or(|now| (now - before) * wider > 0.0)) {
                self.breaks.push(format!("the {bound} of {place_or_all} is given up"));
            }
        }
        if old["format"].is_string() && old["format"] != new["format"] {
            self.breaks.push(format!("{place_or_all} is no {} any more", old["format"]));
        }
        self.compare_fields(place, old, new);
        if old["items"].is_object() {
            self.compare(&format!("{place}[]"), &old["items"], &new["items"]);
        }
    }

    fn compare_fields(&mut self, place: &str, old: &Value, new: &Value) {
        let none = Map::new();
        let fields = |schema: &Value| schema["properties"].as_object().cloned().unwrap_or_else(|| none.clone());
        let always = |schema: &Value, field: &str| {
            schema["required"].as_array().is_some_and(|all| all.iter().any(|name| name == field))
        };
        let now = fields(new);
        for (field, before) in fields(old) {
            let path = format!("{place}.{field}");
            match now.get(&field) {
                None => self.breaks.push(format!("{path} is gone")),
                Some(now) => self.compare(&path, &before, now),
            }
            if now.contains_key(&field) && always(old, &field) && !always(new, &field) {
                self.breaks.push(format!("{path} may be missing now"));
            }
        }
    }
}

/// The schema that a reference means.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => root.pointer(pointer).unwrap_or(schema),
        None => schema,
    }
}

fn types(schema: &Value) -> Vec<String> {
    match &schema["type"] {
        Value::String(one) => vec![one.clone()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn takes(known: &[String], kind: &str) -> bool {
    known.is_empty() || known.iter().any(|known| known == kind || (known == "number" && kind == "integer"))
}

/// The words that a choice is between, however it is written down.
fn words(schema: &Value) -> Option<Vec<Value>> {
    if let Some(all) = schema["enum"].as_array() {
        return Some(all.clone());
    }
    if !schema["const"].is_null() {
        return Some(vec![schema["const"].clone()]);
    }
    let each = schema["oneOf"].as_array()?.iter().map(words).collect::<Option<Vec<_>>>()?;
    Some(each.concat())
}

mod tests {
    use serde_json::{Value, json};

    use super::what_breaks;

    fn order() -> Value {
        json!({
            "type": "object",
            "required": ["id", "lines", "because"],
            "properties": {
                "id": {"type": "string"},
                "note": {"type": ["string", "null"]},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
                "because": {"oneOf": [{"const": "rejected"}, {"const": "cancelled"}]},
            },
            "$defs": {"Line": {
                "type": "object",
                "required": ["quantity"],
                "properties": {"quantity": {"type": "integer", "format": "uint32", "minimum": 0}},
            }},
        })
    }

    fn changed(pointer: &str, to: Value) -> Vec<String> {
        let mut new = order();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match to {
            Value::Null => drop(new.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key)),
            to => new.pointer_mut(parent).unwrap()[key] = to,
        }
        what_breaks(&order(), &new)
    }

    #[test]
    fn what_readers_can_do_without_may_be_added() {
        assert!(what_breaks(&order(), &order()).is_empty());
        assert!(changed("/properties/more", json!({"type": "string"})).is_empty());
        assert!(changed("/properties/note", json!({"type": "string"})).is_empty());
        assert!(changed("/required", json!(["id", "lines", "because", "note"])).is_empty());
        assert!(changed("/properties/because", json!({"const": "rejected"})).is_empty());
    }

    #[test]
    fn what_readers_rely_on_may_not_be_taken_away() {
        assert_eq!(changed("/properties/id", Value::Null), [".id is gone"]);
        assert_eq!(changed("/required", json!(["id", "because"])), [".lines may be missing now"]);
        assert_eq!(changed("/properties/id/type", json!("integer")), [".id can be integer now"]);
        assert_eq!(changed("/properties/id/type", json!(["string", "null"])), [".id can be null now"]);
        let more = json!([{"const": "rejected"}, {"const": "cancelled"}, {"const": "lost"}]);
        assert_eq!(changed("/properties/because/oneOf", more), [".because can be \"lost\" now"]);
        let within = "/$defs/Line/properties/quantity";
        assert_eq!(changed(within, Value::Null), [".lines[].quantity is gone"]);
        let below_zero = json!({"type": "integer", "format": "uint32", "minimum": -1});
        assert_eq!(changed(within, below_zero), ["the minimum of .lines[].quantity is given up"]);
    }
}
