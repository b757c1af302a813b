use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::compose::{
    Answering, Ask, CallText, Composition, CompositionLimits, Failed, Fragments, OnFailure, Parameters, Piece, Profile,
    ProfileText, Question, Request,
};
use crate::openapi::tests::{document, documents};
use crate::{Rewrite, Upstream};

const ABOUT: About<'static> = About { title: "web", version: "1", server: "/" };

fn call<'a>(name: &'a str, get: &'a str, on_failure: OnFailure) -> CallText<'a> {
    CallText { name, get, each: None, on_failure, timeout: None }
}

fn page() -> Composition {
    let similar =
        CallText { each: Some("product.similar[]"), ..call("stock_of", "stock:/v1/stock/{each.id}", OnFailure::OMIT) };
    let maker = CallText {
        each: Some("product.similar[]"),
        ..call("maker_of", "catalog:/api/catalog/products/{each.id}", OnFailure::ERROR)
    };
    Composition::parse(
        "page",
        "/products/{id}",
        &[
            call("product", "catalog:/api/catalog/products/{id}", OnFailure::ERROR),
            call(
                "reviews",
                "catalog:/api/catalog/products/{id}/reviews?limit={reviews:10}",
                OnFailure::default_value(json!({"items": []})),
            ),
            call("stock", "stock:/v1/stock/{id}", OnFailure::OMIT),
            call("cards", "catalog:/api/catalog/products?ids={product.similar[].id}&limit={cards}", OnFailure::OMIT),
            similar,
            maker,
        ],
        CompositionLimits::default(),
    )
    .unwrap()
}

fn profile(selection: &str, report: bool) -> Profile {
    let text = ProfileText {
        name: "web",
        prefix: "/web",
        serves: &[("page", selection)],
        defaults: Parameters::new().with("cards", "4"),
        fixed: Parameters::new(),
        report,
    };
    Profile::parse(&text, &[page()], &Fragments::default()).unwrap()
}

fn document_of(profile: &Profile) -> Document {
    document_with(profile, &RouteTable::default(), &documents())
}

/// The profile's, with other routes beside what is composed for it.
fn document_with(profile: &Profile, routes: &RouteTable, documents: &Documents) -> Document {
    let policies = Policies::default();
    let composed = profile.served().iter().map(|served| ComposedRoute {
        pattern: &served.pattern,
        composed: &served.composed,
        policies: &policies,
    });
    let (name, prefix) = (profile.name(), profile.prefix());
    let profile = ProfileRoutes { name, prefix, hosts: &[], composed: composed.collect(), routes };
    ABOUT.describe(&profile, documents)
}

fn hosts(names: &[&str]) -> Vec<HostPattern> {
    names.iter().map(|name| HostPattern::parse(name).unwrap()).collect()
}

/// The operations to which these routes lead a profile's clients that ask such hosts.
fn led_to(hosts: &[HostPattern], prefix: &str, routes: Vec<Route>) -> Vec<String> {
    let routes = RouteTable::new(routes).unwrap();
    let profile = ProfileRoutes { name: "web", prefix, hosts, composed: Vec::new(), routes: &routes };
    let document = ABOUT.describe(&profile, &documents());
    document.operations().map(|its| format!("{} {}", its.method, its.path)).collect()
}

