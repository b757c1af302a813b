//! Compositions as `gateway explain` tells them.

use serde_json::Value;

use crate::service::described;
use crate::{folder, stderr_of, tradewind};

const MANIFEST: &str = r#"
[gateway.cache]
bytes = "16MiB"

[gateway.policies]
on_failure = "stale"

[gateway.routes."/api/catalog"]
to = "catalog"
cache = true

[gateway.fragments]
card = "fragment card on Product { id name }"

[gateway.compositions.product]
path = "/products/{id}"
timeout = "2s"
cache = { fresh = "30s", tags = ["product:{id}"] }
calls.product = { get = "catalog:/api/catalog/products/{id}" }
calls.stock = { get = "inventory:/api/inventory/products/{id}", on_failure = "omit", cache = false }
calls.similar = { get = "catalog:/api/catalog/similar/{id}?limit={similar:8}", on_failure = { stale = "1h", else = { default = { items = [] } } }, cache = { stale_while_revalidate = "2h" } }
calls.cards = { get = "catalog:/api/catalog/products?ids={similar.items[].product_id}", on_failure = "omit", cache = { fresh = "1m", tags = ["product:{product_id}"] } }

[gateway.compositions.mine]
path = "/mine"
credentials = true
calls.mine = { get = "inventory:/api/inventory/mine?page={page?}", cache = { fresh = "30s" } }

[gateway.upstreams.catalog]
addresses = ["10.1.1.1:80", "10.1.1.2:80"]

[gateway.profiles.web]
prefix = "/web"
serves.product = """
{
  product { ...card description }
  stock { available }
  similar: cards { items { ...card } }
}"""
serves.mine = "{ mine }"
defaults = { similar = 4 }
compress = true

[gateway.profiles.ios]
prefix = "/ios"
serves.product = "{ product @flatten { ...card } }"
"#;

#[test]
fn the_calls_of_a_composed_answer_are_explained() {
    let folder = folder(&format!("{MANIFEST}\n{}", described("inventory", "ok", "")));
    let explain = |path: &str, more: &[&str]| {
        let output =
            tradewind().args(["gateway", "explain", path]).args(more).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", stderr_of(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let told: Value = serde_json::from_str(&explain("/web/products/7", &["--json"])).unwrap();
    assert_eq!((&told["route"], &told["parameters"]["id"]), (&"web/product".into(), &"7".into()));
    let calls = told["calls"].as_array().unwrap();
    let of = |name: &str| calls.iter().find(|call| call["call"] == name).unwrap_or_else(|| panic!("no {name}: {told}"));
    assert_eq!((calls.len(), &of("stock")["service"]), (4, &"inventory".into()));
    assert_eq!(of("stock")["cache"], Value::Null);
    let cache = |name: &str| of(name)["cache"].as_str().unwrap().to_owned();
    assert!(cache("product").contains("fresh for 30s") && cache("product").contains("product:{id}"), "{told}");
    assert!(cache("similar").contains("stale by up to 3600s if it fails"), "{told}");
    assert!(cache("similar").contains("stale by up to 3600s while the service is asked"), "{told}");
    assert!(cache("cards").contains("product:{product_id}"), "{told}");
    let ios: Value = serde_json::from_str(&explain("/ios/products/7", &["--json"])).unwrap();
    assert_eq!(ios["calls"].as_array().unwrap().len(), 1, "what is not selected is not asked for");
    let text = explain("/web/products/7", &[]);
    assert!(text.contains("call        product = catalog:/api/catalog/products/{id}"), "{text}");
    assert_eq!(of("similar")["target"], "/api/catalog/similar/7?limit=4", "as the profile says it");
    assert_eq!(of("cards")["target"], "/api/catalog/products?ids={similar.items[].product_id}");
    assert_eq!(of("stock")["cache_key"], Value::Null);
    let key = serde_json::json!({
        "service": "catalog", "by_who_asks": false, "host": "HOST", "target": "/api/catalog/products/7",
    });
    assert_eq!(of("product")["cache_key"], key);
    assert_eq!(of("product")["addresses"], serde_json::json!(["10.1.1.1:80", "10.1.1.2:80"]));
    let key = "cache key: catalog, HOST, /api/catalog/similar/7?limit=4, and what Vary names";
    assert!(text.contains("asks inventory for /api/inventory/products/7\n") && text.contains(key), "{text}");
    let (instance, upstream) = ("  instance    catalog: 10.1.1.1:80\n", "  upstream    catalog: a try within");
    assert!(text.matches(instance).count() == 1 && text.matches(upstream).count() == 1, "{text}");
    assert!(text.contains("  upstream    inventory: a try within"), "{text}");
    let decoded = explain("/web/products/a%20b?similar=%33&similar=9", &["--host", "shop.example"]);
    assert!(decoded.contains("shop.example, /api/catalog/similar/a%20b?limit=3, and what"), "{decoded}");
    let mine = explain("/web/mine", &[]);
    assert!(mine.contains("cache key: inventory, who asks, HOST, /api/inventory/mine, and what Vary names"), "{mine}");
    let plain: Value = serde_json::from_str(&explain("/api/catalog/x", &["--json"])).unwrap();
    assert!(plain["policies"].to_string().contains("stale by up to 86400s if it fails"), "{plain}");
}
