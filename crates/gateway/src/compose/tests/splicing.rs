//! Splicing comes to the same as building trees.

use proptest::prelude::*;
use serde_json::Map;
use serde_json::value::RawValue;

use super::*;

#[derive(Debug, Clone)]
struct Node {
    field: &'static str,
    flatten: bool,
    first: Option<usize>,
    default: Option<i32>,
    below: Option<Vec<Node>>,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn answers() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-d\"\\\\\\[\\]{}\u{e9}\n]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::btree_map(prop::sample::select(&NAMES[..]), inner, 0..4)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
        ]
    })
}

fn selections() -> impl Strategy<Value = Vec<Node>> {
    let leaf = (prop::sample::select(&NAMES[..]), prop::option::of(0..3_usize), prop::option::of(any::<i32>()))
        .prop_map(|(field, first, default)| Node { field, flatten: false, first, default, below: None });
    let node = leaf.clone().prop_recursive(3, 16, 3, move |inner| {
        (leaf.clone(), prop::bool::weighted(0.3), prop::collection::vec(inner, 1..4)).prop_map(
            |(node, flatten, below)| {
                let (first, default) = if flatten { (None, None) } else { (node.first, node.default) };
                Node { flatten, first, default, below: Some(below), ..node }
            },
        )
    });
    prop::collection::vec(node, 1..4)
}

/// In GraphQL's syntax, with names that are never the same.
fn text(nodes: &[Node], name: &mut usize) -> String {
    let mut text = String::from("{");
    for node in nodes {
        *name += 1;
        let alias = if node.flatten { String::new() } else { format!("x{name}: ") };
        text += &format!(" {alias}{}", node.field);
        text += if node.flatten { " @flatten" } else { "" };
        text += &node.first.map(|n| format!(" @first(n: {n})")).unwrap_or_default();
        text += &node.default.map(|value| format!(" @default(value: {value})")).unwrap_or_default();
        if let Some(below) = &node.below {
            text += &format!(" {}", self::text(below, name));
        }
    }
    text + " }"
}

/// The same by trees; nothing, where the answer has another shape.
fn choose(
    nodes: &[Node],
    of: Option<&Map<String, Value>>,
    name: &mut usize,
    to: &mut Map<String, Value>,
) -> Option<()> {
    for node in nodes {
        *name += 1;
        let label = format!("x{name}");
        let value = of.and_then(|of| of.get(node.field));
        let inside = *name;
        if node.flatten {
            let below = node.below.as_ref()?;
            match value {
                None | Some(Value::Null) => choose(below, None, name, to)?,
                Some(Value::Object(object)) => choose(below, Some(object), name, to)?,
                Some(_) => return None,
            }
            continue;
        }
        let default = node.default.map(Value::from);
        let chosen = match (value, &node.below) {
            (None, _) => default,
            (Some(Value::Null), _) => Some(default.unwrap_or(Value::Null)),
            (Some(Value::Array(list)), None) => {
                Some(list.iter().take(node.first.unwrap_or(usize::MAX)).cloned().collect())
            }
            (Some(value), None) => Some(value.clone()),
            (Some(value), Some(below)) => Some(apart(below, value, node.first, inside)?),
        };
        if let Some(below) = &node.below {
            // The names go on behind those of the fields below.
            text(below, name);
        }
        if let Some(chosen) = chosen {
            to.insert(label, chosen);
        }
    }
    Some(())
}

fn apart(below: &[Node], value: &Value, first: Option<usize>, name: usize) -> Option<Value> {
    match value {
        Value::Null => Some(Value::Null),
        Value::Object(object) => {
            let mut to = Map::new();
            choose(below, Some(object), &mut name.clone(), &mut to)?;
            Some(to.into())
        }
        Value::Array(list) => {
            let taken = list.iter().take(first.unwrap_or(usize::MAX));
            taken.map(|element| apart(below, element, None, name)).collect::<Option<Vec<_>>>().map(Value::from)
        }
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn splicing_comes_to_the_same_as_trees(nodes in selections(), answer in answers(), pretty: bool) {
        let selection = format!("{{ a {} }}", text(&nodes, &mut 0));
        let composed = composition(&[call("a", "s:/a")]).select(&selection, &Fragments::default());
        let composed = composed.map_err(|error| TestCaseError::fail(format!("{selection}: {error}")))?;
        let body = if pretty { serde_json::to_string_pretty(&answer).unwrap() } else { answer.to_string() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let asked = runtime.block_on(Services::new().answers_text("s:/a", &body).asked(&composed, &[]));
        match apart(&nodes, &answer, None, 0) {
            Some(wanted) => prop_assert_eq!(asked.json(), json!({ "a": wanted }), "{}", selection),
            None => prop_assert_eq!(
                asked.answer.unwrap_err(),
                Unanswered::Call { call: "a".to_owned(), service: "s".to_owned(), failed: Failed::Shape, is_the_requests: false }
            ),
        }
    }

    #[test]
    fn whatever_is_answered_the_whole_is_json(body in "[\\[\\]{}\",:ab0-9\\\\ntruefals ]{0,40}") {
        let omit = CallText { on_failure: OnFailure::OMIT, ..call("a", "s:/a") };
        let composed = select(&composition(&[omit]), "{ a { a b { a } x: b @first(n: 1) } b: a }").with_report();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let asked = runtime.block_on(Services::new().answers_text("s:/a", &body).asked(&composed, &[]));
        // Not as a tree, which has no room for every number that JSON may have.
        let whole = &asked.answer.as_ref().unwrap().body;
        let is_json = whole[0] == b'{' && serde_json::from_slice::<&RawValue>(whole).is_ok();
        prop_assert!(is_json);
        prop_assert!(sfv::Parser::new(asked.fragments()).parse::<sfv::List>().is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_that_an_author_writes_ends_in_a_panic(
        template in "(s:/)?[sab:/?{}\\[\\]\\.,%#=&0é ]{0,24}",
        each in "[ab\\.\\[\\]]{0,12}",
        selection in "[{}ab:@!\\.$()\"\\\\#\n u0-9-]{0,40}|\\{ a @(first|default|flatten)\\([nvalue:]{1,7} ?[^}]{0,12}\\) \\}",
    ) {
        let calls = [call("a", "s:/a"), CallText { each: Some(&each), ..call("b", &template) }, call("c", &template)];
        let _ = Composition::parse("p", &template, &calls, CompositionLimits::default());
        let _ = Composition::parse("p", "/p", &calls[..1], CompositionLimits::default()).unwrap()
            .select(&selection, &Fragments::default());
        let _ = Fragments::parse([("a", &*selection)], &CompositionLimits::default());
    }
}
