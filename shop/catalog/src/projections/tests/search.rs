use proptest::prelude::*;

use super::*;

fn shelf() -> Model<ProductSearch> {
    let mut shelf = Model::new(ProductSearch);
    shelf.see("1", product("Fluid Milk White Only, 1 gal", "Grocery", 259));
    shelf.see("2", product("Milk Chocolate Bars", "Drugs & General Merchandise", 99));
    shelf.see("3", product("Crème Brûlée", "Pastry", 499));
    shelf.see("4", product("Chocolate Milk, 1 pt", "Grocery", 129));
    shelf
}

fn ids(shelf: &Model<ProductSearch>, words: &str) -> Vec<String> {
    let search = Search { words: words.into(), limit: 10, ..Search::default() };
    let mut ids = in_order(shelf, &search);
    ids.sort();
    ids
}

/// Whatever is looked for, what is counted is what is found, with facets and without.
fn in_order(shelf: &Model<ProductSearch>, search: &Search) -> Vec<String> {
    let found = ProductSearch::find(&shelf.read(), search).unwrap();
    assert_eq!(found.total, found.items.len() as u64);
    let counted = ProductSearch::find(&shelf.read(), &Search { facets: true, ..search.clone() }).unwrap();
    assert_eq!((counted.total, &counted.items), (found.total, &found.items));
    found.items.into_iter().map(|item| item.id).collect()
}

#[test]
fn all_words_must_match_and_the_last_may_be_unfinished() {
    let shelf = shelf();
    assert_eq!(ids(&shelf, "milk"), ["1", "2", "4"]);
    assert_eq!(ids(&shelf, "milk choc"), ["2", "4"]);
    assert_eq!(ids(&shelf, "choc milk"), [""; 0], "only the last word may be unfinished");
    assert_eq!(ids(&shelf, "MILK white"), ["1"]);
    assert_eq!(ids(&shelf, "creme brulee"), ["3"], "accents need not be typed");
    assert_eq!(ids(&shelf, "bar"), ["2"], "nor plurals");
}

#[test]
fn without_words_everything_is_found_by_name() {
    let shelf = shelf();
    let found = ProductSearch::find(&shelf.read(), &Search { limit: 2, offset: 1, ..Search::default() }).unwrap();
    assert_eq!(found.total, 4);
    assert_eq!(found.items.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["3", "1"]);
}

#[test]
fn signs_without_a_word_find_nothing() {
    assert_eq!(ids(&shelf(), "\"*()"), [""; 0]);
}

#[test]
fn a_department_narrows_the_search() {
    let shelf = shelf();
    let filters = Filters { department: Some("Grocery".to_owned()), ..Filters::default() };
    let search = Search { words: "chocolate".into(), filters, limit: 10, ..Search::default() };
    let found = ProductSearch::find(&shelf.read(), &search).unwrap();
    assert_eq!((found.total, found.items[0].id.as_str()), (1, "4"));
    let found = ProductSearch::find(&shelf.read(), &Search { words: String::new(), ..search }).unwrap();
    assert_eq!(found.total, 2);
}

#[test]
fn a_word_in_the_name_counts_more_than_one_elsewhere() {
    let mut shelf = Model::new(ProductSearch);
    let mut sauce = product("Tomato Sauce", "Grocery", 100);
    sauce.description.department = "Pasta".into();
    shelf.see("1", sauce);
    shelf.see("2", product("Pasta", "Grocery", 100));
    let search = Search { words: "pasta".into(), limit: 10, ..Search::default() };
    let found = ProductSearch::find(&shelf.read(), &search).unwrap();
    assert_eq!(found.items.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["2", "1"]);
}

#[test]
fn what_is_taken_off_is_not_found_until_it_comes_back() {
    let mut shelf = shelf();
    shelf.see("1", ProductDelisted {});
    assert_eq!(ids(&shelf, "white"), [""; 0]);
    assert_eq!(ProductSearch::get(&shelf.read(), "1").unwrap(), None);
    shelf.see("1", product("Oat Drink White", "Grocery", 199));
    assert_eq!(ids(&shelf, "white"), ["1"]);
    assert_eq!(ids(&shelf, "fluid"), [""; 0], "it came back under another name");
    assert_eq!(ProductSearch::get(&shelf.read(), "1").unwrap().unwrap().price_cents, 199);
}

#[test]
fn a_new_price_shows() {
    let mut shelf = shelf();
    shelf.see("4", ProductPriceChanged { price_cents: 149 });
    assert_eq!(ProductSearch::get(&shelf.read(), "4").unwrap().unwrap().price_cents, 149);
}

proptest! {
    #[test]
    fn whatever_is_typed_is_a_search_and_never_an_error(words in "\\PC{0,60}|[\"*():^+\\- a-zNOTAND]{0,40}") {
        thread_local!(static SHELF: Model<ProductSearch> = shelf());
        SHELF.with(|shelf| {
            let search = Search { words, limit: 10, ..Search::default() };
            prop_assert!(ProductSearch::find(&shelf.read(), &search).is_ok());
            Ok(())
        })?;
    }
}

