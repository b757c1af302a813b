use super::*;

fn told(refused: u64) -> String {
    let products = Part { total: 3, already_there: 3 - refused, refused, ..Part::default() };
    Report { products, ..Report::default() }.to_string()
}

#[test]
fn the_shop_has_it_all_only_if_it_refused_nothing() {
    assert!(told(0).contains("nothing was added: the shop has it all already"), "{}", told(0));
    assert!(told(2).contains("nothing was added: the shop refused 2, and has the rest already"), "{}", told(2));
}
