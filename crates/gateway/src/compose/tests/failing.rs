use std::time::Duration;

use tokio::time::Instant;

use super::*;

fn stale(json: &Value, age: u64, by: u64) -> Piece {
    let piece = Piece::new(&http::HeaderMap::new(), json.to_string());
    Piece { age: Duration::from_secs(age), freshness: Freshness::Stale(Duration::from_secs(by)), ..piece }
}

#[tokio::test]
async fn an_error_of_a_call_ends_the_whole_as_its_service_says_it() {
    let composed = select(&page(), PAGE);
    for (failed, status) in [
        (Failed::Status(404), 404),
        (Failed::Status(403), 403),
        (Failed::Status(500), 502),
        (Failed::Status(400), 400),
        (Failed::Status(422), 400),
        (Failed::Status(409), 502),
        (Failed::Unavailable, 503),
        (Failed::Timeout, 504),
        (Failed::TooLarge, 502),
    ] {
        let asked = page_services().fails("catalog:/products/7", failed).asked(&composed, &[]).await;
        assert_eq!(asked.status(), status);
        let Err(Unanswered::Call { call, service, failed: why, .. }) = asked.answer else { panic!("a call's") };
        assert_eq!((&*call, &*service, why), ("product", "catalog", failed));
    }
}

#[tokio::test]
async fn what_another_service_said_is_not_the_request_s_fault() {
    let calls = [call("a", "s:/a/{id}"), call("b", "t:/b/{a.id}?q={q?}")];
    let services = Services::new().answers("s:/a/7", json!({"id": 8})).fails("t:/b/8", Failed::Status(400));
    assert_eq!(services.asked(&select(&composition(&calls), "{ b }"), &[]).await.status(), 502);
}

#[tokio::test]
async fn a_moment_that_a_service_refuses_is_the_request_s_fault_whatever_else_it_was_asked_with() {
    let calls = [call("a", "s:/a/{id}"), call("b", "t:/b/{a.id}"), call("c", "u:/c")];
    let composed = select(&composition(&calls), "{ b c }");
    let moment = |moment| [("tradewind-as-of".parse().unwrap(), http::HeaderValue::from_static(moment))];
    for refuses in ["t:/b/8", "u:/c"] {
        for (headers, status) in [(moment("soon").into_iter().collect(), 400), (http::HeaderMap::new(), 502)] {
            let as_of = [("tradewind-as-of", "soon")];
            let services = Services::new()
                .answers_with("s:/a/7", &as_of, json!({"id": 8}))
                .answers_with("t:/b/8", &as_of, json!({}))
                .answers_with("u:/c", &as_of, json!({}))
                .fails(refuses, Failed::Status(400));
            let asked = services.asked_by(&composed, &Parameters::new().with("id", "7"), &headers).await;
            assert_eq!(asked.status(), status, "{refuses} {headers:?}");
        }
    }
}

#[tokio::test]
async fn an_error_does_not_wait_for_what_hangs() {
    let started = Instant::now();
    let services = page_services().hangs("inventory:/products/7").fails("catalog:/products/7", Failed::Unavailable);
    assert_eq!(services.asked(&select(&page(), PAGE), &[]).await.status(), 503);
    assert!(started.elapsed() < super::fakes::DEADLINE);
}

