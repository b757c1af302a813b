use std::collections::BTreeSet;
use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::openapi::document::{Kind, walk};
use crate::openapi::tests::documents;
use crate::openapi::{Document, Pointer};
use crate::{AuthRule, HeaderMatch, HostPattern, PathPattern, Policies, Rewrite, Route, Upstream};

const ABOUT: About<'static> = About { title: "shop", version: "1", server: "/" };

fn route(pattern: &str, service: &str, rewrite: Option<&str>) -> Route {
    let mut route = Route::new(pattern, Upstream::new(service, [])).unwrap();
    route.rewrite = rewrite.map(|to| Rewrite::parse(to, &route.path).unwrap());
    route
}

fn merged(routes: Vec<Route>) -> Merged {
    let merged = ABOUT.merge(&RouteTable::new(routes).unwrap(), &documents());
    Document::new(merged.document.as_value().clone()).unwrap_or_else(|error| panic!("{error}"));
    merged
}

/// `get /a/{id}` for each operation.
fn operations(merged: &Merged) -> Vec<String> {
    merged.document.operations().map(|its| format!("{} {}", its.method, its.path)).collect()
}

fn at<'m>(merged: &'m Merged, path: &str, rest: &str) -> &'m Value {
    let pointer = format!("/paths/{}{rest}", path.replace('/', "~1"));
    merged.document.as_value().pointer(&pointer).unwrap_or_else(|| panic!("nothing at {pointer}"))
}

#[test]
fn paths_are_those_that_clients_see_and_nothing_that_no_route_leads_to() {
    let all = merged(vec![route("/api/catalog", "catalog", None), route("/stock", "stock", Some("/v1/stock"))]);
    assert_eq!(
        operations(&all),
        [
            "get /api/catalog/products",
            "post /api/catalog/products",
            "get /api/catalog/products/{id}",
            "get /api/catalog/products/{id}/reviews",
            "get /stock/{product}",
        ]
    );
    assert_eq!(operations(&merged(vec![route("/stock", "stock", None)])), [""; 0], "it is at /v1");
    assert_eq!(operations(&merged(vec![route("/", "stock", None)])), ["get /v1/stock/{product}"]);
    assert_eq!(operations(&merged(vec![route("/s", "stock", Some("/"))])), ["get /s/v1/stock/{product}"]);

    let mut get = route("/p/{product}", "catalog", Some("/api/catalog/products/{product}"));
    get.methods = vec![Method::GET];
    let one = merged(vec![get]);
    assert_eq!(operations(&one), ["get /p/{product}"]);
    let parameters = at(&one, "/p/{product}", "/get/parameters");
    assert_eq!(parameters.as_array().unwrap().len(), 1);
    assert_eq!((&parameters[0]["name"], &parameters[0]["schema"]["maxLength"]), (&json!("product"), &json!(40)));

    let rest = merged(vec![route("/all/{*rest}", "catalog", Some("/api/catalog/{rest}"))]);
    assert_eq!(operations(&rest)[2], "get /all/products/{id}");
    let fixed = merged(vec![route("/best", "catalog", Some("/api/catalog/products/7"))]);
    assert_eq!(operations(&fixed), ["get /best", "get /best/reviews"]);
    assert!(at(&fixed, "/best", "/get").get("parameters").is_none(), "the route says the id");
}

#[test]
fn the_route_that_would_take_a_path_has_it() {
    let exact = |pattern: &str, service| {
        let to = crate::Action::Forward(Upstream::new(service, []));
        Route::to(PathPattern::parse(pattern).unwrap().exact(), to)
    };
    let elsewhere = merged(vec![route("/api/catalog", "catalog", None), exact("/api/catalog/products", "stock")]);
    assert_eq!(operations(&elsewhere), ["get /api/catalog/products/{id}", "get /api/catalog/products/{id}/reviews"]);

    let mut hosted = route("/api/catalog", "catalog", None);
    hosted.hosts = vec![HostPattern::parse("*.shop.example").unwrap()];
    hosted.headers = vec![HeaderMatch::new("x-version", Some("2")).unwrap()];
    let both = merged(vec![hosted.clone(), route("/api", "catalog", None)]);
    assert_eq!(operations(&both).len(), 4);
    let told: BTreeSet<String> = both.left_out.iter().map(ToString::to_string).collect();
    let wanted = "GET /api/catalog/products of catalog, by the route \"/api/catalog\", has no place: catalog has the same path and method";
    assert!(told.len() == 4 && told.contains(wanted), "{told:?}");
    let alone = merged(vec![hosted]);
    let get = at(&alone, "/api/catalog/products", "/get");
    assert_eq!(get["servers"][0]["url"], "//{name}.shop.example");
    let header = get["parameters"].as_array().unwrap().iter().find(|its| its["in"] == "header").unwrap();
    assert_eq!((&header["name"], &header["schema"]["const"]), (&json!("x-version"), &json!("2")));
}

