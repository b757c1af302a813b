//! A composition's calls and a route that ask for the same, and wait for one another.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tradewind_gateway::{Gateway, Options, Plan, Policies, Route, RouteTable};

use super::{Shop, Wanted};
use crate::acting::{Acting, Does, body, ok};
use crate::{Running, TIMEOUTS, status_of};

/// What the proxy before the gateway tells of both, so that they may be answered with the same.
const TOLD: &str = "x-forwarded-host: shop.example\r\nx-forwarded-proto: http\r\n";

/// The page, and the product that it asks for as a route by itself, under the same rule.
async fn beside(catalog: &Acting, timeout: Duration) -> Arc<Running> {
    let shop = Shop::new().await;
    let shop = Shop { upstreams: [catalog.upstream("catalog"), shop.upstreams[1].clone()], ..shop };
    let wanted = Wanted { fresh: Some(Duration::from_secs(60)), timeout, ..Wanted::default() };
    let plan = shop.plan(&wanted);
    let mut routes: Vec<Route> = plan.routes.routes().iter().map(|route| Route::clone(route)).collect();
    let call = tradewind_gateway::compose::CallText {
        name: "product",
        get: "catalog:/products/{id}",
        each: None,
        on_failure: tradewind_gateway::compose::OnFailure::ERROR,
        timeout: None,
    };
    let rule = shop.rule(&call, &wanted);
    let mut plain = Route::new("/products/{id}", rule.upstream).unwrap();
    plain.policies = Arc::new(Policies { cache: rule.cache, ..Policies::default() });
    routes.push(plain);
    let plan = Plan { routes: RouteTable::new(routes).unwrap(), ..plan };
    let mut options = Options::new("127.0.0.1:0".parse().unwrap());
    options.timeouts = TIMEOUTS;
    options.trusted = vec!["127.0.0.1".parse().unwrap()];
    let gateway = Gateway::bind(options, plan).await.unwrap();
    let (address, handle, shutdown) = (gateway.address(), gateway.handle(), CancellationToken::new());
    let ended = tokio::spawn(gateway.run(shutdown.clone()));
    Arc::new(Running { address, handle, shutdown, ended })
}

/// Asks for pages all the time, and meanwhile once for the product.
async fn asked_beside_pages(catalog: &Acting, gateway: &Arc<Running>) -> String {
    let pages = tokio::spawn({
        let gateway = Arc::clone(gateway);
        async move {
            let mut pages = tokio::task::JoinSet::new();
            loop {
                let gateway = Arc::clone(&gateway);
                pages.spawn(async move { gateway.page(TOLD).await });
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    catalog.until_asked(1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let got = gateway.ask(&format!("GET /products/7 HTTP/1.1\r\n{TOLD}x-rest:"), "").await;
    pages.abort();
    got
}

#[tokio::test]
async fn what_a_composition_cannot_take_or_wait_for_is_no_failure_of_a_route() {
    let product = r#"{"name":"Tea"}"#.to_owned();
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(20_000));
    for (content, takes_ms, within_ms) in
        [(product, 400, 200), (large, 100, 5_000), ("<h1>Tea</h1>".to_owned(), 100, 5_000)]
    {
        let answer = ok("", &content);
        let catalog = Acting::begin(move |_| answer.clone()).await;
        catalog.does(Does::Dawdles(Duration::from_millis(takes_ms)));
        let gateway = beside(&catalog, Duration::from_millis(within_ms)).await;
        let got = asked_beside_pages(&catalog, &gateway).await;
        assert_eq!((status_of(&got), body(&got)), (200, &content[..]), "{takes_ms} {within_ms}");
        if takes_ms > 100 {
            assert_eq!(status_of(&gateway.page(TOLD).await), 200, "it is the same to both");
        }
    }
}