#[tokio::test]
async fn what_is_omitted_is_not_there_and_told() {
    for (services, why) in [
        (page_services().fails("inventory:/products/7", Failed::Unavailable), "unavailable"),
        (page_services().fails("inventory:/products/7", Failed::Status(404)), "not-found"),
        (page_services().fails("inventory:/products/7", Failed::Status(500)), "refused"),
        (page_services().hangs("inventory:/products/7"), "timeout"),
        (page_services().answers_text("inventory:/products/7", ""), "garbage"),
        (page_services().answers_text("inventory:/products/7", "{\"available\":3"), "garbage"),
        (page_services().answers_text("inventory:/products/7", "{\"available\":3}}"), "garbage"),
        (page_services().answers_text("inventory:/products/7", "{\"available\":3,\"available\":4}"), "garbage"),
        (page_services().answers_text("inventory:/products/7", "<html>"), "garbage"),
        (page_services().answers("inventory:/products/7", "in stock"), "shape"),
        (page_services().answers("inventory:/products/7", "x".repeat(1 << 20)), "too-large"),
    ] {
        let asked = services.asked(&select(&page(), PAGE), &[]).await;
        let mut wanted = whole_page();
        wanted.as_object_mut().unwrap().remove("stock");
        assert_eq!(asked.json(), wanted);
        assert_eq!(asked.fragments(), format!("product, reviews, stock;missing={why}, similar, cards"));
        assert_eq!(asked.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn garbage_of_a_call_that_must_be_there_ends_the_whole() {
    let services = page_services().answers_text("catalog:/products/7", "{\"name\":\"Tea\",");
    assert_eq!(services.asked(&select(&page(), PAGE), &[]).await.status(), 502);
}

#[tokio::test]
async fn a_default_takes_the_place_as_if_it_had_been_answered() {
    let target = "catalog:/products/7/reviews?limit=10";
    let composed = select(&page(), "{ reviews { all: items { stars } } product @flatten { name } }");
    for services in [page_services().fails(target, Failed::Unavailable), page_services().answers_text(target, "[1,")] {
        let asked = services.asked(&composed, &[]).await;
        assert_eq!(asked.json(), json!({ "reviews": { "all": [] }, "name": "Tea" }));
        assert!(asked.fragments().contains("reviews;missing="), "{}", asked.fragments());
    }
}

#[tokio::test]
async fn a_stale_answer_is_told_and_one_that_is_too_stale_is_none() {
    let target = "catalog:/products/7/reviews?limit=10";
    let reviews = json!({ "items": [{ "stars": 1 }] });
    let composed = select(&page(), PAGE);
    let asked = page_services().answers_piece(target, stale(&reviews, 642, 600)).asked(&composed, &[]).await;
    assert_eq!(asked.json()["reviews"], reviews);
    assert_eq!(asked.fragments(), "product, reviews;stale=642, stock, similar, cards");
    assert_eq!(asked.header("cache-control"), "no-store");
    assert_eq!(asked.header("age"), "643", "it is a little older than when it came");

    let asked = page_services().answers_piece(target, stale(&reviews, 643, 601)).asked(&composed, &[]).await;
    assert_eq!(asked.json()["reviews"], json!({ "items": [] }));
    assert_eq!(asked.fragments(), "product, reviews;missing=too-stale, stock, similar, cards");
}

#[tokio::test]
async fn what_takes_values_of_a_failed_call_fails_with_it() {
    for (services, similar) in [
        (page_services().fails("graph:/products/7/similar", Failed::Unavailable), "similar;missing=unavailable"),
        (page_services().hangs("graph:/products/7/similar"), "similar;missing=timeout"),
    ] {
        let asked = services.asked(&select(&page(), PAGE), &[]).await;
        assert_eq!(asked.json().get("similar"), None);
        assert_eq!(asked.fragments(), format!("product, reviews, stock, {similar}, cards;missing=dependency"));
    }
}

#[tokio::test]
async fn values_that_cannot_be_used_are_a_failure_of_the_call_that_takes_them() {
    let many: Vec<Value> = (0..51).map(|id| json!({ "id": id })).collect();
    for (similar, why) in [
        (json!({ "items": [{ "id": { "a": 1 } }] }), "value"),
        (json!({ "items": [{ "id": "x".repeat(257) }] }), "value"),
        (json!({ "items": 3 }), "shape"),
        (json!({ "items": many }), "too-many"),
        (json!({ "items": [] }), "no-elements"),
        (json!({ "items": null }), "no-elements"),
        (json!({}), "no-elements"),
        (json!({ "items": [{ "id": null }, {}] }), "no-elements"),
    ] {
        let services = page_services().answers("graph:/products/7/similar", similar);
        let asked = services.asked(&select(&page(), PAGE), &[]).await;
        assert_eq!(asked.json().get("similar"), None);
        assert_eq!(asked.fragments(), format!("product, reviews, stock, similar, cards;missing={why}"));
    }
}

#[tokio::test]
async fn nothing_to_ask_for_is_no_error() {
    let calls = [call("list", "s:/list"), call("cards", "s:/cards?ids={list.ids[]}")];
    let services = || Services::new().answers_with("s:/list", &[("cache-control", "max-age=9")], json!({ "ids": [] }));
    let asked = services().asked(&select(&composition(&calls), "{ cards @default(value: []) }"), &[]).await;
    assert_eq!(asked.json(), json!({ "cards": [] }));
    assert_eq!(asked.fragments(), "list, cards;missing=no-elements");
    assert_eq!(asked.header("cache-control"), "max-age=9", "nothing is lacking");
}

#[tokio::test]
async fn the_report_is_in_the_answer_if_it_is_asked_for() {
    let target = "catalog:/products/7/reviews?limit=10";
    let services = page_services()
        .fails("inventory:/products/7", Failed::Unavailable)
        .answers_piece(target, stale(&json!({ "items": [] }), 42, 2));
    let asked = services.asked(&select(&page(), PAGE).with_report(), &[]).await;
    let report = json!({
        "product": {}, "reviews": { "stale": 42 }, "stock": { "missing": "unavailable" }, "similar": {}, "cards": {}
    });
    assert_eq!(asked.json()["_fragments"], report);
    let empty = Services::new().fails("inventory:/products/7", Failed::Unavailable);
    let asked = empty.asked(&select(&page(), "{ stock { available } }").with_report(), &[]).await;
    assert_eq!(asked.json(), json!({ "_fragments": { "stock": { "missing": "unavailable" } } }));
}
