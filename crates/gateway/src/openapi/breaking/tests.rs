use serde_json::{Value, json};

use super::*;
use crate::openapi::tests::{document, documents};

/// An operation with a parameter, a body and an answer.
fn api(parameter: &Value, body: &Value, answer: &Value) -> Value {
    let content = |schema: &Value| json!({"application/json": {"schema": schema}});
    json!({
        "openapi": "3.1.0",
        "paths": {"/a/{id}": {"post": {
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "q", "in": "query", "schema": parameter}],
            "requestBody": {"content": content(body)},
            "responses": {
                "200": {"description": "", "content": content(answer),
                        "headers": {"X-One": {"required": true, "schema": {"type": "string"}}}},
                "404": {"description": ""}},
        }}},
        "components": {"schemas": {"Tree": {"type": "object", "required": ["value"], "properties": {
            "value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}}},
    })
}

fn usual() -> Value {
    api(&json!({"type": "string"}), &json!({"type": "object"}), &json!({"type": "object"}))
}

fn told(old: &Value, new: &Value) -> Vec<String> {
    breaking(&document(old), &document(new)).iter().map(ToString::to_string).collect()
}

/// The changes of a schema in one place, without the place.
fn of_schemas(side: &str, old: &Value, new: &Value) -> Vec<String> {
    let of = |schema: &Value| match side {
        "request" => api(&json!({}), schema, &json!({})),
        _ => api(&json!({}), &json!({}), schema),
    };
    let start = format!("POST /a/{{id}}, {side}");
    let lines = told(&of(old), &of(new)).into_iter();
    lines.map(|line| line.strip_prefix(&start).unwrap().trim_start_matches([',', ' ', ':']).to_owned()).collect()
}

fn request(old: &Value, new: &Value) -> String {
    of_schemas("request", old, new).join("; ")
}

fn answer(old: &Value, new: &Value) -> String {
    of_schemas("answer 200", old, new).join("; ")
}

#[test]
fn nothing_breaks_by_staying_as_it_is() {
    for document in documents().values() {
        assert_eq!(breaking(document, document), []);
    }
    let tree = json!({"$ref": "#/components/schemas/Tree"});
    assert_eq!(told(&api(&json!({}), &tree, &tree), &api(&json!({}), &tree, &tree)), [""; 0]);
}

#[test]
fn paths_methods_parameters_and_answers_are_missed() {
    let changed = |change: fn(&mut Value)| {
        let (old, mut new) = (usual(), usual());
        change(&mut new);
        told(&old, &new).join("; ")
    };
    assert_eq!(
        changed(|new| new["paths"] = json!({"/b": new["paths"]["/a/{id}"]})),
        "POST /a/{id}: the path is there no more (api-path-removed)"
    );
    assert_eq!(
        changed(|new| new["paths"]["/a/{id}"] = json!({"put": new["paths"]["/a/{id}"]["post"]})),
        "POST /a/{id}: the method is there no more (api-operation-removed)"
    );
    assert_eq!(
        changed(|new| {
            let item = new["paths"]["/a/{id}"].take();
            new["paths"] = json!({"/a/{key}": item});
            new["paths"]["/a/{key}"]["post"]["parameters"][0]["name"] = "key".into();
        }),
        "",
        "what a path's parameter is called makes no difference"
    );
    assert_eq!(
        changed(|new| new["paths"]["/a/{id}"]["post"]["parameters"][1]["required"] = true.into()),
        "POST /a/{id}, parameter \"q\" in query: it must be said now (request-parameter-became-required)"
    );
    assert_eq!(
        changed(|new| new["paths"]["/a/{id}"]["post"]["parameters"][1]["name"] = "r".into()),
        "POST /a/{id}, parameter \"q\" in query: it is there no more (request-parameter-removed)"
    );
    assert_eq!(
        changed(|new| {
            let parameter = json!({"name": "x-new", "in": "header", "required": true, "schema": {}});
            new["paths"]["/a/{id}"]["post"]["parameters"].as_array_mut().unwrap().push(parameter);
        }),
        "POST /a/{id}, parameter \"x-new\" in header: it must be said now (new-required-request-parameter)"
    );
    assert_eq!(
        changed(|new| new["paths"]["/a/{id}"]["post"]["requestBody"]["required"] = true.into()),
        "POST /a/{id}, request: a body must be sent now (request-body-became-required)"
    );
    assert_eq!(
        changed(|new| new["paths"]["/a/{id}"]["post"]["requestBody"]["content"] = json!({"text/plain": {}})),
        "POST /a/{id}, request: application/json is not taken any more (request-body-media-type-removed)"
    );
    assert_eq!(
        changed(|new| new["paths"]["/a/{id}"]["post"]["responses"] = json!({"204": {"description": ""}})),
        "POST /a/{id}, answer 200: it is answered no more (response-success-status-removed)"
    );
    assert_eq!(
        changed(|new| new["paths"]["/a/{id}"]["post"]["responses"]["200"]["headers"] = json!({})),
        "POST /a/{id}, answer 200, header X-One: it is there no more (required-response-header-removed)"
    );
    assert_eq!(
        changed(|new| new["security"] = json!([{"key": []}])),
        "POST /a/{id}: nothing is not enough any more to be let in; asked for: key (api-security-added)"
    );
    let guarded = |scopes: Value| {
        let mut api = usual();
        api["security"] = json!([{"key": scopes}]);
        api
    };
    assert_eq!(told(&guarded(json!(["a", "b"])), &guarded(json!(["a"]))), [""; 0]);
    assert!(told(&guarded(json!(["a"])), &guarded(json!(["a", "b"])))[0].ends_with("(api-security-added)"));
    assert_eq!(told(&guarded(json!(["a"])), &usual()), [""; 0]);
}

/// Objects whose members may have any name.
fn map(others: &Value) -> Value {
    json!({"type": "object", "additionalProperties": others})
}

#[test]
fn a_range_of_statuses_is_held_against_each_within_it() {
    let with = |responses: Value| {
        let mut api = usual();
        api["paths"]["/a/{id}"]["post"]["responses"] = responses;
        api
    };
    let json_of = |schema: Value| json!({"description": "", "content": {"application/json": {"schema": schema}}});
    let (text, number) = (|| json_of(json!({"type": "string"})), || json_of(json!({"type": "integer"})));
    let start = "POST /a/{id}, answer";
    let removed = format!("{start} 2XX: it is answered no more (response-success-status-removed)");
    let changed =
        |status: &str| format!("{start} {status}: it can be integer now, and was string (response-type-changed)");
    for (old, new, wanted) in [
        (json!({"2XX": text()}), json!({"200": text()}), vec![]),
        (json!({"2XX": text()}), json!({"200": text(), "204": {"description": ""}}), vec![]),
        (json!({"2XX": text()}), json!({"200": text(), "201": number()}), vec![changed("2XX")]),
        (json!({"2XX": text()}), json!({"201": number(), "2XX": text()}), vec![changed("2XX")]),
        (json!({"2XX": text(), "201": number()}), json!({"200": text(), "201": number()}), vec![]),
        (json!({"2XX": text(), "201": text()}), json!({"200": text(), "201": number()}), vec![changed("201")]),
        (json!({"2XX": text()}), json!({"default": number()}), vec![changed("2XX")]),
        (json!({"2XX": text()}), json!({"400": text()}), vec![removed]),
        (json!({"200": text()}), json!({"2XX": number()}), vec![changed("200")]),
    ] {
        assert_eq!(told(&with(old.clone()), &with(new.clone())), wanted, "{old} → {new}");
    }
}

#[test]
fn answers_may_grow_narrower_and_not_wider() {
    let object = |required: &[&str], properties: Value| json!({"type": "object", "required": required, "properties": properties});
    let text = || json!({"type": "string"});
    for (old, new, wanted) in [
        (object(&["a"], json!({"a": text()})), object(&["a"], json!({"a": text(), "b": text()})), ""),
        (object(&[], json!({"a": text()})), object(&[], json!({})), ""),
        (
            object(&["a"], json!({"a": text()})),
            object(&[], json!({"b": text()})),
            ".a: it is there no more (response-required-property-removed)",
        ),
        (
            object(&["a"], json!({"a": text()})),
            object(&[], json!({"a": text()})),
            ".a: it may be missing now (response-property-became-optional)",
        ),
        (
            object(&[], json!({"a": text()})),
            object(&[], json!({"a": {"type": "integer"}})),
            ".a: it can be integer now, and was string (response-type-changed)",
        ),
        (text(), json!({"type": ["string", "null"]}), ": it can be null now (response-became-nullable)"),
        (json!({"type": ["string", "null"]}), text(), ""),
        (json!({"type": "number"}), json!({"type": "integer"}), ""),
        (
            json!({"type": "integer"}),
            json!({"type": "number"}),
            ": it can be number now, and was integer (response-type-changed)",
        ),
        (json!({"enum": ["a", "b"]}), json!({"enum": ["a"]}), ""),
        (json!({"enum": ["a"]}), json!({"enum": ["a", "b"]}), ": it can be \"b\" now (response-enum-value-added)"),
        (json!({"enum": ["a"]}), text(), ": it can be any value now (response-enum-given-up)"),
        (
            json!({"type": "integer", "minimum": 1}),
            json!({"type": "integer"}),
            ": minimum was 1, and is none now (response-lower-bound-decreased)",
        ),
        (
            json!({"type": "integer", "maximum": 5}),
            json!({"type": "integer", "maximum": 9}),
            ": maximum was 5, and is 9 now (response-upper-bound-increased)",
        ),
        (
            json!({"type": "string", "format": "date"}),
            text(),
            ": format was \"date\", and is none now (response-constraint-given-up)",
        ),
        (
            json!({"type": "array", "items": text()}),
            json!({"type": "array", "items": {"type": "boolean"}}),
            "[]: it can be boolean now, and was string (response-type-changed)",
        ),
        (
            json!({"oneOf": [text(), object(&["a"], json!({"a": text()}))]}),
            object(&["a"], json!({"a": text(), "c": text()})),
            "",
        ),
        (
            text(),
            json!({"oneOf": [text(), object(&[], json!({}))]}),
            ": it can be object now, and was string (response-type-changed)",
        ),
        (
            json!({"$ref": "#/components/schemas/Tree"}),
            json!({"allOf": [{"$ref": "#/components/schemas/Tree"}, {"required": ["children"]}]}),
            "",
        ),
        (
            json!({"type": "object", "additionalProperties": text()}),
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            ".*: it can be integer now, and was string (response-type-changed)",
        ),
        (
            map(&json!({"type": "integer"})),
            map(&json!(true)),
            ".*: it can be null or boolean or number or string or array or object now, and was integer (response-type-changed)",
        ),
        (
            map(&json!(false)),
            json!({"type": "object"}),
            ".*: it can have members of other names now (response-other-properties-added)",
        ),
        (
            map(&json!(false)),
            map(&text()),
            ".*: it can have members of other names now (response-other-properties-added)",
        ),
        (map(&json!(true)), map(&text()), ""),
        (json!({"type": "object"}), map(&json!(false)), ""),
        (map(&text()), map(&json!(false)), ""),
    ] {
        let told = answer(&old, &new);
        assert_eq!(told, wanted.trim_start_matches(": "), "{old} → {new}");
    }
}

#[test]
fn requests_may_grow_wider_and_not_narrower() {
    let object = |required: &[&str], properties: Value| json!({"type": "object", "required": required, "properties": properties});
    let text = || json!({"type": "string"});
    for (old, new, wanted) in [
        (object(&["a"], json!({"a": text()})), object(&[], json!({"a": text(), "b": text()})), ""),
        (
            object(&[], json!({"a": text()})),
            object(&["b"], json!({"a": text(), "b": text()})),
            ".b: it must be there now (new-required-request-property)",
        ),
        (
            object(&[], json!({"a": text()})),
            object(&["a"], json!({"a": text()})),
            ".a: it must be there now (request-property-became-required)",
        ),
        (
            object(&[], json!({"a": text()})),
            object(&[], json!({"b": text()})),
            ".a: it is not known any more (request-property-removed)",
        ),
        (
            map(&text()),
            map(&json!(false)),
            ".*: members of other names are not taken any more (request-other-properties-refused)",
        ),
        (
            json!({"type": "object"}),
            map(&json!(false)),
            ".*: members of other names are not taken any more (request-other-properties-refused)",
        ),
        (map(&json!(false)), json!({"type": "object"}), ""),
        (map(&json!(false)), map(&text()), ""),
        (map(&text()), map(&json!(true)), ""),
        (json!({"type": ["string", "null"]}), text(), "null is not taken any more (request-became-not-nullable)"),
        (text(), json!({"type": "integer"}), "string is not taken any more, only integer (request-type-changed)"),
        (
            json!({"enum": ["a", "b"]}),
            json!({"enum": ["a"]}),
            "\"b\" is not taken any more (request-enum-value-removed)",
        ),
        (text(), json!({"type": "string", "enum": ["a"]}), "only some values are taken any more (request-became-enum)"),
        (json!({"enum": ["a"]}), text(), ""),
        (
            text(),
            json!({"type": "string", "maxLength": 9}),
            "maxLength was none, and is 9 now (request-upper-bound-decreased)",
        ),
        (json!({"enum": ["abc"]}), json!({"type": "string", "maxLength": 9}), ""),
        (
            json!({"type": "integer", "minimum": 0}),
            json!({"type": "integer", "minimum": 1}),
            "minimum was 0, and is 1 now (request-lower-bound-increased)",
        ),
        (text(), json!({"type": "string", "minLength": 0}), ""),
        (
            text(),
            json!({"type": "string", "pattern": "^a"}),
            "pattern was none, and is \"^a\" now (request-constraint-added)",
        ),
    ] {
        let told = request(&old, &new);
        assert_eq!(told, wanted, "{old} → {new}");
    }
}
