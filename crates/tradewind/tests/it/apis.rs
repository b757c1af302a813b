//! OpenAPI documents: of the services that the manifest names, of those that run, of the gateway.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};

use crate::service::described;
use crate::{Up, folder, get, stderr_of, tradewind, until};

/// A service that sells things, with a word on each that its document tells.
fn document(field: &str) -> Value {
    let thing = json!({"type": "object", "required": ["id", field], "properties": {
        "id": {"type": "string"}, field: {"type": ["string", "null"]}}});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "one", "version": "1"},
        "paths": {
            "/things/{id}": {"get": {
                "operationId": "getThing",
                "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "It", "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Thing"}}}}},
            }},
            "/inside": {"get": {"responses": {"200": {"description": "For nobody outside"}}}},
        },
        "components": {"schemas": {"Thing": thing}},
    })
}

/// A manifest with a route to a service whose document is kept beside it.
fn shop(mode: &str, field: &str) -> tempfile::TempDir {
    let one = described("one", mode, "openapi = \"one.json\"");
    let text = format!("[gateway.routes]\n\"/things\" = \"one\"\n[gateway.openapi]\ntitle = \"Things\"\n\n{one}");
    let folder = folder(&text);
    write(folder.path(), "one.json", &document(field));
    folder
}

fn write(folder: &Path, name: &str, value: &Value) {
    std::fs::write(folder.join(name), serde_json::to_string_pretty(value).unwrap()).unwrap();
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    tradewind().arg("gateway").args(arguments).current_dir(folder).output().unwrap()
}

/// Waits until all is up and these words were logged, those of a line together, in whatever order that comes; the
/// gateway's address.
fn up_and_told(up: &Up, lines: &[&[&str]]) -> String {
    let (mut gateway, mut left) = (None, lines.to_vec());
    while gateway.is_none() || !left.is_empty() {
        let line = up.lines.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("never told: {left:?}"));
        if line["type"] == "up" {
            gateway = line["gateway"].as_str().and_then(|url| url.strip_prefix("http://")).map(str::to_owned);
        }
        let text = line["text"].as_str().unwrap_or_default();
        left.retain(|words| !words.iter().all(|word| text.contains(word)));
    }
    gateway.unwrap()
}

#[test]
fn the_gateway_s_document_is_printed_without_anything_running() {
    let folder = shop("ok", "name");
    let printed = run(folder.path(), &["openapi"]);
    assert!(printed.status.success(), "{}", stderr_of(&printed));
    let told: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(
        (&told["info"]["title"], &told["servers"][0]["url"]),
        (&json!("Things"), &json!("http://127.0.0.1:8080"))
    );
    let paths: Vec<&String> = told["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/things/{id}"]);
    assert_eq!(told["paths"]["/things/{id}"]["get"]["operationId"], "one.getThing");
    assert!(told["components"]["schemas"]["one.Thing"].is_object());
    let unknown = run(folder.path(), &["openapi", "--profile", "web"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr_of(&unknown).contains("no profile \"web\""), "{}", stderr_of(&unknown));
}

#[test]
fn what_breaks_since_an_older_document_is_named() {
    let folder = shop("ok", "name");
    assert!(run(folder.path(), &["openapi", "--output", "old.json"]).status.success());
    let check = |arguments: &[&str]| run(folder.path(), &[&["check", "--against", "old.json"], arguments].concat());
    let same = check(&[]);
    assert!(same.status.success(), "{}", stderr_of(&same));
    write(folder.path(), "one.json", &document("title"));
    let broken = check(&[]);
    assert_eq!(broken.status.code(), Some(1));
    let wanted = "error[TW-3053]: 1 change breaks who relies on old.json\n  GET /things/{id}, answer 200, .name: it is there no \
                  more (response-required-property-removed)\n";
    assert!(stderr_of(&broken).starts_with(wanted), "{}", stderr_of(&broken));
    let json: Value = serde_json::from_slice(&check(&["--json"]).stdout).unwrap();
    assert_eq!(json["breaking"][0]["kind"], "response-required-property-removed");
    std::fs::write(folder.path().join("old.json"), "{}").unwrap();
    assert!(stderr_of(&check(&[])).contains("error[TW-3051]: the older document old.json cannot be read: #/openapi"));
}

