//! What is told of a dead service is what happens when it is dead.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy, OnFailure as WhenStale};
use tradewind_gateway::compose::OnFailure;
use tradewind_gateway::{Limits, Plan, Policies, Route, RouteTable};

use crate::acting::{Acting, header};
use crate::composing::{Shop, Wanted};
use crate::{gateway_before, status_of};

#[tokio::test]
async fn of_a_composed_answer() {
    let stale = Duration::from_secs(60);
    for on_failure in [
        OnFailure::ERROR,
        OnFailure::OMIT,
        OnFailure::default_value(json!({ "available": 0 })),
        OnFailure::ERROR.or_stale(stale),
    ] {
        let shop = Shop::new().await;
        let wanted = Wanted { on_failure: on_failure.clone(), timeout: Duration::from_secs(5), ..Wanted::default() };
        let outlook = shop.plan(&wanted).without("inventory").unwrap();
        assert_eq!(outlook.routes.len(), 1, "only one of the profiles selects the stock");
        let told = &outlook.routes[0];
        let gateway = shop.gateway(&wanted).await;
        assert_eq!(status_of(&gateway.page("").await), 200);
        shop.inventory.kill();
        let page = gateway.page("").await;
        let (answered, fragment) = match &told.stored {
            Some(stored) => (stored.answered, "stock;stale="),
            None => (told.otherwise, "stock;missing=unavailable"),
        };
        assert_eq!(status_of(&page), answered.status.as_u16(), "{on_failure:?}: {page}");
        if answered.is_ok() {
            assert!(header(&page, "tradewind-fragments").contains(fragment), "{on_failure:?}: {page}");
        } else {
            assert!(page.contains(&answered.code.unwrap().to_string()), "{on_failure:?}: {page}");
        }
    }
}

#[tokio::test]
async fn of_plain_routes() {
    let service = Acting::answering("cache-control: max-age=0\r\netag: \"1\"\r\n", "all is well").await;
    let upstream = service.upstream("catalog");
    let route = |path: &str, policies: Policies| {
        let mut route = Route::new(path, upstream.clone()).unwrap();
        route.policies = Arc::new(policies);
        route
    };
    let mut rule = CachePolicy::new("stale", "catalog");
    rule.on_failure = WhenStale::Stale(Duration::from_secs(60));
    let routes = vec![
        route("/plain", Policies::default()),
        route("/short", Policies { deadline: Some(Duration::from_millis(200)), ..Policies::default() }),
        route("/stale", Policies { cache: Some(Arc::new(rule)), ..Policies::default() }),
    ];
    let cache = Some(Cache::new(CacheOptions::default(), Arc::new(SystemClock)));
    let plan = Plan { cache, ..Plan::from(RouteTable::new(routes).unwrap()) };
    let outlook = plan.without("catalog").unwrap();
    let gateway = gateway_before(plan, Limits::default()).await;
    assert_eq!(status_of(&gateway.get("/stale/1").await), 200);
    service.kill();
    for told in &outlook.routes {
        let never_asked = gateway.get(&format!("{}/2", told.route.name)).await;
        assert_eq!(status_of(&never_asked), told.otherwise.status.as_u16(), "{never_asked}");
        assert!(never_asked.contains(&told.otherwise.code.unwrap().to_string()), "{never_asked}");
        if told.stored.is_some() {
            let stored = gateway.get(&format!("{}/1", told.route.name)).await;
            assert!(status_of(&stored) == 200 && stored.contains("tradewind-stale: "), "{stored}");
        }
    }
    assert_eq!(outlook.routes.iter().filter(|told| told.stored.is_some()).count(), 1);
}