#[test]
fn a_route_is_a_profile_s_if_one_of_its_hosts_leads_to_it() {
    let of = |names: &[&str]| {
        let mut route = plain("/stock", "stock", "/v1/stock");
        route.hosts = hosts(names);
        vec![route]
    };
    for (profile, route, is_led_to) in [
        (&["a.shop.example", "b.shop.example"][..], &["b.shop.example", "a.shop.example"][..], true),
        (&["a.shop.example", "b.shop.example"], &["b.shop.example"], true),
        (&["a.shop.example"], &["other.example", "a.shop.example"], true),
        (&["a.shop.example"], &[], true),
        (&["a.shop.example"], &["*.shop.example"], true),
        (&["*.shop.example"], &["a.shop.example"], true),
        (&["*.shop.example"], &["*.a.shop.example"], true),
        (&["a.shop.example"], &["b.shop.example"], false),
        (&["a.shop.example"], &["*.other.example"], false),
    ] {
        let led = led_to(&hosts(profile), "", of(route));
        assert_eq!(led, ["get /stock/{product}"][..usize::from(is_led_to)], "{profile:?}, {route:?}");
    }
    // What any host leads to is another route's where the profile's own does.
    let mut own = plain("/stock", "catalog", "/api/catalog/products");
    own.hosts = hosts(&["a.shop.example"]);
    let led = led_to(&hosts(&["a.shop.example"]), "", [of(&[]), vec![own]].concat());
    assert_eq!(led, ["get /stock", "post /stock", "get /stock/{id}", "get /stock/{id}/reviews"]);
}

fn plain(pattern: &str, service: &str, rewrite: &str) -> Route {
    let mut route = Route::new(pattern, Upstream::new(service, [])).unwrap();
    route.rewrite = Some(Rewrite::parse(rewrite, &route.path).unwrap());
    route
}

#[test]
fn what_plain_routes_of_a_profile_lead_to_is_in_its_document() {
    let mut elsewhere = plain("/web/stock", "stock", "/v1/stock");
    elsewhere.hosts = vec![HostPattern::parse("other.example").unwrap()];
    let routes = vec![
        plain("/web/catalog", "catalog", "/api/catalog"),
        plain("/webs/stock", "stock", "/v1/stock"),
        plain("/stock", "stock", "/v1/stock"),
        elsewhere,
    ];
    let document =
        document_with(&profile("{ product { name } }", false), &RouteTable::new(routes).unwrap(), &documents());
    let document = Document::new(document.as_value().clone()).unwrap_or_else(|error| panic!("{error}"));
    let operations: Vec<String> = document.operations().map(|its| format!("{} {}", its.method, its.path)).collect();
    assert_eq!(
        operations,
        [
            "get /web/catalog/products",
            "post /web/catalog/products",
            "get /web/catalog/products/{id}",
            "get /web/catalog/products/{id}/reviews",
            "get /web/products/{id}",
        ]
    );
    assert_eq!(document.as_value()["info"]["description"], "What the profile web answers.");
}

fn described(selection: &str) -> Document {
    let document = document_of(&profile(selection, false));
    Document::new(document.as_value().clone()).unwrap_or_else(|error| panic!("{error}"))
}

/// The schema of the whole answer.
fn answer(selection: &str) -> Value {
    described(selection).as_value()["components"]["schemas"]["page"].clone()
}

/// The schema of one of its members, and whether it is always there.
fn member(selection: &str, name: &str) -> (Value, bool) {
    let answer = answer(selection);
    let required = answer["required"].as_array().is_some_and(|names| names.iter().any(|its| its == name));
    (answer["properties"][name].clone(), required)
}

#[test]
fn what_is_selected_has_the_services_types_and_the_authors_names() {
    let selection = "{ product { title: name brand price_cents @default(value: 0) maker { name } } }";
    let (schema, required) = member(selection, "product");
    assert!(required);
    assert_eq!(
        schema,
        json!({
            "type": "object",
            "required": ["title", "price_cents"],
            "properties": {
                "title": {"type": "string"},
                "brand": {"type": ["string", "null"]},
                "price_cents": {"anyOf": [{"type": "integer", "minimum": 1}, {"const": 0}]},
                "maker": {"type": ["object", "null"], "required": ["name"], "properties": {"name": {"type": "string"}}},
            },
        })
    );
    let whole = described("{ product { maker similar @first(n: 3) } }");
    let schemas = &whole.as_value()["components"]["schemas"];
    let product = &schemas["page"]["properties"]["product"]["properties"];
    assert_eq!(product["maker"], json!({"anyOf": [{"$ref": "#/components/schemas/catalog.Maker"}, {"type": "null"}]}));
    assert_eq!(product["similar"]["maxItems"], 3);
    assert_eq!(product["similar"]["items"]["$ref"], "#/components/schemas/catalog.Product");
    let names: BTreeSet<&str> = schemas.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["catalog.Maker", "catalog.Product", "gateway.Problem", "page"]));
}

