use std::time::Duration;

use super::*;

fn many(on_failure: OnFailure) -> Composition {
    let cards = CallText { each: Some("similar.items[]"), on_failure, ..call("cards", "catalog:/products/{each.id}") };
    composition(&[call("similar", "graph:/similar"), cards])
}

fn services() -> Services {
    Services::new()
        .answers("graph:/similar", json!({ "items": [{ "id": "a" }, { "id": "b" }, { "id": "a" }, { "no": 1 }] }))
        .answers("catalog:/products/a", json!({ "name": "A", "x": 1 }))
        .answers("catalog:/products/b", json!({ "name": "B" }))
}

#[tokio::test]
async fn one_call_is_made_for_each_element_and_none_twice() {
    let composed = select(&many(OnFailure::OMIT), "{ cards { name } }");
    let asked = services().take(Duration::from_millis(5)).asked(&composed, &[]).await;
    assert_eq!(asked.json(), json!({ "cards": [{ "name": "A" }, { "name": "B" }, { "name": "A" }, null] }));
    assert_eq!(asked.asked.len(), 3);
    assert_eq!(asked.most_under_way, 2);
    assert_eq!(asked.fragments(), "similar, cards;missing=value;lacking=1;of=4");
}

#[tokio::test]
async fn answers_are_joined_to_their_elements() {
    let composed = select(
        &many(OnFailure::OMIT),
        "{ similar { items @first(n: 3) { id card: cards { name } cards @flatten { x } } } }",
    );
    let asked = services().asked(&composed, &[]).await;
    let a = json!({ "id": "a", "card": { "name": "A" }, "x": 1 });
    assert_eq!(asked.json(), json!({ "similar": { "items": [a, { "id": "b", "card": { "name": "B" } }, a] } }));
}

#[tokio::test]
async fn an_element_without_its_answer_is_as_its_author_wants_it() {
    let join = "{ similar { items { id cards { name } } } cards { name } }";
    let broken = || services().fails("catalog:/products/b", Failed::Unavailable);

    let asked = broken().asked(&select(&many(OnFailure::OMIT), join), &[]).await;
    assert_eq!(asked.json()["similar"]["items"][1], json!({ "id": "b" }));
    assert_eq!(asked.json()["cards"][1], Value::Null);
    assert_eq!(asked.fragments(), "similar, cards;missing=unavailable;lacking=2;of=4");

    let asked = broken().asked(&select(&many(OnFailure::default_value(json!({ "name": "?" }))), join), &[]).await;
    assert_eq!(asked.json()["similar"]["items"][1], json!({ "id": "b", "cards": { "name": "?" } }));
    assert_eq!(asked.json()["cards"][1], json!({ "name": "?" }));

    let asked = broken().asked(&select(&many(OnFailure::ERROR), join), &[]).await;
    assert_eq!(asked.status(), 503);
}

#[tokio::test]
async fn garbage_for_an_element_is_that_elements_alone() {
    let garbage = || services().answers_text("catalog:/products/b", "{\"name\":");
    let join = "{ similar { items @first(n: 2) { cards { name } id } } }";
    let asked = garbage().asked(&select(&many(OnFailure::OMIT), join), &[]).await;
    assert_eq!(
        asked.json(),
        json!({ "similar": { "items": [{ "id": "a", "cards": { "name": "A" } }, { "id": "b" }] } })
    );
    let asked = garbage().asked(&select(&many(OnFailure::ERROR), join), &[]).await;
    assert_eq!(asked.status(), 502);
}

/// A list that has a default with an element of its own.
fn many_or_one(on_failure: OnFailure) -> Composition {
    let cards = CallText { each: Some("similar.items[]"), on_failure, ..call("cards", "catalog:/products/{each.id}") };
    let usual = OnFailure::default_value(json!({ "items": [{ "id": "z" }] }));
    composition(&[CallText { on_failure: usual, ..call("similar", "graph:/similar") }, cards])
}

