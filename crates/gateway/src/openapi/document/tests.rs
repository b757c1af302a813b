use serde_json::{Value, json};

use super::*;

fn document(paths: &Value, components: &Value) -> Result<Document, DocumentError> {
    Document::new(json!({
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "paths": paths,
        "components": components,
    }))
}

fn refused(paths: &Value, components: &Value) -> String {
    document(paths, components).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_named_by_its_pointer() {
    let no = json!({});
    let get = |operation: Value| json!({"/a/{id}": {"get": operation}});
    for (paths, components, wanted) in [
        (json!({"a": {}}), no.clone(), "#/paths/a: a path begins with a slash"),
        (json!({"/a/{id": {}}), no.clone(), "#/paths/~1a~1{id: a path begins"),
        (json!({"/a": []}), no.clone(), "#/paths/~1a: an object is to stand here"),
        (json!({"/a": {"get": 1}}), no.clone(), "#/paths/~1a/get: an object"),
        (get(json!({"parameters": {}})), no.clone(), "#/paths/~1a~1{id}/get/parameters: a list is to stand here"),
        (
            get(json!({"parameters": [{"in": "path"}]})),
            no.clone(),
            "#/paths/~1a~1{id}/get/parameters/0/name: a parameter",
        ),
        (
            get(json!({"parameters": [{"name": "x", "in": "body"}]})),
            no.clone(),
            "#/paths/~1a~1{id}/get/parameters/0/in: ",
        ),
        (get(json!({"responses": {"200": {"$ref": "#/components/responses/No"}}})), no.clone(), "leads nowhere"),
        (get(json!({"responses": {"200": {"$ref": "other.json#/x"}}})), no.clone(), "leads out of the document"),
        (no.clone(), json!({"schemas": {"A": {"type": 3}}}), "#/components/schemas/A/type: a type is a text"),
        (no.clone(), json!({"schemas": {"A": {"required": "x"}}}), "#/components/schemas/A/required: a list of names"),
        (
            no.clone(),
            json!({"schemas": {"A": {"properties": {"x": 3}}}}),
            "#/components/schemas/A/properties/x: a schema is",
        ),
        (
            no.clone(),
            json!({"schemas": {"A": {"$ref": "#anchor"}}}),
            "#/components/schemas/A/$ref: \"#anchor\" leads out",
        ),
        (no.clone(), json!({"schemas": {"A": {"$ref": "#/components/schemas/A"}}}), "round in a circle"),
        (
            no.clone(),
            json!({"schemas": {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}}),
            "#/components/schemas/A/$ref: ",
        ),
        (
            json!({"/a": {"get": {"operationId": "x"}, "put": {"operationId": "x"}}}),
            no,
            "#/paths/~1a/put/operationId: \"x\" is the id of another operation too, at #/paths/~1a/get/operationId",
        ),
    ] {
        let told = refused(&paths, &components);
        assert!(told.contains(wanted), "{paths} {components}: {told}");
    }
    for (text, wanted) in [
        ("{", "#: it is not JSON"),
        ("{}", "#/openapi: it does not say"),
        (r#"{"openapi": "3.0.3"}"#, r#"#/openapi: it is of version "3.0.3""#),
        (r#"{"openapi": "3.10.0"}"#, "#/openapi: it is of version"),
    ] {
        let told = Document::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(told.starts_with(wanted), "{text}: {told}");
    }
}

#[test]
fn data_is_not_taken_for_references() {
    let schema = json!({"type": "object", "properties": {"$ref": {"type": "string"}}, "example": {"$ref": "nowhere"},
        "default": {"$ref": "#/no"}, "enum": [{"$ref": 3}], "x-mine": {"$ref": 1}});
    document(&json!({"x-own": 1}), &json!({"schemas": {"A": schema}, "examples": {"E": {"value": {"$ref": "x"}}}}))
        .unwrap();
}

#[test]
fn what_is_too_deep_or_too_large_is_refused() {
    let deep = (0..200).fold(json!({}), |inner, _| json!({"not": inner}));
    assert!(refused(&json!({}), &json!({"schemas": {"A": deep}})).starts_with("#: objects and lists stand"));
    let text = "[".repeat(100_000);
    assert!(Document::parse(text.as_bytes()).unwrap_err().what.starts_with("it is not JSON: recursion limit"));
    assert!(Document::parse(&vec![b' '; Document::BYTES_MAX + 1]).unwrap_err().what.starts_with("it is larger"));
}

#[test]
fn operations_know_their_parameters_and_their_servers() {
    let found = document(
        &json!({"/a/{id}": {
            "servers": [{"url": "https://{host}.example/{v}/", "variables": {"host": {"default": "a"}, "v": {"default": "v2"}}}],
            "parameters": [
                {"$ref": "#/components/parameters/Id"}, {"name": "x", "in": "query", "schema": {"type": "string"}}],
            "get": {"parameters": [{"name": "x", "in": "query", "required": true, "schema": {"type": "integer"}}],
                    "responses": {"default": {"description": ""}, "201": {"description": "made"}, "204": {"description": ""}}},
            "post": {"servers": [{"url": "/"}]},
        }}),
        &json!({"parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}}}),
    );
    let found = found.unwrap();
    let operations: Vec<Operation<'_>> = found.operations().collect();
    let [get, post] = &operations[..] else { panic!("{operations:?}") };
    assert_eq!((get.method, get.full_path(), post.full_path()), ("get", "/v2/a/{id}".to_owned(), "/a/{id}".to_owned()));
    let parameters = get.parameters();
    let told: Vec<_> = parameters.iter().map(|its| (its.name, its.place, its.is_required())).collect();
    assert_eq!(told, [("x", "query", true), ("id", "path", true)]);
    assert_eq!(get.success().unwrap().0, "201");
}

#[test]
fn the_path_that_fits_best_is_found() {
    let paths = ["/a/{id}", "/a/new", "/a/{n}.pdf", "/{x}/{y}", "/a"];
    for (asked, wanted) in [
        ("/a/new", "/a/new"),
        ("/a/{}", "/a/{id}"),
        ("/a/7.pdf", "/a/{n}.pdf"),
        ("/a/{}.pdf", "/a/{n}.pdf"),
        ("/a/.pdf", "/a/{id}"),
        ("/b/7", "/{x}/{y}"),
        ("/a", "/a"),
    ] {
        assert_eq!(best(paths.into_iter(), asked), Some(wanted), "{asked}");
    }
    for asked in ["/b", "/a/b/c", "/a/"] {
        assert_eq!(best(paths.into_iter(), asked), None, "{asked}");
    }
    assert_eq!(names_in("/a/{x}/{y}.{z}"), Some(vec!["x", "y", "z"]));
    for path in ["/{", "/}", "/{}", "/{a}{a}", "/{a/b}", "/{a{b}}"] {
        assert_eq!(names_in(path), None, "{path}");
    }
}
