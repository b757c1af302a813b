use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tradewind_events::SystemClock;

use super::{Because, Lacking, Outlook};
use crate::cache::{Cache, CacheOptions, CachePolicy, OnFailure as WhenStale};
use crate::compose::{CallText, Composition, CompositionLimits, Fragments, OnFailure};
use crate::{Action, CallPolicy, CallRule, Composing, PathPattern, Plan, Policies, Route, RouteTable, Upstream};

const STALE: Duration = Duration::from_secs(600);

fn call<'a>(name: &'a str, get: &'a str, on_failure: OnFailure) -> CallText<'a> {
    CallText { name, get, each: None, on_failure, timeout: None }
}

/// A product page: what comes first, what depends on it, and what may be missing.
fn page() -> Route {
    let calls = [
        call("product", "catalog:/products/{id}", OnFailure::ERROR.or_stale(STALE)),
        call("reviews", "reviews:/of/{id}", OnFailure::default_value(json!({ "items": [] }))),
        call("stock", "inventory:/products/{id}", OnFailure::OMIT),
        call("similar", "graph:/similar/{id}", OnFailure::OMIT.or_stale(STALE)),
        call("cards", "catalog:/products?ids={similar.items[].id}", OnFailure::OMIT),
        call("authors", "people:/named?ids={reviews.items[].by}", OnFailure::ERROR),
    ];
    let composition = Composition::parse("product", "/products/{id}", &calls, CompositionLimits::default()).unwrap();
    let selection =
        "{ product { id } reviews { items { stars } } stock { n } cards { items { id } } authors { name } }";
    let composed = Arc::new(composition.select(selection, &Fragments::default()).unwrap());
    let rule = |text: &CallText<'_>| {
        let service = text.get.split(':').next().unwrap();
        let mut cache = CachePolicy::new(text.name, service);
        cache.on_failure = text.on_failure.stale.map_or(WhenStale::Error, WhenStale::Stale);
        CallRule {
            name: text.name.into(),
            get: text.get.into(),
            upstream: Upstream::new(service, []),
            cache: text.on_failure.stale.map(|_| Arc::new(cache)),
            positions: None,
        }
    };
    let calls = calls.iter().map(rule).collect();
    let (name, timeout) = ("web/product".into(), Duration::from_secs(10));
    let composing = Composing { name, composed, calls, timeout, credentials: false };
    Route::to(PathPattern::parse("/web/products/{id}").unwrap(), Action::Compose(Arc::new(composing)))
}

fn plan(routes: Vec<Route>) -> Plan {
    let cache = Some(Cache::new(CacheOptions::default(), Arc::new(SystemClock)));
    Plan { cache, ..Plan::from(RouteTable::new(routes).unwrap()) }
}

fn without(service: &str) -> Outlook {
    plan(vec![page()]).without(service).unwrap()
}

#[test]
fn a_part_that_cannot_be_done_without_fails_the_whole_unless_something_stale_stands_in() {
    let outlook = without("catalog");
    let route = &outlook.routes[0];
    let stored = route.stored.as_ref().unwrap();
    assert_eq!((stored.stale, stored.answered.status.as_u16()), (Some(STALE), 200));
    assert_eq!((route.otherwise.status.as_u16(), route.otherwise.is_ok()), (503, false));
    let parts: Vec<_> = route.fragments.iter().map(|part| (&*part.fragment, part.stale, &part.otherwise)).collect();
    assert_eq!(parts, [("product", Some(STALE), &Lacking::Fails), ("cards", None, &Lacking::Omitted)]);
}

#[test]
fn what_takes_values_of_a_part_that_is_left_out_is_left_out_too() {
    let route = &without("graph").routes[0];
    assert!(route.otherwise.is_ok());
    assert_eq!(route.stored.as_ref().map(|stored| stored.stale), Some(Some(STALE)));
    let because: Vec<_> = route.fragments.iter().map(|part| (&*part.fragment, &part.because)).collect();
    assert_eq!(because, [("similar", &Because::Service), ("cards", &Because::TakesFrom("similar".to_owned()))]);
}

#[test]
fn a_default_stands_in_for_those_behind_it_too() {
    let route = &without("reviews").routes[0];
    assert_eq!((route.stored.clone(), route.otherwise.is_ok()), (None, true));
    let otherwise: Vec<_> = route.fragments.iter().map(|part| &part.otherwise).collect();
    assert_eq!(otherwise, [&Lacking::Default(json!({ "items": [] })), &Lacking::AskedByDefault]);
    assert_eq!(without("people").routes[0].otherwise.status.as_u16(), 503);
}

#[test]
fn a_plain_route_answers_by_its_rule_and_its_patience() {
    let upstream = Upstream::new("catalog", []);
    let route = |path: &str, policies: Policies| {
        let mut route = Route::new(path, upstream.clone()).unwrap();
        route.policies = Arc::new(policies);
        route
    };
    let mut stale = CachePolicy::new("stale", "catalog");
    stale.on_failure = WhenStale::Stale(STALE);
    let calls = CallPolicy { unreachable: Duration::from_secs(5), ..CallPolicy::default() };
    let plan = plan(vec![
        route("/plain", Policies::default()),
        route("/short", Policies { deadline: Some(Duration::from_secs(1)), ..Policies::default() }),
        route("/patient", Policies { calls: Some(Arc::new(calls)), ..Policies::default() }),
        route("/stale", Policies { cache: Some(Arc::new(stale)), ..Policies::default() }),
        Route::new("/other", Upstream::new("other", [])).unwrap(),
    ]);
    let outlook = plan.without("catalog").unwrap();
    let told = |name: &str| {
        let route = outlook.routes.iter().find(|route| route.route == name).unwrap();
        let stale = route.stored.as_ref().and_then(|stored| stored.stale);
        (route.otherwise.status.as_u16(), route.otherwise.within.unwrap().as_millis(), stale)
    };
    assert_eq!(told("/plain"), (503, 2_000, None));
    assert_eq!(told("/short"), (504, 1_000, None));
    assert_eq!(told("/patient"), (503, 5_000, None));
    assert_eq!(told("/stale"), (503, 100, Some(STALE)));
    assert_eq!(outlook.unaffected, ["/other"]);
    let error = plan.without("nobody").unwrap_err();
    assert_eq!(error.to_string(), "no route leads to a service \"nobody\"; there are catalog, other");
}
