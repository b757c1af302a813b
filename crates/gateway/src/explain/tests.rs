use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;
use tradewind_events::SystemClock;

use super::{Answered, Because, Lacking, Outlook, RouteTaking};
use crate::cache::{Cache, CacheOptions, CachePolicy, OnFailure as WhenStale};
use crate::compose::{CallText, Composition, CompositionLimits, Fragments, OnFailure};
use crate::{
    Action, CallPolicy, CallRule, Composing, HeaderMatch, HostPattern, PathPattern, Plan, Policies, Route, RouteTable,
    Upstream,
};

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
        let route = outlook.routes.iter().find(|outlook| outlook.route.name == name).unwrap();
        let stale = route.stored.as_ref().and_then(|stored| stored.stale);
        (route.otherwise.status.as_u16(), route.otherwise.within.unwrap().as_millis(), stale)
    };
    assert_eq!(told("/plain"), (503, 2_000, None));
    assert_eq!(told("/short"), (504, 1_000, None));
    assert_eq!(told("/patient"), (503, 5_000, None));
    assert_eq!(told("/stale"), (503, 100, Some(STALE)));
    let unaffected: Vec<&str> = outlook.unaffected.iter().map(|route| &*route.name).collect();
    assert_eq!(unaffected, ["/other"]);
    let error = plan.without("nobody").unwrap_err();
    assert_eq!(error.to_string(), "no route leads to a service \"nobody\"; there are catalog, other");
}

#[test]
fn what_is_given_while_the_service_is_asked_anew_is_given_while_it_is_dead() {
    let hour = Duration::from_secs(3_600);
    let minute = Duration::from_secs(60);
    for (on_failure, revalidating, most) in [
        (WhenStale::Error, Some(hour), Some(hour)),
        (WhenStale::Stale(minute), Some(hour), Some(hour)),
        (WhenStale::Stale(hour), Some(minute), Some(hour)),
        (WhenStale::Error, Some(Duration::ZERO), None),
        (WhenStale::Error, None, None),
    ] {
        let mut rule = CachePolicy::new("/stored", "catalog");
        (rule.on_failure, rule.stale_while_revalidate) = (on_failure, revalidating);
        let mut route = Route::new("/stored", Upstream::new("catalog", [])).unwrap();
        route.policies = Arc::new(Policies { cache: Some(Arc::new(rule)), ..Policies::default() });
        let outlook = plan(vec![route]).without("catalog").unwrap();
        assert_eq!(outlook.routes[0].stored.as_ref().unwrap().stale, most, "{on_failure:?} {revalidating:?}");
    }
}

#[test]
fn a_call_s_own_bound_goes_before_what_its_rule_allows_while_it_is_asked_anew() {
    let mut page = page();
    let Action::Compose(composing) = &mut page.to else { panic!("it is composed") };
    let hour = Duration::from_secs(3_600);
    for call in &mut Arc::make_mut(composing).calls {
        let mut rule = CachePolicy::new(&call.name, call.upstream.name());
        rule.stale_while_revalidate = Some(hour);
        call.cache = Some(Arc::new(rule));
    }
    let outlook = plan(vec![page]).without("catalog").unwrap();
    let parts: Vec<_> = outlook.routes[0].fragments.iter().map(|part| (&*part.fragment, part.stale)).collect();
    assert_eq!(parts, [("product", Some(STALE)), ("cards", Some(hour))]);
}

#[test]
fn what_changes_something_waits_for_the_service_where_queries_do_not() {
    let route = |path: &str, on_failure: WhenStale, methods: &[Method]| {
        let mut rule = CachePolicy::new(path, "catalog");
        rule.on_failure = on_failure;
        let mut route = Route::new(path, Upstream::new("catalog", [])).unwrap();
        route.methods = methods.to_vec();
        route.policies = Arc::new(Policies { cache: Some(Arc::new(rule)), ..Policies::default() });
        route
    };
    let stale = WhenStale::Stale(STALE);
    let plan = plan(vec![
        route("/all", stale, &[]),
        route("/both", stale, &[Method::GET, Method::PUT]),
        route("/queries", stale, &[Method::GET, Method::HEAD]),
        route("/commands", stale, &[Method::POST]),
        route("/error", WhenStale::Error, &[]),
    ]);
    let outlook = plan.without("catalog").unwrap();
    let told: BTreeMap<&str, _> = outlook
        .routes
        .iter()
        .map(|told| {
            let within = |answered: &Answered| answered.within.unwrap().as_millis();
            (&*told.route.name, (within(&told.otherwise), told.changes.as_ref().map(within)))
        })
        .collect();
    let (short, long) = (100, 2_000);
    assert_eq!(
        told,
        BTreeMap::from([
            ("/all", (short, Some(long))),
            ("/both", (short, Some(long))),
            ("/queries", (short, None)),
            ("/commands", (long, None)),
            ("/error", (long, None)),
        ])
    );
}

#[test]
fn two_routes_of_a_name_are_told_apart() {
    let route = |method: Method, service: &str, line| {
        let mut route = Route::new("/api", Upstream::new(service, [])).unwrap();
        (route.methods, route.line) = (vec![method], Some(line));
        route
    };
    let plan = plan(vec![route(Method::GET, "a", 4), route(Method::POST, "b", 5)]);
    for (dead, affected, other) in
        [("a", ("GET /api/…", 4), ("POST /api/…", 5)), ("b", ("POST /api/…", 5), ("GET /api/…", 4))]
    {
        let outlook = plan.without(dead).unwrap();
        let told = |route: &RouteTaking| (route.name.clone(), route.takes.clone(), route.line);
        let wanted = |(takes, line): (&str, usize)| ("/api".to_owned(), takes.to_owned(), Some(line));
        assert_eq!(told(&outlook.routes[0].route), wanted(affected));
        assert_eq!(outlook.unaffected.iter().map(told).collect::<Vec<_>>(), [wanted(other)]);
    }
}

#[test]
fn what_a_route_takes_is_one_line() {
    let route = |path: PathPattern| Route::to(path, Action::Forward(Upstream::new("a", [])));
    assert_eq!(route(PathPattern::all()).takes(), "/…");
    assert_eq!(route(PathPattern::all().exact()).takes(), "/");
    assert_eq!(route(PathPattern::parse("/api").unwrap()).takes(), "/api/…");
    assert_eq!(route(PathPattern::parse("/api").unwrap().exact()).takes(), "/api");
    let mut all = route(PathPattern::parse("/products/{id}").unwrap());
    all.hosts = vec![HostPattern::parse("a.example").unwrap(), HostPattern::parse("*.b.example").unwrap()];
    (all.methods, all.headers) = (vec![Method::GET], vec![HeaderMatch::new("x-version", Some("2")).unwrap()]);
    assert_eq!(all.takes(), "GET a.example|*.b.example/products/{id} [x-version: 2]");
    all.path = PathPattern::all().exact();
    assert_eq!(all.takes(), "GET a.example|*.b.example/ [x-version: 2]");
}
