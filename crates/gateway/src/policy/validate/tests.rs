use http::Request;
use serde_json::{Value, json};

use super::*;

fn validation() -> Validation {
    let query = |name: &str, schema: Value| json!({"name": name, "in": "query", "schema": schema});
    let document = json!({
        "openapi": "3.1.0",
        "paths": {
            "/orders/{id}": {"get": {"parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid", "maxLength": 4}},
                {"name": "x-tenant", "in": "header", "required": true, "schema": {"enum": ["a", "b"]}},
                {"name": "seen", "in": "cookie", "schema": {"type": "boolean"}},
                query("limit", json!({"type": "integer", "minimum": 1})),
                query("tags", json!({"type": "array", "items": {"type": "string", "minLength": 2}})),
                {"name": "ids", "in": "query", "explode": false,
                 "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Id"}, "maxItems": 2}},
                {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
                {"name": "where", "in": "query", "content": {"application/json": {"schema": {"type": "object", "required": ["a"]}}}}
            ]}},
            "/orders/{id}.pdf": {"get": {"parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}]}},
        },
        "components": {"schemas": {"Id": {"type": "integer", "maximum": 9}}},
    });
    Validation::compile(&Document::new(document).unwrap()).unwrap()
}

/// What is wrong with a request without a body.
fn wrong(path: &str, headers: &[(&str, &str)]) -> Vec<String> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let validation = validation();
    let operation = validation.find(&parts.method, parts.uri.path()).unwrap_or_else(|problem| panic!("{problem:?}"));
    let invalid = operation.parameters.iter().flat_map(|parameter| parameter.check(&parts, &operation.path));
    invalid.map(|it| format!("{} {}{}: {}", it.r#in, it.name.unwrap_or_default(), it.pointer, it.detail)).collect()
}

#[test]
fn parameters_are_read_as_their_schemas_say() {
    let tenant = [("x-tenant", "a")];
    let good = "/orders/7?limit=3&tags=ab&tags=c+d&ids=1,2&filter[x]=1&where=%7B%22a%22:1%7D&more=x";
    assert_eq!(wrong(good, &[("x-tenant", "a"), ("cookie", "other=1; seen=true")]), [""; 0]);
    for (path, told) in [
        ("/orders/12345", "path id: \"12345\" is longer than 4 characters"),
        ("/orders/1?limit=0", "query limit: 0 is less than the minimum of 1"),
        ("/orders/1?limit=x", "query limit: \"x\" is not of type \"integer\""),
        ("/orders/1?limit=1&limit=2", "query limit: it is there more than once"),
        ("/orders/1?tags=ab&tags=c", "query tags/1: \"c\" is shorter than 2 characters"),
        ("/orders/1?ids=1,2,3", "query ids: [1,2,3] has more than 2 items"),
        ("/orders/1?ids=1,10", "query ids/1: 10 is greater than the maximum of 9"),
        ("/orders/1?where=%7B", "query where: it is not JSON"),
        ("/orders/1?where=%7B%7D", "query where: \"a\" is a required property"),
        ("/orders/1?limit=%FF", "query limit: it is not UTF-8"),
        ("/orders/x.pdf", "path id: \"x\" is not of type \"integer\""),
    ] {
        assert_eq!(wrong(path, &tenant), [told], "{path}");
    }
    assert_eq!(wrong("/orders/1", &[]), ["header x-tenant: it is missing"]);
    assert_eq!(wrong("/orders/1", &[("x-tenant", "c")]), ["header x-tenant: \"c\" is not one of \"a\" or \"b\""]);
    assert_eq!(wrong("/orders/1", &[("x-tenant", "a"), ("cookie", "seen=no")]).len(), 1);
}

#[test]
fn what_is_not_described_is_not_there() {
    let validation = validation();
    let status =
        |method: Method, path: &str| validation.find(&method, path).map_or_else(|it| it.status.as_u16(), |_| 200);
    assert_eq!(status(Method::GET, "/orders/7"), 200);
    assert_eq!(status(Method::HEAD, "/orders/7"), 200);
    assert_eq!(status(Method::PUT, "/orders/7"), 405);
    assert_eq!(status(Method::GET, "/orders"), 404);
}

#[test]
fn a_schema_that_cannot_be_compiled_is_named_with_its_operation() {
    let body = json!({"content": {"application/json": {"schema": {"pattern": "("}}}});
    let document = json!({"openapi": "3.1.0", "paths": {"/a": {"post": {"requestBody": body}}}});
    let error = Validation::compile(&Document::new(document).unwrap()).unwrap_err();
    assert!(error.to_string().starts_with("POST /a, body: "), "{error}");
}