#[test]
fn names_are_kept_apart_and_every_reference_leads_somewhere() {
    let mut guarded = route("/s/{id}", "stock", Some("/v1/stock/{id}"));
    let auth = Some(AuthRule { scopes: vec!["stock:read".to_owned()] });
    guarded.policies = Arc::new(Policies { auth, ..Policies::default() });
    let all =
        merged(vec![route("/api/catalog", "catalog", None), route("/c", "catalog", Some("/api/catalog")), guarded]);
    let ids: Vec<&str> =
        all.document.operations().filter_map(|operation| operation.value.get("operationId")?.as_str()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 9, "{ids:?}");
    assert!(ids.contains(&"catalog.getProduct") && ids.contains(&"catalog.getProduct.2"), "{ids:?}");
    let components = all.document.object(&["components", "schemas"]).unwrap();
    let names: BTreeSet<&str> = components.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["catalog.Maker", "catalog.Problem", "catalog.Product", "gateway.Problem"]));
    let product = &components["catalog.Product"];
    assert_eq!(product["properties"]["similar"]["items"]["$ref"], "#/components/schemas/catalog.Product");

    assert_eq!(at(&all, "/api/catalog/products", "/get/tags"), &json!(["catalog"]));
    assert_eq!(at(&all, "/api/catalog/products/{id}", "/get/tags"), &json!(["catalog.one"]));
    let tags = &all.document.as_value()["tags"];
    assert_eq!(tags[0], json!({"name": "catalog", "description": "What there is to buy"}));
    assert_eq!(tags[1], json!({"name": "catalog.one", "description": "A single product"}));

    assert_eq!(at(&all, "/api/catalog/products", "/post/security"), &json!([{"catalog.key": []}]));
    assert_eq!(at(&all, "/s/{id}", "/get/security"), &json!([{"stock.basic": [], "gateway.bearer": ["stock:read"]}]));
    let schemes = all.document.object(&["components", "securitySchemes"]).unwrap();
    let names: BTreeSet<&str> = schemes.keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["catalog.key", "gateway.bearer", "stock.basic"]));
    assert_eq!(at(&all, "/s/{id}", "/get/responses/401/description"), "A bearer token is needed");

    let links = at(&all, "/api/catalog/products", "/get/responses/200/links").as_object().unwrap();
    let leads: BTreeSet<(&str, &str)> =
        links.iter().map(|(name, link)| (&**name, link["operationId"].as_str().unwrap())).collect();
    assert_eq!(leads, BTreeSet::from([("one", "catalog.getProduct"), ("same", "catalog.getProduct")]));
    assert_eq!(all.document.as_value()["servers"], json!([{"url": "/"}]));
}

#[test]
fn a_part_that_is_no_component_becomes_one() {
    let items = "#/paths/~1api~1catalog~1products/get/responses/200/content/application~1json/schema/properties/items";
    let value = json!({
        "openapi": "3.1.0",
        "info": {"title": "catalog", "version": "1"},
        "paths": {
            "/a": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema":
                {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/paths/~1a/get/responses/200/content/application~1json/schema"}}}}}}}}}},
            "/b": {"$ref": "#/components/pathItems/B"}},
        "components": {"pathItems": {"B": {"get": {"responses": {"200": {"description": "", "content": {"application/json": {"schema":
            {"$ref": "#/components/schemas/X/properties/y"}}}}}}}}, "schemas": {"X": {"properties": {"y": {"type": "string"}}}}},
    });
    let documents = [("s".to_owned(), Document::new(value).unwrap())].into();
    let merged = ABOUT.merge(&RouteTable::new(vec![route("/", "s", None)]).unwrap(), &documents);
    let made = Document::new(merged.document.as_value().clone()).unwrap_or_else(|error| panic!("{error} {items}"));
    let mut references = Vec::new();
    let _ = walk(made.as_value(), Kind::Document, &mut Pointer::default(), &mut |part, kind, _| {
        references.extend(part.get("$ref").filter(|_| kind == Kind::Schema).and_then(Value::as_str).map(str::to_owned));
        std::ops::ControlFlow::<()>::Continue(())
    });
    let gateway = "#/components/schemas/gateway.Problem";
    let mut own: Vec<String> = references.into_iter().filter(|reference| reference != gateway).collect();
    own.sort();
    own.dedup();
    assert_eq!(
        own,
        [
            "#/components/schemas/s.X/properties/y",
            "#/components/schemas/s.paths--1a-get-responses-200-content-application-1json-schema",
        ]
    );
}
