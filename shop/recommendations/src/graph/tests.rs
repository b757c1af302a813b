use oxrdf::{Dataset, GraphName, Quad};
use spareval::{QueryEvaluator, QueryableDataset};
use spargebra::SparqlParser;

use super::embedded::similar_in;
use super::*;

fn graph_of(changes: impl IntoIterator<Item = Change>) -> EmbeddedGraph {
    let mut graph = EmbeddedGraph::default();
    changes.into_iter().for_each(|change| graph.change(change).unwrap());
    graph.settle().unwrap();
    graph
}

fn listed(product: &str, department: &str) -> Change {
    Change::Listed { product: product.into(), department: department.into() }
}

fn bought(basket: u32, products: &[&str]) -> Change {
    Change::Bought { basket, products: products.iter().map(|id| (*id).to_owned()).collect() }
}

fn to(product: &str) -> SimilarTo {
    SimilarTo { product: product.into(), limit: 10 }
}

fn names_of(similar: &[Similar]) -> Vec<&str> {
    similar.iter().map(|similar| similar.product.as_str()).collect()
}

/// Bread and butter in two baskets, jam in one of them; nails in one of their own.
fn breakfast() -> Vec<Change> {
    vec![
        listed("bread", "Bakery"),
        listed("butter", "Dairy"),
        listed("jam", "Grocery"),
        listed("nails", "Do it yourself & more"),
        bought(1, &["bread", "butter"]),
        bought(2, &["bread", "butter", "jam"]),
        bought(3, &["nails"]),
    ]
}

#[test]
fn what_is_in_the_same_baskets_most_often_is_the_most_similar() {
    let similar = graph_of(breakfast()).similar(&to("bread")).unwrap();
    // Nails are one of the shop's best sellers, since it has so few.
    assert_eq!(names_of(&similar), ["butter", "jam", "nails"]);
    assert_eq!(similar.iter().map(|similar| similar.baskets).collect::<Vec<_>>(), [2, 1, 0]);
    let small = 1.0 + 2_f64.powf(-0.25);
    let prior = 10.0 * 2.0 / 3.0;
    assert!((similar[0].score - (small + prior)).abs() < 1e-9, "{similar:?}");
}

#[test]
fn a_product_that_nobody_bought_has_its_departments_best_sellers_first() {
    let mut changes = breakfast();
    changes.extend([listed("rolls", "Bakery"), listed("cake", "Bakery"), bought(4, &["rolls"])]);
    let similar = graph_of(changes).similar(&to("cake")).unwrap();
    assert_eq!(names_of(&similar)[..2], ["bread", "butter"]);
    assert_eq!(
        names_of(&similar)[2],
        "rolls",
        "two of a quarter of the baskets come to as much as butter's half: {similar:?}"
    );
}

#[test]
fn what_is_taken_off_sale_is_not_shown_and_comes_back_with_all_that_is_known_of_it() {
    let mut graph = graph_of(breakfast());
    graph.change(Change::Delisted { product: "butter".into() }).unwrap();
    graph.settle().unwrap();
    assert_eq!(names_of(&graph.similar(&to("bread")).unwrap()), ["jam", "nails"]);
    graph.change(listed("butter", "Dairy")).unwrap();
    graph.settle().unwrap();
    assert_eq!(graph.similar(&to("bread")).unwrap(), graph_of(breakfast()).similar(&to("bread")).unwrap());
}

#[test]
fn a_basket_that_is_taken_back_was_never_there_and_one_that_comes_again_counts_once() {
    let mut again = breakfast();
    again.extend([bought(2, &["bread", "butter", "jam"]), bought(4, &["bread", "nails"])]);
    again.extend([Change::TakenBack { basket: 4 }, Change::TakenBack { basket: 4 }, Change::TakenBack { basket: 99 }]);
    let (again, once) = (graph_of(again), graph_of(breakfast()));
    for product in ["bread", "butter", "jam", "nails"] {
        assert_eq!(again.similar(&to(product)).unwrap(), once.similar(&to(product)).unwrap());
    }
}

