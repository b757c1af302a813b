use std::time::Duration;

use tokio::time::Instant;

use super::*;

#[tokio::test]
async fn one_answer_is_made_of_several_and_one_call_takes_values_from_another() {
    let asked = page_services().asked(&select(&page(), PAGE), &[]).await;
    assert_eq!(asked.json(), whole_page());
    assert_eq!(asked.fragments(), "product, reviews, stock, similar, cards");
    assert_eq!(asked.asked.iter().filter(|it| *it == "catalog:/products?ids=8,9").count(), 1, "no id twice");
}

#[tokio::test]
async fn what_can_be_parallel_is() {
    let started = Instant::now();
    let asked = page_services().take(Duration::from_millis(40)).asked(&select(&page(), PAGE), &[]).await;
    assert_eq!(asked.json(), whole_page());
    assert_eq!(asked.most_under_way, 4);
    assert!(started.elapsed() >= Duration::from_millis(80), "`cards` waits for `similar`");
}

#[tokio::test]
async fn calls_that_are_not_needed_are_not_made() {
    let asked = page_services().asked(&select(&page(), "{ product { name } }"), &[]).await;
    assert_eq!(asked.asked, ["catalog:/products/7"]);
    let asked = page_services().asked(&select(&page(), "{ cards { items { id } } }"), &[]).await;
    assert_eq!(asked.asked, ["graph:/products/7/similar", "catalog:/products?ids=8,9"]);
}

#[tokio::test]
async fn parameters_come_from_the_request_or_the_default() {
    let services = page_services().answers("catalog:/products/7/reviews?limit=2", json!({ "items": [] }));
    let composed = select(&page(), "{ reviews { items { stars } } }");
    let asked = services.asked(&composed, &[("reviews", "2"), ("reviews", "3"), ("id", "9")]).await;
    assert_eq!(asked.asked, ["catalog:/products/7/reviews?limit=2"]);
}

#[tokio::test]
async fn a_parameter_that_may_be_left_out_goes_with_its_name() {
    for (get, said, asked) in [
        ("s:/x?q={q?}&sort=new&after={after?}", &[][..], "s:/x?sort=new"),
        ("s:/x?q={q?}&sort=new&after={after?}", &[("q", ""), ("after", "7")], "s:/x?q=&sort=new&after=7"),
        ("s:/x?q={q?}&sort=new&after={after?}", &[("after", "a&b")], "s:/x?sort=new&after=a%26b"),
        ("s:/y?n={n?}&m={m?}", &[], "s:/y"),
        ("s:/y?n={n?}&m={m?}", &[("m", "?")], "s:/y?m=%3F"),
        ("s:/{id}&b?q={q?}&c=d", &[("id", "ignored")], "s:/7&b?c=d"),
    ] {
        let composed = select(&composition(&[call("a", get)]), "{ a }");
        assert_eq!(Services::new().asked(&composed, said).await.asked, [asked]);
    }
}

#[test]
fn what_would_be_asked_for_is_known_before_it_is() {
    let calls = [
        call("a", "s:/x/{id}?q={q?}&sort={sort:new}&n={n}"),
        CallText { each: Some("a.list[]"), ..call("b", "s:/y/{each.at.id}/{a.c.d}?all={a.list[].id}&m={m?}") },
        call("c", "s:/z"),
    ];
    let composed = select(&composition(&calls), "{ a b }");
    let known = |parameters: &Parameters| ["a", "b"].map(|call| composed.target(call, parameters).unwrap());
    let as_written = "/y/{each.at.id}/{a.c.d}?all={a.list[].id}";
    assert_eq!(known(&Parameters::new()), ["/x/{id}?sort=new&n={n}", as_written]);
    let parameters = Parameters::new().with("id", "a/b").with("q", "{x}").with("n", "1").with("m", "2");
    assert_eq!(known(&parameters), ["/x/a%2Fb?q=%7Bx%7D&sort=new&n=1", &format!("{as_written}&m=2")]);
    assert_eq!(composed.target("c", &parameters), None, "it is not made");
}

