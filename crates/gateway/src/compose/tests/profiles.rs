use super::*;

fn text<'a>(prefix: &'a str, serves: &'a [(&'a str, &'a str)]) -> ProfileText<'a> {
    let (defaults, fixed) = (Parameters::new(), Parameters::new());
    ProfileText { name: "web", prefix, serves, defaults, fixed, report: false }
}

fn refused(text: &ProfileText<'_>) -> String {
    Profile::parse(text, &[page()], &Fragments::default()).unwrap_err().to_string()
}

#[tokio::test]
async fn a_profile_sets_page_sizes_and_shares_fragments() {
    let limits = CompositionLimits::default();
    let fragments = Fragments::parse([("short", "fragment short on Product { title: name }")], &limits).unwrap();
    let serves = [("product", "{ product { ...short } reviews { items { stars } } }")];
    let with = |defaults: &str, fixed: &str| {
        let of = |value: &str| match value {
            "" => Parameters::new(),
            value => Parameters::new().with("reviews", value),
        };
        let text = ProfileText { defaults: of(defaults), fixed: of(fixed), report: true, ..text("/ios/", &serves) };
        Profile::parse(&text, &[page()], &fragments).unwrap()
    };
    for (defaults, fixed, asked_for, limit) in
        [("3", "", "", "3"), ("3", "", "5", "5"), ("", "2", "5", "2"), ("", "", "", "10")]
    {
        let profile = with(defaults, fixed);
        assert_eq!(profile.served()[0].pattern, "/ios/products/{id}");
        let query = [("reviews", asked_for)];
        let query = if asked_for.is_empty() { &[][..] } else { &query[..] };
        let asked = page_services().asked(&profile.served()[0].composed, query).await;
        assert_eq!(
            asked.asked.last().map(|it| it.ends_with(&format!("limit={limit}")) || it.ends_with("/7")),
            Some(true)
        );
        assert!(asked.asked.iter().any(|it| it.ends_with(&format!("limit={limit}"))), "{:?}", asked.asked);
        assert_eq!(asked.json()["product"], json!({ "title": "Tea" }));
        assert!(asked.json()["_fragments"].is_object());
    }
}

#[test]
fn what_is_wrong_with_a_profile_is_named() {
    let serves = [("product", "{ product { name } }")];
    assert_eq!(refused(&text("web", &serves)), "prefix, 1:1: it is a slash and plain segments: `/web`");
    assert!(refused(&text("/{x}", &serves)).starts_with("prefix"));
    assert!(refused(&text("/..", &serves)).starts_with("prefix"));
    for name in ["", "a/b", "a b", "ä", "a~1b", "a.json"] {
        let said = "name, 1:1: a name is of letters, digits, `-` and `_` alone";
        assert_eq!(refused(&ProfileText { name, ..text("/web", &serves) }), said, "{name:?}");
        let calls = [call("a", "s:/a")];
        let composition = Composition::parse(name, "/a", &calls, CompositionLimits::default());
        assert_eq!(composition.unwrap_err().to_string(), said, "{name:?}");
    }
    let unknown = [("produkt", "{ product { name } }")];
    assert_eq!(
        refused(&text("/web", &unknown)),
        r#"serves "produkt", 1:1: there is no such composition; there are: product"#
    );
    let twice = [serves[0], serves[0]];
    assert!(refused(&text("/web", &twice)).contains("is at the same path"));
    let unknown = ProfileText { defaults: Parameters::new().with("size", "s"), ..text("/web", &serves) };
    assert!(refused(&unknown).starts_with(r#"parameter "size", 1:1: no call"#));
    let path = ProfileText { fixed: Parameters::new().with("id", "s"), ..text("/web", &serves) };
    assert!(refused(&path).contains("part of a path"));
}