#[test]
fn a_product_knows_its_latest_baskets_only_and_what_no_product_knows_is_forgotten() {
    let most = SimilarTo::BASKETS_MAX as u32;
    let mut changes = vec![listed("milk", "Dairy"), listed("then", "Dairy"), listed("now", "Dairy")];
    changes.extend((1..=most).map(|basket| bought(basket, &["milk", "then"])));
    changes.extend((1..=most).map(|basket| bought(most + basket, &["milk", "now"])));
    let graph = graph_of(changes);
    let similar = graph.similar(&SimilarTo { limit: 3, ..to("milk") }).unwrap();
    assert_eq!(
        similar.iter().map(|it| (it.product.as_str(), it.baskets)).collect::<Vec<_>>(),
        [("now", 1_000), ("then", 0)]
    );
    // Who is in the old ones still knows them.
    assert_eq!(graph.similar(&to("then")).unwrap()[0].baskets, 1_000);
    let forgotten = graph_of((1..=2 * most).map(|basket| bought(basket, &["milk"])));
    let kept = forgotten.baskets.iter().filter(|basket| !basket.products.is_empty()).count();
    assert_eq!((kept, forgotten.baskets_total), (most as usize, 2 * most));
}

#[test]
fn names_are_kept_whatever_is_in_them() {
    let odd = "ö/ä?<> \"'%41}";
    let graph = graph_of([listed(odd, "Café & <more>"), listed("1", odd), bought(1, &[odd, "1"])]);
    let similar = graph.similar(&to(odd)).unwrap();
    assert_eq!((names_of(&similar), similar[0].baskets), (vec!["1"], 1));
    assert_eq!(names_of(&graph.similar(&to("1")).unwrap()), [odd]);
    assert_eq!(names_of(&graph.similar(&to("A")).unwrap()), [odd, "1"], "what nobody knows has the best sellers");
}

/// All triples of a graph, as any other store would have them.
fn triples(graph: &EmbeddedGraph) -> Dataset {
    let term = |node| graph.externalize_term(node).unwrap();
    let all = graph.internal_quads_for_pattern(None, None, None, Some(None));
    let quad = |quad: Result<spareval::InternalQuad<_>, _>| {
        let quad = quad.unwrap();
        let oxrdf::Term::NamedNode(subject) = term(quad.subject) else { panic!("a subject is named") };
        let oxrdf::Term::NamedNode(predicate) = term(quad.predicate) else { panic!("a link is named") };
        Quad::new(subject, predicate, term(quad.object), GraphName::DefaultGraph)
    };
    all.map(quad).collect::<Vec<_>>().iter().map(Quad::as_ref).collect()
}

#[test]
fn any_store_of_the_same_triples_gives_the_same_answers_to_the_same_question() {
    let mut changes = breakfast();
    changes.extend([bought(7, &["jam", "nails", "bread"]), bought(8, &["unlisted", "bread"])]);
    let graph = graph_of(changes);
    let plain = triples(&graph);
    assert!(plain.len() > 30, "{}", plain.len());
    for product in ["bread", "butter", "jam", "nails", "unlisted", "nothing"] {
        let to = to(product);
        let question = SparqlParser::new().parse_query(&to.sparql()).unwrap();
        let evaluator = QueryEvaluator::new();
        let answer = similar_in(evaluator.prepare(&question).execute(&plain).unwrap()).unwrap();
        let ours = graph.similar(&to).unwrap();
        assert_eq!(names_of(&answer), names_of(&ours), "{product}");
        for (theirs, ours) in answer.iter().zip(&ours) {
            assert!((theirs.score - ours.score).abs() < 1e-9 && theirs.baskets == ours.baskets, "{theirs:?} {ours:?}");
        }
    }
}

#[test]
fn other_questions_can_be_put_to_it_as_well() {
    let graph = graph_of(breakfast());
    let count = |pattern: &str| {
        let question = format!("SELECT (COUNT(*) AS ?score) ('urn:x' AS ?y) WHERE {{ {pattern} }}");
        let question = SparqlParser::new().parse_query(&question).unwrap();
        let evaluator = QueryEvaluator::new();
        let spareval::QueryResults::Solutions(mut rows) = evaluator.prepare(&question).execute(&graph).unwrap() else {
            panic!("a table")
        };
        let row = rows.next().unwrap().unwrap();
        let oxrdf::Term::Literal(count) = row.get("score").unwrap() else { panic!("a number") };
        count.value().parse::<u32>().unwrap()
    };
    assert_eq!(count("?basket <urn:shop:contains> ?product"), 6);
    assert_eq!(count("?basket <urn:shop:contains> <urn:shop:product:bread>"), 2);
    assert_eq!(count("<urn:shop:basket:1> ?link <urn:shop:product:bread>"), 1);
    assert_eq!(count("<urn:shop:basket:01> ?link ?product"), 0, "that is another name");
    assert_eq!(count("?product <urn:shop:baskets> 2"), 2);
    assert_eq!(count("?product <urn:shop:baskets> 02"), 0, "that is another term");
    assert_eq!(count("GRAPH ?graph { ?s ?p ?o }"), 0);
    assert_eq!(count("?s <urn:shop:nothing> ?o"), 0);
}