#[tokio::test]
async fn the_elements_of_a_default_are_asked_for_and_joined() {
    for on_failure in [OnFailure::ERROR, OnFailure::OMIT, OnFailure::default_value(json!({ "name": "?" }))] {
        let composed = select(&many_or_one(on_failure), "{ similar { items { id cards { name } } } }");
        let services = services().fails("graph:/similar", Failed::Unavailable);
        let asked = services.answers("catalog:/products/z", json!({ "name": "Z" })).asked(&composed, &[]).await;
        assert_eq!(asked.json(), json!({ "similar": { "items": [{ "id": "z", "cards": { "name": "Z" } }] } }));
    }
}

#[tokio::test]
async fn a_default_does_not_take_what_was_asked_for_another_list() {
    let selection = "{ similar { items { id cards @default(value: 0) { name } } about { text } } }";
    for on_failure in [OnFailure::ERROR, OnFailure::OMIT, OnFailure::default_value(json!({ "name": "?" }))] {
        let composed = select(&many_or_one(on_failure), selection);
        // Its list is as it should be, so that it is asked for; what else is selected of it is not.
        let similar = json!({ "items": [{ "id": "a" }, { "id": "b" }], "about": "none" });
        let asked = services().answers("graph:/similar", similar).asked(&composed, &[]).await;
        assert_eq!(asked.asked.len(), 3);
        assert_eq!(asked.json(), json!({ "similar": { "items": [{ "id": "z", "cards": 0 }] } }));
        assert_eq!(asked.fragments(), "similar;missing=shape, cards");
    }
}

#[tokio::test]
async fn what_services_answer_to_one_request_is_bounded_as_a_whole() {
    let calls = |limits: CompositionLimits| {
        let omit = |text| CallText { on_failure: OnFailure::OMIT, ..text };
        let cards = CallText { each: Some("similar.items[]"), ..call("cards", "catalog:/products/{each.id}") };
        let calls = [call("similar", "graph:/similar"), omit(cards), omit(call("last", "catalog:/last?n={similar.n}"))];
        Composition::parse("product", "/products/{id}", &calls, limits).unwrap()
    };
    let list = json!({ "n": 1, "items": (0..10).map(|id| json!({ "id": id })).collect::<Vec<_>>() });
    let services = || {
        let all = (0..10).map(|id| format!("catalog:/products/{id}"));
        let answer = json!({ "name": "A", "rest": "x".repeat(1_000) });
        all.fold(Services::new().answers("graph:/similar", list.clone()), |all, target| {
            all.answers(&target, answer.clone())
        })
    };
    let limits = CompositionLimits { pieces_bytes: 5_500, ..CompositionLimits::default() };
    let asked = services().asked(&select(&calls(limits), "{ cards { name } }"), &[]).await;
    assert_eq!(asked.fragments(), "similar, cards;missing=too-large;lacking=5;of=10");
    assert_eq!(asked.json()["cards"].as_array().unwrap().iter().filter(|card| card.is_object()).count(), 5);
    assert!(asked.asked.len() <= 11);

    // Once nothing at all is left, nobody is asked.
    let exactly = list.to_string().len();
    let limits = CompositionLimits { pieces_bytes: exactly, ..CompositionLimits::default() };
    let asked = services().asked(&select(&calls(limits), "{ similar { n } cards { name } last }"), &[]).await;
    assert_eq!((asked.asked.len(), asked.fragments()), (1, "similar, cards;missing=too-large, last;missing=too-large"));
}

