use super::*;

async fn taken(json: Value, selection: &str) -> Value {
    let composed = select(&composition(&[call("a", "s:/a")]), selection);
    Services::new().answers("s:/a", json).asked(&composed, &[]).await.json()
}

#[tokio::test]
async fn fields_are_chosen_renamed_and_flattened() {
    let answer = json!({ "id": 1, "price": { "cents": 5, "tax": { "rate": 7 } }, "tags": ["x"], "n": null });
    assert_eq!(
        taken(answer.clone(), "{ a { id cost: price { cents } } }").await,
        json!({ "a": { "id": 1, "cost": { "cents": 5 } } })
    );
    assert_eq!(
        taken(answer.clone(), "{ a @flatten { id price @flatten { cents tax @flatten { vat: rate } } n } }").await,
        json!({ "id": 1, "cents": 5, "vat": 7, "n": null })
    );
    assert_eq!(
        taken(answer.clone(), "{ a { price price2: price { tax } price3: price { cents } } }").await,
        json!({ "a": { "price": { "cents": 5, "tax": { "rate": 7 } }, "price2": { "tax": { "rate": 7 } }, "price3": { "cents": 5 } } })
    );
    assert_eq!(taken(answer.clone(), "{ a { none tags } }").await, json!({ "a": { "tags": ["x"] } }));
    assert_eq!(taken(answer.clone(), "{ all: a }").await, json!({ "all": answer }));
    assert_eq!(
        taken(answer, "{ a { id } a { tags price { cents } } a { price { tax } } }").await,
        json!({ "a": { "id": 1, "tags": ["x"], "price": { "cents": 5, "tax": { "rate": 7 } } } })
    );
}

#[tokio::test]
async fn lists_are_cut_and_what_is_not_there_has_a_default() {
    let answer = json!({ "items": [{ "n": 1 }, { "n": null }, {}, null], "plain": [1, [2], "a,]"], "no": null });
    assert_eq!(
        taken(answer.clone(), "{ a { items { n @default(value: 0) } } }").await,
        json!({ "a": { "items": [{ "n": 1 }, { "n": 0 }, { "n": 0 }, null] } })
    );
    assert_eq!(
        taken(answer.clone(), "{ a { items @first(n: 1) { n } plain @first(n: 2) } }").await,
        json!({ "a": { "items": [{ "n": 1 }], "plain": [1, [2]] } })
    );
    assert_eq!(
        taken(answer.clone(), "{ a { items @first(n: 0) { n } plain @first(n: 9) } }").await,
        json!({ "a": { "items": [], "plain": [1, [2], "a,]"] } })
    );
    assert_eq!(
        taken(
            answer,
            r#"{ a { no @default(value: {a: ["é\"", 1.5, true, null]}) no2: no @default(value: 1) { x }
            gone @flatten { x y @default(value: 2) } } }"#
        )
        .await,
        json!({ "a": { "no": { "a": ["é\"", 1.5, true, null] }, "no2": 1, "y": 2 } })
    );
}

#[tokio::test]
async fn what_goes_too_deep_is_refused_and_texts_are_no_brackets() {
    let nested = |depth: usize| format!("{{\"x\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
    let omit = CallText { on_failure: OnFailure::OMIT, ..call("a", "s:/a") };
    for (body, selection, told) in [
        (nested(32), "{ a { x } }", "a"),
        (nested(33), "{ a { x } }", "a;missing=shape"),
        (nested(200_000), "{ a { x } }", "a;missing=shape"),
        (nested(200_000), "{ a { y } }", "a"),
        (nested(200_000), "{ a { x { y } } }", "a;missing=shape"),
        (nested(70), "{ a { x { y } } }", "a;missing=shape"),
        (format!("{{\"x\":\"{}\\\\\\\"{}\"}}", "[".repeat(99), "{".repeat(99)), "{ a { x } }", "a"),
    ] {
        let composed = select(&composition(std::slice::from_ref(&omit)), selection);
        let asked = Services::new().answers_text("s:/a", &body).asked(&composed, &[]).await;
        assert_eq!(asked.fragments(), told, "{selection} of {}", &body[..body.len().min(60)]);
    }
}

#[tokio::test]
async fn the_whole_is_no_larger_than_allowed() {
    let names: String = (0..9).map(|n| format!("x{n}: x ")).collect();
    let body = format!("{{\"x\":\"{}\"}}", "y".repeat(1_000_000));
    let composed = select(&composition(&[call("a", "s:/a")]), &format!("{{ a {{ {names} }} }}"));
    assert_eq!(Services::new().answers_text("s:/a", &body).asked(&composed, &[]).await.status(), 502);
}