#[tokio::test]
async fn values_never_leave_their_place() {
    let composed = select(&composition(&[call("a", "s:/x/{id}?q={q:}&r={r:z}")]), "{ a }");
    let parameters = Parameters::new().with("id", "../a/b?c#d").with("q", "1&r=2 é%,");
    let asked = Services::new().asked_with(&composed, &parameters).await;
    assert_eq!(asked.asked, ["s:/x/..%2Fa%2Fb%3Fc%23d?q=1%26r%3D2%20%C3%A9%25%2C&r=z"]);
}

#[tokio::test]
async fn a_parameter_that_is_missing_or_unusable_is_refused_before_anybody_is_asked() {
    let composed = select(&composition(&[call("a", "s:/x/{id}"), call("b", "s:/y?q={q}")]), "{ a b }");
    let long = "x".repeat(257);
    for (id, q) in [("1", None), ("..", Some("1")), (".", Some("1")), ("", Some("1")), (&long, Some("1"))] {
        let mut parameters = Parameters::new().with("id", id);
        if let Some(q) = q {
            parameters = parameters.with("q", q);
        }
        let asked = Services::new().asked_with(&composed, &parameters).await;
        assert_eq!(asked.status(), 400, "{id:?} {q:?}");
        assert!(asked.asked.is_empty());
    }
}

#[tokio::test]
async fn a_value_cannot_make_a_dotted_segment() {
    let composed = select(&composition(&[call("a", "s:/x/.{id}")]), "{ a }");
    let asked = Services::new().asked_with(&composed, &Parameters::new().with("id", "x")).await;
    assert_eq!(asked.asked, ["s:/x/.x"]);
    let composed = select(&composition(&[call("a", "s:/x/{id}{b:.}")]), "{ a }");
    let asked = Services::new().asked_with(&composed, &Parameters::new().with("id", "a").with("b", "..a")).await;
    assert_eq!(asked.asked, ["s:/x/a..a"]);
}

#[tokio::test]
async fn each_call_gets_the_deadline_and_how_stale_it_may_be() {
    let calls = [
        CallText { on_failure: OnFailure::OMIT.or_stale(Duration::from_secs(9)), ..call("a", "s:/a") },
        CallText { timeout: Some(Duration::from_millis(20)), ..call("b", "s:/b") },
    ];
    let started = Instant::now();
    let services = Services::new().answers("s:/a", 1).answers("s:/b", 2);
    let asked = services.asked(&select(&composition(&calls), "{ a b }"), &[]).await;
    let mut told = asked.told;
    told.sort_by_key(|(stale, _)| *stale);
    let [(None, short), (Some(stale), whole)] = told[..] else { panic!("{told:?}") };
    assert_eq!(stale, Duration::from_secs(9));
    assert!(short < started + Duration::from_millis(100) && whole >= started + super::fakes::DEADLINE);
}

#[test]
fn what_a_call_was_asked_for_is_found_in_its_path_and_query() {
    let get = "s:/x/{id}?q={q?}&sort=new&after={after?}&n={n:1}";
    let composition = composition(&[call("a", get)]);
    assert_eq!(composition.value_names("a"), ["id", "q", "after", "n"]);
    for (target, values) in [
        ("/x/7?sort=new&n=1", &[("id", "7"), ("n", "1")][..]),
        ("/x/a%2Fb?q=%26q%3D&sort=new&n=2", &[("id", "a/b"), ("q", "&q="), ("n", "2")]),
        ("/x/7?sort=new&after=8,9&n=3", &[("id", "7"), ("after", "8"), ("after", "9"), ("n", "3")]),
    ] {
        let found = composition.values_in("a", target);
        let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(found, values, "{target}");
    }
    let composition = self::composition(&[call("a", "s:/y?n={n?}&m={m?}")]);
    assert_eq!(composition.values_in("a", "/y?m=1"), [("m".to_owned(), "1".to_owned())]);
}