#[test]
fn what_happens_on_failure_says_what_is_always_there() {
    let (_, required) = member("{ stock { available } }", "stock");
    assert!(!required, "it is left out when its service fails");
    let (schema, required) = member("{ stock { available @default(value: null) } }", "stock");
    assert!(!required && schema["properties"]["available"]["anyOf"][1] == json!({"const": null}), "{schema}");
    let (schema, required) = member("{ reviews { items { stars } average } }", "reviews");
    assert!(required);
    assert_eq!(schema["anyOf"][1], json!({"const": {"items": []}}), "{schema}");
    let (schema, required) = member("{ cards { items { id } } }", "cards");
    assert!(!required && schema["required"] == json!(["items"]), "there may be nothing to ask for: {schema}");
    let (schema, required) = member("{ stock_of { available } }", "stock_of");
    assert!(!required);
    assert_eq!(schema["items"]["type"], json!(["object", "null"]), "{schema}");
    assert_eq!(schema["maxItems"], 50);
    let (_, required) = member("{ maker_of { name } }", "maker_of");
    assert!(required, "of no elements it is a list of none");
    let (schema, _) = member("{ product { similar { id stock_of { available } } } }", "product");
    let element = &schema["properties"]["similar"]["items"];
    assert_eq!((&element["required"], &element["properties"]["stock_of"]["type"]), (&json!(["id"]), &json!("object")));
}

#[test]
fn what_is_flattened_stands_where_it_would() {
    let flat = answer(
        "{ product @flatten { id maker @flatten { maker: name } } stock @flatten { available expected @default(value: \"?\") } }",
    );
    assert_eq!(flat["required"], json!(["id", "expected"]));
    assert_eq!(flat["properties"]["maker"], json!({"type": "string"}));
    assert_eq!(flat["properties"]["available"], json!({"type": "integer", "minimum": 0}));
    assert_eq!(
        flat["properties"]["expected"],
        json!({"anyOf": [{"type": "string", "format": "date"}, {"const": "?"}]})
    );
}

#[test]
fn parameters_are_those_of_the_services() {
    let document = described("{ product { id } reviews { average } cards { next } }");
    let get = &document.as_value()["paths"]["/web/products/{id}"]["get"];
    let parameters = get["parameters"].as_array().unwrap();
    let (of_services, own) = parameters.split_at(parameters.len() - 3);
    let own: Vec<(&Value, &Value)> = own.iter().map(|own| (&own["name"], &own["in"])).collect();
    assert_eq!(json!(own), json!([["Tradewind-After", "header"], ["Tradewind-As-Of", "header"], ["as_of", "query"]]));
    assert_eq!(
        Value::from(of_services),
        json!([
            {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "maxLength": 40}},
            {"name": "cards", "in": "query", "required": false, "description": "How many at most",
             "schema": {"type": "integer", "maximum": 100, "default": 4}},
            {"name": "reviews", "in": "query", "required": false, "schema": {"type": "integer", "minimum": 1, "default": 10}},
        ])
    );
    assert!(get["responses"]["200"]["headers"]["Tradewind-Fragments"]["required"].as_bool().unwrap());
    assert_eq!(get["responses"]["404"]["description"], "A service has no such thing");
    let none = described("{ stock { available } }");
    assert!(none.as_value()["paths"]["/web/products/{id}"]["get"]["responses"].get("404").is_none());
}

