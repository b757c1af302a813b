//! What the gateway has stored is purged by a service's events, with everything as it runs for people.

use std::time::Duration;

use serde_json::Value;

use crate::service::described;
use crate::{Up, folder, get, send_signal, until};

const ROUTES: &str = r#"
[gateway.routes."/products/{id}"]
to = "products"
cache = { fresh = "1h", tags = ["product:{id}"] }
on_failure = { stale = "10m" }

[gateway.compositions.product]
path = "/products/{id}"
cache = { fresh = "1h", tags = ["product:{id}"] }
calls.product = { get = "products:/products/{id}", on_failure = { stale = "10m" } }

[gateway.profiles.web]
prefix = "/web"
serves.product = "{ product @flatten { name } }"
"#;

fn manifest(routes: &str) -> String {
    format!("{routes}\n{}", described("products", "products", "restart = { first_delay = \"2s\" }"))
}

/// Where the service itself is, and its process.
fn service(up: &Value) -> (String, u32) {
    let of = &up["services"][0];
    (of["address"].as_str().unwrap().to_owned(), of["pid"].as_u64().unwrap().try_into().unwrap())
}

fn rename(address: &str, id: &str, name: &str) -> String {
    crate::send(address, &format!("POST /products/{id}"), name)
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let mut lines = answer.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim())
}

#[test]
fn an_event_purges_what_shows_its_entity_and_nothing_else() {
    let folder = folder(&manifest(ROUTES));
    let up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    let gateway = told["gateway"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let (address, pid) = service(&told);
    for (id, name) in [("7", "Tea"), ("8", "Pot"), ("9", "Cup")] {
        rename(&address, id, name);
    }
    // Once an event has purged something, the service is followed.
    until(|| get(&gateway, "/products/9").starts_with("HTTP/1.1 200"));
    rename(&address, "9", "Mug");
    until(|| get(&gateway, "/products/9").ends_with("\"name\":\"Mug\"}"));
    let is_hit = |path: &str| header(&get(&gateway, path), "cache-status").contains("; hit");
    for path in ["/products/7", "/products/8", "/web/products/7"] {
        until(|| get(&gateway, path).starts_with("HTTP/1.1 200"));
    }
    assert!(is_hit("/products/7") && is_hit("/products/8") && is_hit("/products/9"));

    // At the service itself, so that the gateway can know by the event alone.
    rename(&address, "7", "Green tea");
    until(|| get(&gateway, "/products/7").ends_with("\"name\":\"Green tea\"}"));
    assert!(
        get(&gateway, "/web/products/7").ends_with("{\"name\":\"Green tea\"}"),
        "the call's answer is the same one"
    );
    assert!(is_hit("/products/7") && is_hit("/products/8"), "only what shows the product is asked for anew");

    // The gateway's own client that has written needs no event.
    let posted = rename(&gateway, "7", "Black tea");
    let cookie = header(&posted, "set-cookie").split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("tradewind-after.products=") && cookie.contains('~'), "{posted}");
    let seen = crate::send(&gateway, &format!("GET /web/products/7 HTTP/1.1\r\ncookie: {cookie}\r\nx-rest:"), "");
    assert!(seen.ends_with("{\"name\":\"Black tea\"}"), "{seen}");

    // The service falls, comes back, and is followed on.
    send_signal(pid, "-KILL");
    up.until("fell", |_| true);
    let bridged = get(&gateway, "/web/products/7");
    assert!(bridged.starts_with("HTTP/1.1 200"), "{bridged}");
    let again = up.until("ready", |line| line["service"] == "products" && line["pid"].as_u64() != Some(pid.into()));
    assert!(again["url"].as_str().is_some());
    until(|| is_hit("/products/8"));
    rename(&address, "8", "Kettle");
    until(|| get(&gateway, "/products/8").ends_with("\"name\":\"Kettle\"}"));
}