#[test]
fn a_page_can_begin_with_the_cheapest_the_dearest_or_the_best_rated() {
    let mut shelf = shelf();
    let sorted = |shelf: &Model<ProductSearch>, sort, words: &str| {
        in_order(shelf, &Search { sort, words: words.into(), limit: 10, ..Search::default() })
    };
    assert_eq!(sorted(&shelf, Sort::PriceAsc, ""), ["2", "4", "1", "3"]);
    assert_eq!(sorted(&shelf, Sort::PriceDesc, ""), ["3", "1", "4", "2"]);
    assert_eq!(sorted(&shelf, Sort::PriceDesc, "milk"), ["1", "4", "2"]);
    assert_eq!(sorted(&shelf, Sort::Name, "milk"), ["4", "1", "2"]);
    // One review of five stars against many of a little less.
    shelf.hear("single", written("3", "0", 5));
    for customer in 1..=40 {
        shelf.hear(&format!("r{customer}"), written("1", &customer.to_string(), if customer % 4 == 0 { 4 } else { 5 }));
    }
    assert_eq!(sorted(&shelf, Sort::Rating, ""), ["1", "3", "4", "2"]);
}

#[test]
fn a_product_tells_how_it_is_rated() {
    let mut shelf = shelf();
    shelf.hear("a", written("1", "7", 2));
    shelf.hear("b", written("1", "8", 5));
    let rating = |shelf: &Model<ProductSearch>| {
        let item = ProductSearch::get(&shelf.read(), "1").unwrap().unwrap();
        (item.rating, item.reviews)
    };
    assert_eq!(rating(&shelf), (Some(3.5), 2));
    shelf.hear("a", revised("1", 2, 4));
    shelf.hear("a", helped("a", "1", "9"));
    assert_eq!(rating(&shelf), (Some(4.5), 2));
    shelf.see("1", ProductDelisted {});
    shelf.see("1", product("Milk", "Grocery", 1));
    assert_eq!(rating(&shelf), (Some(4.5), 2), "what comes back is as good as it was");
    assert_eq!(ProductSearch::get(&shelf.read(), "2").unwrap().unwrap().rating, None);
}

/// Products that differ in everything.
fn varied() -> Model<ProductSearch> {
    let mut model = Model::new(ProductSearch);
    let all = [
        ("Milk", "Grocery", "Dairy", "National", "1 gal", 259, 5),
        ("Milk", "Grocery", "Dairy", "Private", "1 pt", 129, 3),
        ("Bread", "Grocery", "Bakery", "Private", "", 99, 0),
        ("Tulips", "Floral", "Flowers", "National", "", 1_299, 4),
        ("Milk Soap", "Drugs", "Soap", "National", "8 oz", 499, 4),
    ];
    for (number, (name, department, category, brand, size, price_cents, stars)) in (1..).zip(all) {
        let mut listed = product(name, department, price_cents);
        listed.description.category = category.into();
        listed.description.brand = brand.into();
        listed.description.size = size.into();
        model.see(&number.to_string(), listed);
        if stars > 0 {
            model.hear(&format!("r{number}"), written(&number.to_string(), "7", stars));
        }
    }
    model
}

fn found(model: &Model<ProductSearch>, words: &str, filters: Filters) -> Vec<String> {
    in_order(model, &Search { words: words.into(), filters, limit: 10, ..Search::default() })
}

#[test]
fn every_filter_narrows_and_all_must_hold() {
    let model = varied();
    let text = |text: &str| Some(text.to_owned());
    let none = Filters::default;
    assert_eq!(found(&model, "", Filters { category: text("Dairy"), ..none() }), ["1", "2"]);
    assert_eq!(found(&model, "", Filters { brand: text("Private"), ..none() }), ["3", "2"]);
    assert_eq!(found(&model, "", Filters { size: text("8 oz"), ..none() }), ["5"]);
    assert_eq!(found(&model, "", Filters { price_min_cents: Some(259), ..none() }), ["1", "5", "4"]);
    assert_eq!(found(&model, "", Filters { price_max_cents: Some(129), ..none() }), ["3", "2"]);
    let both = Filters { price_min_cents: Some(129), price_max_cents: Some(259), ..none() };
    assert_eq!(found(&model, "", both), ["1", "2"]);
    assert_eq!(found(&model, "", Filters { rating_min: Some(4), ..none() }), ["1", "5", "4"]);
    let all = Filters { brand: text("National"), rating_min: Some(4), price_max_cents: Some(499), ..none() };
    assert_eq!(found(&model, "milk", all), ["1", "5"]);
}