#[tokio::test]
async fn an_answer_that_many_elements_share_is_read_once() {
    let limits = CompositionLimits { elements: 1_000, values: 1_000, ..CompositionLimits::default() };
    let cards = CallText { each: Some("similar.items[]"), ..call("cards", "catalog:/products/{each.id}") };
    let calls = [call("similar", "graph:/similar"), cards];
    let composition = Composition::parse("product", "/products/{id}", &calls, limits).unwrap();
    let items: Vec<Value> = (0..1_000).map(|index| json!({ "id": "a", "index": index })).collect();
    // A gigabyte, if it were read for each.
    let rest: Vec<u32> = (0..150_000).collect();
    let services = Services::new()
        .answers("graph:/similar", json!({ "items": items }))
        .answers("catalog:/products/a", json!({ "rest": rest, "name": "A", "size": 3 }));
    let composed = select(
        &composition,
        "{ similar { items { index card: cards { name } cards @flatten { size name } } } cards { name } }",
    );
    let begun = std::time::Instant::now();
    let asked = services.asked(&composed, &[]).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
    let item = |index: usize| json!({ "index": index, "card": { "name": "A" }, "size": 3, "name": "A" });
    assert_eq!(asked.json()["similar"]["items"], (0..1_000).map(item).collect::<Value>());
    assert_eq!(asked.json()["cards"], Value::from(vec![json!({ "name": "A" }); 1_000]));
}

#[tokio::test]
async fn what_is_shared_takes_no_more_room_than_there_is() {
    let limits = CompositionLimits { answer_bytes: 4_000, ..CompositionLimits::default() };
    let cards = |on_failure| CallText {
        each: Some("similar.items[]"),
        on_failure,
        ..call("cards", "catalog:/products/{each.id}")
    };
    let of = |on_failure, selection: &str| {
        let calls = [call("similar", "graph:/similar"), cards(on_failure)];
        select(&Composition::parse("product", "/products/{id}", &calls, limits.clone()).unwrap(), selection)
    };
    let services = || services().answers("catalog:/products/a", json!({ "name": "x".repeat(2_500) }));
    let asked = services().asked(&of(OnFailure::OMIT, "{ cards { name } }"), &[]).await;
    let names: Vec<bool> = asked.json()["cards"].as_array().unwrap().iter().map(Value::is_object).collect();
    assert_eq!(names, [true, true, false, false]);
    assert_eq!(asked.fragments(), "similar, cards;missing=value;lacking=2;of=4");
    let services = services().answers("graph:/similar", json!({ "items": [{ "id": "a" }, { "id": "a" }] }));
    let composed = of(OnFailure::ERROR, "{ similar { items { cards { name } } } }");
    assert_eq!(services.asked(&composed, &[]).await.status(), 502);
}

#[tokio::test]
async fn an_element_lacks_its_answer_once_in_however_many_places() {
    let join = "{ similar { items { id cards { name } card: cards { name } } } cards { name } }";
    let garbage = || services().answers_text("catalog:/products/a", "{\"name\":");
    let asked = garbage().asked(&select(&many(OnFailure::OMIT), join), &[]).await;
    assert_eq!(asked.json()["similar"]["items"][2], json!({ "id": "a" }));
    assert_eq!(asked.json()["cards"], json!([null, { "name": "B" }, null, null]));
    // Two share an answer that is of no use, and one has nothing to ask for.
    assert_eq!(asked.fragments(), "similar, cards;missing=value;lacking=3;of=4");
}

#[tokio::test]
async fn no_more_are_under_way_than_allowed_and_too_many_are_none() {
    let list = |most: usize| Value::from_iter([("items", (0..most).map(|id| json!({ "id": id })).collect::<Value>())]);
    let composed = select(&many(OnFailure::OMIT), "{ cards { name } similar { items { cards { name } } } }");
    let services = || Services::new().take(Duration::from_millis(2));
    let asked = services().answers("graph:/similar", list(50)).asked(&composed, &[]).await;
    assert_eq!((asked.asked.len(), asked.most_under_way), (51, 8));
    assert_eq!(asked.fragments(), "similar, cards;missing=not-found");
    let asked = services().answers("graph:/similar", list(51)).asked(&composed, &[]).await;
    assert_eq!((asked.asked.len(), asked.fragments()), (1, "similar, cards;missing=too-many"));
    assert_eq!(asked.json().get("cards"), None);
    let asked = services().answers("graph:/similar", list(0)).asked(&composed, &[]).await;
    assert_eq!(asked.fragments(), "similar, cards;missing=no-elements");
    assert_eq!(asked.json(), json!({ "cards": [], "similar": { "items": [] } }));
}