/// The manifest of a profile over one composition.
fn composed(get: &str, selection: &str) -> tempfile::TempDir {
    let one = described("one", "documented", "openapi = \"one.json\"");
    let text = format!(
        "[gateway.routes]\n\"/things\" = \"one\"\n\n[gateway.fragments]\nthing = \"\"\"\nfragment thing on Thing {{\n  id\n  \
         label: name\n}}\"\"\"\n\n[gateway.compositions.thing]\npath = \"/thing/{{id}}\"\n\
         calls.thing = {{ get = \"{get}\", on_failure = \"omit\" }}\n\n\
         [gateway.profiles.web]\nprefix = \"/web\"\nserves.thing = \"{selection}\"\n\n{one}"
    );
    let folder = folder(&text);
    write(folder.path(), "one.json", &document("name"));
    folder
}

#[test]
fn a_profile_s_document_has_the_shape_that_it_selects() {
    let folder = composed("one:/things/{id}", "{ thing { ...thing } }");
    let printed = run(folder.path(), &["openapi", "--profile", "web"]);
    assert!(printed.status.success(), "{}", stderr_of(&printed));
    let told: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(told["paths"]["/web/thing/{id}"]["get"]["operationId"], "thing");
    assert_eq!(
        told["components"]["schemas"]["thing"]["properties"]["thing"],
        json!({"type": "object", "required": ["id", "label"], "properties": {
            "id": {"type": "string"}, "label": {"type": ["string", "null"]}}})
    );
}