fn facets(model: &Model<ProductSearch>, words: &str, filters: Filters) -> Facets {
    let search = Search { words: words.into(), filters, facets: true, limit: 10, ..Search::default() };
    ProductSearch::find(&model.read(), &search).unwrap().facets.unwrap()
}

fn counts(facet: &Facet) -> Vec<(&str, u64)> {
    facet.values.iter().map(|of| (of.value.as_str(), of.count)).collect()
}

#[test]
fn a_facet_respects_all_filters_but_its_own() {
    let model = varied();
    let all = facets(&model, "", Filters::default());
    assert_eq!(counts(&all.department), [("Grocery", 3), ("Drugs", 1), ("Floral", 1)]);
    assert_eq!(counts(&all.brand), [("National", 3), ("Private", 2)]);
    assert_eq!(counts(&all.size), [("1 gal", 1), ("1 pt", 1), ("8 oz", 1)], "only where it is known");
    let narrowed = Filters { brand: Some("National".into()), rating_min: Some(4), ..Filters::default() };
    let national = facets(&model, "", narrowed);
    assert_eq!(counts(&national.department), [("Drugs", 1), ("Floral", 1), ("Grocery", 1)]);
    assert_eq!(counts(&national.brand), [("National", 3)], "of the brands, the rating still holds");
    let ratings: Vec<(u8, u64)> = national.rating.iter().map(|of| (of.min, of.count)).collect();
    assert_eq!(ratings, [(5, 1), (4, 3), (3, 3), (2, 3), (1, 3)], "of the ratings, the brand still holds");
    let prices: Vec<(u64, Option<u64>, u64)> =
        national.price.iter().map(|of| (of.min_cents, of.max_cents, of.count)).collect();
    assert_eq!(prices, [(200, Some(499), 2), (1_000, Some(1_999), 1)]);
    assert_eq!(counts(&facets(&model, "milk", Filters::default()).category), [("Dairy", 2), ("Soap", 1)]);
}

#[test]
fn a_facet_with_many_values_tells_how_many_it_leaves_out() {
    let mut model = Model::new(ProductSearch);
    for n in 0..60 {
        model.see(&n.to_string(), product("Thing", &format!("Department {n:02}"), 1));
    }
    let all = facets(&model, "", Filters::default());
    assert_eq!((all.department.values.len(), all.department.others), (Facet::VALUES_MAX, 10));
}

proptest! {
    #[test]
    fn choosing_a_value_of_a_facet_finds_as_many_as_it_counts(
        department in prop::option::of("Grocery|Floral|Drugs"),
        brand in prop::option::of("National|Private"),
        size in prop::option::of("1 gal|8 oz"),
        price_max_cents in prop::option::of(0..2_000_u64),
        rating_min in prop::option::of(1..=5_u8),
        words in "(milk|bread)?",
    ) {
        thread_local!(static MODEL: Model<ProductSearch> = varied());
        MODEL.with(|model| {
            let filters = Filters { department, brand, size, price_max_cents, rating_min, ..Filters::default() };
            let counted = facets(model, &words, filters.clone());
            let find = |filters| found(model, &words, filters).len() as u64;
            for of in &counted.department.values {
                let chosen = Filters { department: Some(of.value.clone()), ..filters.clone() };
                prop_assert_eq!(find(chosen), of.count);
            }
            for of in &counted.brand.values {
                prop_assert_eq!(find(Filters { brand: Some(of.value.clone()), ..filters.clone() }), of.count);
            }
            for of in &counted.size.values {
                prop_assert_eq!(find(Filters { size: Some(of.value.clone()), ..filters.clone() }), of.count);
            }
            for of in &counted.rating {
                prop_assert_eq!(find(Filters { rating_min: Some(of.min), ..filters.clone() }), of.count);
            }
            for of in &counted.price {
                let (price_min_cents, price_max_cents) = (Some(of.min_cents), of.max_cents);
                prop_assert_eq!(find(Filters { price_min_cents, price_max_cents, ..filters.clone() }), of.count);
            }
            Ok(())
        })?;
    }

    #[test]
    fn pages_of_any_order_have_every_product_once(limit in 1..4_u64, words in "(milk)?", sort in 0..5_usize) {
        thread_local!(static MODEL: Model<ProductSearch> = varied());
        let sort = [Sort::Relevance, Sort::PriceAsc, Sort::PriceDesc, Sort::Rating, Sort::Name][sort];
        MODEL.with(|model| {
            let all = in_order(model, &Search { sort, words: words.clone(), limit: 10, ..Search::default() });
            let mut paged = Vec::new();
            while paged.len() < all.len() {
                let offset = paged.len() as u64;
                let search = Search { sort, words: words.clone(), offset, limit, ..Search::default() };
                let page = ProductSearch::find(&model.read(), &search).unwrap();
                prop_assert!(!page.items.is_empty());
                paged.extend(page.items.into_iter().map(|item| item.id));
            }
            prop_assert_eq!(paged, all);
            Ok(())
        })?;
    }
}