#[test]
fn who_reloads_a_page_is_given_what_is_stored_unless_the_rule_heeds_clients() {
    let heeding = r#"
[gateway.routes."/heeding/{id}"]
to = "products"
rewrite = "/products/{id}"
cache = { fresh = "1h", heeds_clients = true, tags = ["product:{id}"] }
"#;
    let folder = folder(&manifest(&format!("{ROUTES}{heeding}")));
    let up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    let gateway = told["gateway"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let (address, _) = service(&told);
    rename(&address, "7", "Tea");
    rename(&address, "9", "Cup");
    // Once a later event has purged something, none of these is still to come.
    until(|| get(&gateway, "/products/9").starts_with("HTTP/1.1 200"));
    rename(&address, "9", "Mug");
    until(|| get(&gateway, "/products/9").ends_with("\"name\":\"Mug\"}"));
    // As Chromium asks for what `fetch` is to get with `cache: "no-store"`, and for a page that is loaded anew.
    let asks = |path: &str, cache: &str| {
        let lines = "accept: application/json\r\nsec-fetch-mode: cors\r\nsec-fetch-site: same-origin\r\n";
        crate::send(&gateway, &format!("GET {path} HTTP/1.1\r\n{lines}{cache}x-rest:"), "")
    };
    let (anew, reloaded) = ("cache-control: no-cache\r\npragma: no-cache\r\n", "cache-control: max-age=0\r\n");
    for path in ["/products/7", "/heeding/7"] {
        until(|| header(&get(&gateway, path), "cache-status").contains("; hit"));
    }
    for headers in [anew, reloaded] {
        let given = asks("/products/7", headers);
        assert!(header(&given, "cache-status").contains("; hit"), "{given}");
        let asked = asks("/heeding/7", headers);
        assert!(header(&asked, "cache-status").contains("; fwd=request"), "{asked}");
    }
    let hits = |result: &str| -> u64 {
        let counted = get(&gateway, "/_gateway/metrics");
        let lines = counted.lines().filter(|line| line.contains("cache_requests_total"));
        let mut of = lines.filter(|line| line.contains("product.product") && line.contains(result));
        of.next().map_or(0, |line| line.rsplit(' ').next().unwrap().trim().parse().unwrap())
    };
    until(|| get(&gateway, "/web/products/7").ends_with("{\"name\":\"Tea\"}"));
    let before = hits("Hit");
    for headers in [anew, reloaded] {
        assert!(asks("/web/products/7", headers).ends_with("{\"name\":\"Tea\"}"));
    }
    assert_eq!(hits("Hit"), before + 2);
}

#[test]
fn rules_and_compositions_follow_the_manifest_while_up_runs() {
    let folder = folder(&manifest("[gateway.routes]\n\"/products\" = \"products\"\n"));
    let up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    let gateway = told["gateway"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    let (address, _) = service(&told);
    rename(&address, "7", "Tea");
    assert!(get(&gateway, "/web/products/7").starts_with("HTTP/1.1 404"));
    std::fs::write(folder.path().join("tradewind.toml"), manifest(ROUTES)).unwrap();
    until(|| get(&gateway, "/web/products/7").ends_with("{\"name\":\"Tea\"}"));
    until(|| header(&get(&gateway, "/products/7"), "cache-status").contains("; hit"));
    rename(&address, "7", "Green tea");
    until(|| get(&gateway, "/web/products/7").ends_with("{\"name\":\"Green tea\"}"));
}

#[test]
fn a_service_whose_events_cannot_be_followed_is_told_and_answers_all_the_same() {
    let routes = "[gateway.routes.\"/{id}\"]\nto = \"one\"\ncache = { fresh = \"1h\", tags = [\"thing:{id}\"] }\n";
    let folder = folder(&format!("{routes}{}", described("one", "ok", "")));
    let up = Up::start(folder.path());
    // It may be told before all is up, or after.
    let is_told = |line: &Value| line["text"].as_str().is_some_and(|text| text.contains("code=TW-3035"));
    let (mut gateway, mut told) = (None, None);
    while gateway.is_none() || told.is_none() {
        let line = up.lines.recv_timeout(Duration::from_secs(30)).unwrap();
        match line["type"].as_str() {
            Some("up") => gateway = Some(line["gateway"].as_str().unwrap().trim_start_matches("http://").to_owned()),
            _ if is_told(&line) => told = Some(line),
            _ => {}
        }
    }
    let (gateway, told) = (gateway.unwrap(), told.unwrap());
    assert!(get(&gateway, "/7").ends_with("one"));
    assert!(told["text"].as_str().unwrap().contains("service=one"), "{told}");
    assert!(header(&get(&gateway, "/7"), "cache-status").contains("; hit"));
}
