use super::*;

#[test]
fn templates_are_refused_with_the_place() {
    for (get, wanted) in [
        ("/x", "1:1: no service"),
        ("Catalog:/x", "1:1: a service's name"),
        ("s:x", "1:3: the path does not begin"),
        ("s:/x/{id", "1:6: a brace"),
        ("s:/x/id}", "1:8: a brace"),
        ("s:/x/{}", r#"1:7: "" is no parameter"#),
        ("s:/x/{a b}", r#"1:7: "a b" is no parameter"#),
        ("s:/x/../y", "1:3: the path has an empty or dotted segment"),
        ("s:/x//y", "1:3: the path has an empty"),
        ("s:/x y", "1:5: ' ' cannot stand"),
        ("s:/x#y", "1:5: '#' cannot stand"),
        ("s:/ü", "1:4: 'ü' cannot stand"),
        ("s:/x%2", "1:5: a percent sign"),
        ("s:/x/{id:}", "1:7: an empty default"),
        ("s:/x/{id?}", "1:7: what may be left out"),
        ("s:/x?a=b{c?}", "1:10: what may be left out"),
        ("s:/x?a={c?}d", "1:9: what may be left out"),
        ("s:/x?{c?}", "1:7: what may be left out"),
        ("s:/x?a={?}", r#"1:9: "" is no parameter"#),
        ("s:/x/{b.ids[]}", "1:7: several values can only stand in the query"),
        ("s:/x?a={b.ids[}", r#"1:11: "ids[" is no name"#),
        ("s:/x?a={b..id}", r#"1:11: "" is no name"#),
        ("s:/x?a={z.id}", r#"1:9: no call is named "z"; there are: a, b"#),
        ("s:/x?a={each.id}", "1:9: there is no element"),
        ("s:/x?a={each.ids[]}", "1:9: an element gives one value"),
    ] {
        let told = refused(&[call("a", get), call("b", "s:/b")]);
        assert!(told.starts_with(&format!("call \"a\", get, {wanted}")), "{get}: {told}");
    }
}

#[test]
fn circles_are_refused_and_named() {
    let calls =
        [call("a", "s:/a"), call("b", "s:/b?x={a.x}&y={d.y}"), call("c", "s:/c?x={b.x}"), call("d", "s:/d?x={c.x}")];
    assert_eq!(refused(&calls), r#"call "b", 1:1: the calls wait for each other: b → d → c → b"#);
    assert!(refused(&[call("a", "s:/a?x={a.x}")]).ends_with("a → a"));
}

#[test]
fn calls_are_refused_that_make_no_sense() {
    let each = |each| [call("a", "s:/a"), CallText { each: Some(each), ..call("b", "s:/b/{each.id}") }];
    assert!(refused(&each("a.items")).starts_with(r#"call "b", each, 1:1: it names one list"#));
    assert!(refused(&each("a.x[].items[]")).contains("it names one list"));
    assert!(refused(&each("z.items[]")).contains(r#"no call is named "z""#));
    assert!(refused(&each("a-b.items[]")).contains("is no name"));
    let same = [call("a", "s:/a"), CallText { each: Some("a.items[]"), ..call("b", "s:/b") }];
    assert!(refused(&same).contains("it would ask the same"));
    let of_many = |get| [each("a.items[]").to_vec(), vec![call("c", get)]].concat();
    assert!(refused(&of_many("s:/c?x={b.id}")).starts_with(r#"call "c", get, 1:9: "b" is made for each"#));
    assert!(refused(&[]).contains("0 calls"));
    assert!(refused(&[call("a", "s:/a"), call("a", "s:/a")]).contains("two calls of this name"));
    for name in ["each", "_a", "a-b", "", "1"] {
        assert!(refused(&[call(name, "s:/a")]).starts_with(&format!("call {name:?}, 1:1")), "{name}");
    }
    for path in ["products", "/{id", "/{a}/{a}", "/id}"] {
        let parsed = Composition::parse("p", path, &[call("a", "s:/a")], CompositionLimits::default());
        assert!(parsed.unwrap_err().to_string().starts_with("path, 1:"), "{path}");
    }
}

#[test]
fn selections_are_refused_with_the_place() {
    let limits = CompositionLimits::default();
    let texts = [
        ("loop", "fragment loop on P { ...loop }"),
        ("wide", "fragment wide on P { a { ...wider } b { ...wider } c { ...wider } d { ...wider } }"),
        ("wider", "fragment wider on P { a { ...widest } b { ...widest } c { ...widest } d { ...widest } }"),
        ("widest", "fragment widest on P { a { b c d e f } b { b c d e f } c { b c d e f } d { b c d e f } }"),
        ("bad", "fragment bad on P {\n x @skip(if: true) }"),
    ];
    let fragments = Fragments::parse(texts, &limits).unwrap();
    let deep = format!("{{ product {} {} }}", "{ a ".repeat(33), "}".repeat(33));
    for (selection, wanted) in [
        ("{ product { name ", "1:"),
        ("", "1:"),
        ("{ }", "1:"),
        ("{ product { id } } { product }", "1:1: one selection"),
        ("query Q { product }", "1:1: a selection is written without"),
        ("query ($x: Int) { product }", "1:1: a selection is written without"),
        ("mutation { product }", "1:1: nothing can be changed"),
        ("subscription { product }", "1:1: nothing can be subscribed"),
        ("fragment a on B { c }", "1:1: fragments are written once"),
        ("{ produkt }", r#"1:3: no call is named "produkt"; there are: product, "#),
        ("{ product(id: 1) { name } }", r#"1:3: "product" has an argument, "id""#),
        ("{ product {\n  name @include(if: true) } }", "2:8: there is no `@include`"),
        ("{ product { ... on P { name } } }", "1:17: a fragment without a name"),
        ("{ product { ...none } }", r#"1:16: no fragment is named "none"; there are: bad"#),
        ("{ product { ...loop @flatten } }", "1:21: `...loop` has no directives"),
        ("{ product { items @first } }", "1:19: `@first` takes one argument, `n`"),
        ("{ product { items @first(n: -1) } }", "1:19: `n` is a number"),
        ("{ product { items @first(n: $n) } }", "1:19: `n` is a number"),
        ("{ product { items @first(n: 1) @first(n: 2) } }", "1:32: `@first` is there twice"),
        ("{ product { a @default(value: $v) } }", "1:15: `$v` is a variable"),
        ("{ product { a @default(value: [RED]) } }", r#"1:15: "RED" is no value"#),
        ("{ product @flatten }", "1:11: `@flatten` needs to know"),
        ("{ p: product @flatten { a } }", "1:14: what is flattened"),
        ("{ product @flatten { name } stock @flatten { name } }", r#"1:46: two fields would be named "name""#),
        ("{ product { a: x a: y } }", r#"1:18: "a" is already there"#),
        ("{ product { _fragments: x } }", r#"1:13: "_fragments" is the report"#),
        (&deep, "1:"),
    ] {
        let told = page().select(selection, &fragments).unwrap_err().to_string();
        let wanted = format!("selection from \"product\", {wanted}");
        assert!(told.starts_with(&wanted), "{selection}: {told}");
    }
    for (selection, wanted) in [
        ("{ product { ...loop } }", r#"fragment "loop", 1:25: fragment "loop" contains itself"#),
        ("{ product { ...bad } }", r#"fragment "bad", 2:4: there is no `@skip`"#),
    ] {
        assert!(page().select(selection, &fragments).unwrap_err().to_string().starts_with(wanted));
    }
    let wide: String = (0..4).map(|n| format!("x{n} {{ ...wide }} ")).collect();
    let told = page().select(&format!("{{ product {{ {wide} }} }}"), &fragments).unwrap_err().to_string();
    assert!(told.contains("more than 1000 fields"), "{told}");
    let told = Fragments::parse([("a", "fragment b on C { d }")], &limits).unwrap_err().to_string();
    assert_eq!(told, r#"fragment "a", 1:1: it is named "b" here, and "a" outside"#);
}

#[test]
fn a_default_that_does_not_fit_a_selection_is_refused() {
    let told = page().select("{ reviews { items { stars { x } } } }", &Fragments::default());
    assert!(told.is_ok(), "an empty list fits all");
    let calls = [CallText { on_failure: OnFailure::default_value(json!(3)), ..call("a", "s:/a") }];
    let told = composition(&calls).select("{ a { b } }", &Fragments::default()).unwrap_err().to_string();
    assert!(told.starts_with(r#"call "a", on_failure, 1:1: "product" cannot take from the default"#), "{told}");
}