#[test]
fn what_compositions_ask_for_and_no_document_has_is_an_error_with_its_place() {
    let check = |get: &str, selection: &str| {
        let folder = composed(get, selection);
        let output = run(folder.path(), &["check", "--json"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr_of(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let problem = &told["problems"][0];
        assert_eq!(problem["code"], "TW-3052", "{told}");
        let text = |key: &str| problem[key].as_str().unwrap().to_owned();
        format!("{}:{}: {}; {}", problem["line"], problem["column"], text("message"), text("help"))
    };
    assert_eq!(
        check("one:/thing/{id}", "{ thing { id } }"),
        "13:28: composition `thing`: one has no path /thing/{}; did you mean \"/things/{id}\"?"
    );
    assert_eq!(
        check("one:/things/{id}?lang=en", "{ thing { id } }"),
        "13:41: composition `thing`: one knows no parameter \"lang\" in the query of /things/{}; `tradewind gateway \
         openapi` prints what there is"
    );
    assert_eq!(
        check("one:/things/{id}", "{ thing { id nam } }"),
        "17:30: profile `web`: what one answers at /things/{} has no field \"nam\"; did you mean \"name\"?"
    );
}

#[test]
fn what_does_not_fit_the_services_that_run_is_told_while_up_runs() {
    let folder = composed("one:/things/{id}", "{ thing { ...thing } }");
    write(folder.path(), "one.running.json", &document("title"));
    let up = Up::start(folder.path());
    let gateway = up_and_told(&up, &[&["TW-3052", "fragment \"thing\", ", "has no field \"name\""]]);
    until(|| get(&gateway, "/_gateway/openapi/web.json").contains("/web/thing/{id}"));
    assert!(get(&gateway, "/_gateway/docs/web").contains("swagger-ui-bundle.js"));
}

#[cfg(not(feature = "validate"))]
#[test]
fn a_program_that_cannot_hold_requests_against_documents_says_so() {
    let one = described("one", "ok", "openapi = \"one.json\"");
    let folder =
        folder(&format!("[gateway.policies]\nvalidate = true\n[gateway.routes]\n\"/things\" = \"one\"\n{one}"));
    write(folder.path(), "one.json", &document("name"));
    let told = stderr_of(&run(folder.path(), &["check"]));
    assert!(told.contains("tradewind.toml:2:12: this program was built without what holds requests"), "{told}");
}

#[cfg(feature = "validate")]
#[test]
fn requests_are_held_against_the_document_where_a_route_says_so() {
    let one = described("one", "ok", "openapi = \"one.json\"");
    let routes =
        "[gateway.routes.\"/things\"]\nto = \"one\"\nvalidate = true\n[gateway.routes.\"/free\"]\nto = \"one\"\n";
    let folder = folder(&format!("{routes}{one}{}", described("other", "ok", "")));
    write(folder.path(), "one.json", &document("name"));
    let up = Up::start(folder.path());
    let gateway = up.until_up();
    assert!(get(&gateway, "/things/7").ends_with("one"));
    assert!(get(&gateway, "/things").contains("TW-3054"), "there is no such path");
    assert!(get(&gateway, "/free").ends_with("one"));
    drop(up);
    let manifest = folder.path().join("tradewind.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replacen("to = \"one\"", "to = \"other\"", 1)).unwrap();
    let told = stderr_of(&run(folder.path(), &["check"]));
    assert!(told.contains("there is no OpenAPI document of service `other` to hold requests against"), "{told}");
}

#[test]
fn a_document_that_cannot_be_read_is_told_with_its_pointer() {
    let folder = shop("ok", "name");
    let mut wrong = document("name");
    wrong["paths"]["/things/{id}"]["get"]["parameters"][0]["name"] = Value::Null;
    write(folder.path(), "one.json", &wrong);
    let told = stderr_of(&run(folder.path(), &["check"]));
    let place = "#/paths/~1things~1{id}/get/parameters/0/name: a parameter has a name [TW-3051]";
    assert!(told.contains("the OpenAPI document of service `one` cannot be read") && told.contains(place), "{told}");
    let json: Value = serde_json::from_slice(&run(folder.path(), &["check", "--json"]).stdout).unwrap();
    assert_eq!(json["problems"][0]["code"], "TW-3051");
    std::fs::remove_file(folder.path().join("one.json")).unwrap();
    assert!(stderr_of(&run(folder.path(), &["check"])).contains("No such file"));
}

#[test]
fn while_up_runs_the_documents_of_what_runs_are_told() {
    let folder = shop("documented", "name");
    write(folder.path(), "one.running.json", &document("title"));
    let up = Up::start(folder.path());
    let gateway = up_and_told(
        &up,
        &[
            &["one runs with another OpenAPI document than one.json", "TW-3055"],
            &["answer 200, .name: it is there no more (response-required-property-removed)"],
        ],
    );
    let document = || {
        let answer = get(&gateway, "/_gateway/openapi.json");
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or(answer);
        serde_json::from_str::<Value>(&body).unwrap_or_default()
    };
    until(|| document()["components"]["schemas"]["one.Thing"]["properties"]["title"].is_object());
    assert_eq!(document()["servers"][0]["url"], "/");
    assert!(get(&gateway, "/_gateway/docs").contains("swagger-ui-bundle.js"));
    assert!(get(&gateway, "/_gateway/openapi").contains("/_gateway/openapi.json"));

    // What clients see follows the routes while they change.
    let manifest = folder.path().join("tradewind.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(
        &manifest,
        text.replace("\"/things\" = \"one\"", "\"/t/{id}\" = { to = \"one\", rewrite = \"/things/{id}\" }"),
    )
    .unwrap();
    until(|| document()["paths"]["/t/{id}"].is_object());
}

#[test]
fn an_operation_that_another_hides_is_told_with_its_route_s_line() {
    let folder = shop("ok", "name");
    let one = described("one", "ok", "openapi = \"one.json\"");
    let versioned = "[[gateway.route]]\npath = \"/things/{id}\"\nto = \"one\"\nheaders = { x-version = \"2\" }\n";
    let text = format!("[gateway.routes]\n\"/things\" = \"one\"\n{versioned}{one}");
    std::fs::write(folder.path().join("tradewind.toml"), text).unwrap();
    let check = run(folder.path(), &["check", "--json"]);
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    let told = report["problems"].as_array().unwrap().iter().find(|problem| {
        problem["message"].as_str().unwrap().starts_with("in the OpenAPI document, GET /things/{id} of one")
    });
    assert_eq!(told.unwrap_or_else(|| panic!("{report}"))["line"], 3, "{report}");
}
