use super::*;

fn fields(reads: &[CallReads], call: &str) -> Vec<String> {
    let reads = reads.iter().find(|reads| reads.call == call).unwrap();
    reads.fields.iter().map(|field| format!("{}{}", field.path.join("."), if field.whole { "!" } else { "" })).collect()
}

#[test]
fn what_calls_and_selections_read_is_told_with_its_place() {
    let cards = CallText { each: Some("similar.items[]"), ..call("cards", "catalog:/products/{each.id}/x?a={b:1}&c") };
    let composition =
        composition(&[call("similar", "graph:/similar"), cards, call("more", "s:/m?ids={similar.ids[]}")]);
    let reads = composition.reads();
    assert_eq!(fields(&reads, "similar"), ["items.id", "ids"]);
    assert_eq!(reads[1].path, "/products/{}/x");
    let query: Vec<_> = reads[1].query.iter().map(|read| (&*read.name, read.place.column)).collect();
    assert_eq!((reads[1].path_place.column, &query[..]), (9, &[("a", 31), ("c", 39)][..]));
    assert_eq!(reads[0].fields[0].part, Part::Get("cards".to_owned()));
    assert_eq!(reads[0].fields[0].place, Place { line: 1, column: 20 });

    let fragments = Fragments::parse([("f", "fragment f on P {\n name }")], &CompositionLimits::default()).unwrap();
    let selection = "{ similar { items { id\n cards { ...f price { cents } } } } }";
    let reads = composition.select(selection, &fragments).unwrap().reads();
    assert_eq!(fields(&reads, "similar"), ["", "items", "items.id!"]);
    assert_eq!(fields(&reads, "cards"), ["", "name!", "price", "price.cents!"]);
    let cards = &reads.iter().find(|reads| reads.call == "cards").unwrap().fields;
    assert_eq!((&cards[1].part, cards[1].place), (&Part::Fragment("f".to_owned()), Place { line: 2, column: 2 }));
    assert_eq!(cards[2].place.line, 2);
}