#[test]
fn a_parameter_of_the_calls_that_is_called_as_the_moment_is_theirs_alone() {
    let call = call("product", "catalog:/api/catalog/products/{id}?limit={as_of:3}", OnFailure::ERROR);
    let own = Composition::parse("page", "/products/{id}", &[call], CompositionLimits::default()).unwrap();
    let serves = [("page", "{ product { id } }")];
    let (defaults, fixed) = (Parameters::new(), Parameters::new());
    let text = ProfileText { name: "web", prefix: "/web", serves: &serves, defaults, fixed, report: false };
    let document = document_of(&Profile::parse(&text, &[own], &Fragments::default()).unwrap());
    let get = &document.as_value()["paths"]["/web/products/{id}"]["get"];
    let parameters = get["parameters"].as_array().unwrap().iter();
    let moments: Vec<&Value> = parameters.filter(|its| its["name"] == "as_of").collect();
    assert_eq!(moments.len(), 1, "{moments:?}");
    assert_eq!(moments[0]["schema"]["default"], "3");
}

/// A service that says all that a composed answer can pass on.
struct Tells;

impl Ask for Tells {
    fn ask<'a>(&'a self, _: Question<'a>) -> Answering<'a> {
        let headers = [
            ("age", "3"),
            ("cache-control", "max-age=60"),
            ("tradewind-as-of", "2017-03-31"),
            ("tradewind-position", "42"),
            ("vary", "accept-language"),
        ];
        let headers = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let piece = Piece::new(&headers.collect(), r#"{"id": "7"}"#);
        Box::pin(std::future::ready(Ok(piece)))
    }
}

#[tokio::test]
async fn all_headers_that_an_answer_can_have_are_described() {
    let profile = profile("{ product { id } }", false);
    let parameters = Parameters::new().with("id", "7");
    let deadline = Instant::now() + Duration::from_secs(10);
    let request = Request { parameters: &parameters, headers: &HeaderMap::new(), deadline };
    let answer = profile.served()[0].composed.answer(&request, &Tells).await.unwrap();
    let mut told: BTreeSet<String> = answer.headers.keys().map(ToString::to_string).collect();
    assert!(told.remove("content-type"), "it is described with the content");
    let document = document_of(&profile);
    let headers = &document.as_value()["paths"]["/web/products/{id}"]["get"]["responses"]["200"]["headers"];
    let described = headers.as_object().unwrap().keys().map(|name| name.to_ascii_lowercase()).collect();
    assert_eq!(told, described);
}

#[test]
fn a_parameter_of_which_a_service_says_no_more_than_that_it_takes_it_has_its_default() {
    for anything in [json!(true), json!({})] {
        let mut documents = documents();
        let mut catalog = documents["catalog"].as_value().clone();
        let reviews = &mut catalog["paths"]["/api/catalog/products/{id}/reviews"]["get"]["parameters"];
        reviews[1]["schema"] = anything;
        documents.insert("catalog".to_owned(), document(&catalog));
        let described = document_with(&profile("{ reviews { average } }", false), &RouteTable::default(), &documents);
        let get = &described.as_value()["paths"]["/web/products/{id}"]["get"];
        assert_eq!(get["parameters"][1]["schema"], json!({"default": "10"}));
    }
}

/// Services that answer by chance, in all ways that their documents allow.
struct Chance(std::sync::Mutex<fastrand::Rng>);

impl Chance {
    fn product(random: &mut fastrand::Rng, depth: usize) -> Value {
        let mut product = json!({"id": random.u8(..).to_string(), "name": "Tea", "price_cents": 350, "more": [1]});
        match random.u8(..3) {
            0 => product["brand"] = Value::Null,
            1 => product["brand"] = "B".into(),
            _ => {}
        }
        match random.u8(..4) {
            0 => product["maker"] = Value::Null,
            1 => product["maker"] = json!({"name": "M"}),
            2 => product["maker"] = json!({"name": "M", "country": "C"}),
            _ => {}
        }
        if random.bool() {
            let count = if depth == 0 { 0 } else { random.usize(..3) };
            product["similar"] = (0..count).map(|_| Self::product(random, depth - 1)).collect();
        }
        product
    }

