use super::Misfit;
use crate::compose::{CallText, Composition, CompositionLimits, Fragments, OnFailure};
use crate::openapi::tests::documents;

fn composition(calls: &[(&str, &str)]) -> Composition {
    let text = |(name, get)| CallText { name, get, each: None, on_failure: OnFailure::ERROR, timeout: None };
    let calls: Vec<CallText<'_>> = calls.iter().copied().map(text).collect();
    Composition::parse("page", "/page/{id}", &calls, CompositionLimits::default()).unwrap()
}

fn told(misfits: &[Misfit]) -> Vec<String> {
    misfits.iter().map(ToString::to_string).collect()
}

fn asking(get: &str) -> String {
    told(&composition(&[("a", get)]).misfits(&documents())).join("; ")
}

fn selecting(get: &str, selection: &str) -> Vec<String> {
    let fragments = [("card", "fragment card on Product {\n  id\n  nmae\n}")];
    let fragments = Fragments::parse(fragments, &CompositionLimits::default()).unwrap();
    told(&composition(&[("a", get)]).select(selection, &fragments).unwrap().misfits(&documents()))
}

#[test]
fn what_calls_ask_is_looked_for_in_the_documents() {
    assert_eq!(asking("catalog:/api/catalog/products/{id}"), "");
    assert_eq!(asking("catalog:/api/catalog/products?ids={id}&limit=3"), "");
    assert_eq!(asking("stock:/v1/stock/{id}"), "");
    assert_eq!(asking("elsewhere:/whatever?x=1"), "", "nothing is known of it");
    assert_eq!(
        asking("catalog:/api/catalog/product/{id}"),
        "call \"a\", get, 1:9: catalog has no path /api/catalog/product/{}; did you mean \"/api/catalog/products/{id}\"?"
    );
    assert_eq!(
        asking("stock:/stock/{id}"),
        "call \"a\", get, 1:7: stock has no path /stock/{}; did you mean \"/v1/stock/{product}\"?"
    );
    assert_eq!(
        asking("catalog:/api/catalog/products?ids={id}&limits={n:3}"),
        "call \"a\", get, 1:40: catalog knows no parameter \"limits\" in the query of /api/catalog/products; did you mean \"limit\"?"
    );
}

#[test]
fn what_is_selected_is_looked_for_in_the_schemas() {
    let product = "catalog:/api/catalog/products/{id}";
    assert_eq!(selecting(product, "{ a { id brand maker { name } similar { similar { name } } } }"), [""; 0]);
    assert_eq!(
        selecting(product, "{ a {\n  id\n  similar { ...card }\n  maker { nam country } }\n}"),
        [
            "fragment \"card\", 3:3: \"similar\" of what catalog answers at /api/catalog/products/{} has no field \"nmae\"; did you mean \"name\"?",
            "selection from \"page\", 4:11: \"maker\" of what catalog answers at /api/catalog/products/{} has no field \"nam\"; did you mean \"name\"?",
        ]
    );
    assert_eq!(
        selecting(product, "{ a { name { first { x } } wat { y } } }"),
        [
            "selection from \"page\", 1:14: \"name\" of what catalog answers at /api/catalog/products/{} is string, and has no field \"first\"",
            "selection from \"page\", 1:28: what catalog answers at /api/catalog/products/{} has no field \"wat\"",
        ],
        "each is told once, at the field that is not there"
    );
    assert_eq!(
        selecting("catalog:/health/live", "{ a { x } }")[0],
        "selection from \"page\", 1:3: catalog does not answer JSON at /health/live"
    );
}

#[test]
fn what_calls_take_of_each_other_is_looked_for_too() {
    let taking = |hole: &str| {
        let get = format!("catalog:/api/catalog/products?ids={{one.{hole}}}");
        let calls = [("one", "catalog:/api/catalog/products/{id}"), ("two", &*get)];
        told(&composition(&calls).misfits(&documents())).join("; ")
    };
    assert_eq!(taking("id"), "");
    assert_eq!(taking("similar[].id"), "");
    assert_eq!(
        taking("similar[].idd"),
        "call \"two\", get, 1:36: \"similar\" of what catalog answers at /api/catalog/products/{} has no field \"idd\"; did you mean \"id\"?"
    );
    assert_eq!(
        taking("maker"),
        "call \"two\", get, 1:36: \"maker\" is null or object, and cannot be put into a path or query"
    );
}