    fn answer(random: &mut fastrand::Rng, path: &str) -> Value {
        if path.starts_with("/v1/stock") {
            let expected = if random.bool() { Value::Null } else { "2030-01-01".into() };
            return json!({"available": random.u8(..), "expected": expected});
        }
        if path.ends_with("/reviews") {
            let review = |random: &mut fastrand::Rng| match random.u8(..3) {
                0 => json!({"stars": 5}),
                1 => json!({"stars": 1, "text": null}),
                _ => json!({"stars": 3, "text": "so so"}),
            };
            let items: Vec<Value> = (0..random.usize(..4)).map(|_| review(random)).collect();
            return match random.u8(..3) {
                0 => json!({ "items": items }),
                1 => json!({"items": items, "average": null}),
                _ => json!({"items": items, "average": 3.5}),
            };
        }
        if path.ends_with("/products") {
            let items: Vec<Value> = (0..random.usize(..3)).map(|_| Self::product(random, 1)).collect();
            return if random.bool() { json!({ "items": items }) } else { json!({"items": items, "next": null}) };
        }
        Self::product(random, 2)
    }
}

impl Ask for Chance {
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a> {
        let mut random = self.0.lock().unwrap();
        let path = question.path_and_query.split('?').next().unwrap_or_default();
        let failed = random.u8(..4) == 0 && question.call != "product";
        let answer = Self::answer(&mut random, path);
        drop(random);
        Box::pin(async move {
            match failed {
                true => Err(Failed::Unavailable),
                false => Ok(Piece::new(&HeaderMap::new(), Bytes::from(answer.to_string()))),
            }
        })
    }
}

/// No member but those that are told.
fn close(schema: &mut Value) {
    if let Some(members) = schema.as_object_mut() {
        if members.contains_key("properties") {
            members.insert("additionalProperties".to_owned(), false.into());
        }
        members.values_mut().for_each(close);
    } else if let Some(list) = schema.as_array_mut() {
        list.iter_mut().for_each(close);
    }
}

#[tokio::test]
async fn whatever_services_answer_the_whole_is_as_its_document_says() {
    let chance = Chance(std::sync::Mutex::new(fastrand::Rng::with_seed(7)));
    for selection in [
        "{ product { id title: name brand maker { name country } similar { id brand @default(value: \"none\") } }
           reviews { items @first(n: 2) { stars text } average } stock { available expected } }",
        "{ product @flatten { id maker @flatten { maker: name } brand @default(value: \"-\") }
           stock @flatten { available expected @default(value: \"?\") } reviews @flatten { items average } }",
        "{ cards { items { id maker @default(value: {name: \"?\"}) } next } stock_of { available }
           product { similar { name stock_of { expected } } } }",
        "{ product { maker @default(value: {name: \"?\"}) { name } similar @first(n: 1) brand @default(value: 3) }
           stock_of @first(n: 1) @default(value: []) stock @default(value: {available: 0}) }",
    ] {
        let profile = profile(selection, true);
        let document = document_of(&profile);
        let mut schemas = document.as_value()["components"].clone();
        // Of components that are taken whole, the services may say more.
        close(&mut schemas["schemas"]["page"]);
        let schema = json!({"$ref": "#/components/schemas/page", "components": schemas});
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        for _ in 0..300 {
            let parameters = Parameters::new().with("id", "7");
            let headers = HeaderMap::new();
            let deadline = Instant::now() + Duration::from_secs(10);
            let request = Request { parameters: &parameters, headers: &headers, deadline };
            let answer = profile.served()[0].composed.answer(&request, &chance).await.unwrap();
            let answer: Value = serde_json::from_slice(&answer.body).unwrap();
            if let Err(error) = validator.validate(&answer) {
                panic!(
                    "{error}\nat {}\nof {answer:#}\nby {:#}",
                    error.instance_path(),
                    schema["components"]["schemas"]["page"]
                );
            }
        }
    }
}
