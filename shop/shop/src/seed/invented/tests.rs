use super::*;

fn households() -> Vec<Household> {
    (1..=2_000).map(|id| Household::invented(&id.to_string())).collect()
}

#[test]
fn a_household_is_always_the_same_customer() {
    assert_eq!(Household::invented("1467"), Household::invented("1467"));
    assert_ne!(Household::invented("1467").name, Household::invented("1468").name);
}

#[test]
fn some_move_in_the_order_of_time_within_the_year_and_never_to_where_they_live() {
    let mut moving = 0;
    for household in households() {
        moving += u32::from(!household.moves.is_empty());
        let times: Vec<String> = household.moves.iter().map(|(at, _)| at.to_string()).collect();
        assert!(times.is_sorted() && times.iter().all(|at| at.starts_with("2017-")), "{times:?}");
        let mut homes = vec![&household.address];
        homes.extend(household.moves.iter().map(|(_, address)| address));
        assert!(homes.windows(2).all(|pair| pair[0] != pair[1]), "{homes:?}");
    }
    assert!((500..700).contains(&moving), "{moving} of 2,000 move");
}

#[test]
fn the_sample_has_both_kinds() {
    let plan = crate::seed::plan::Plan::of(&crate::seed::sample::Sample::embedded().unwrap());
    let moving = plan.customers.iter().filter(|household| !household.moves.is_empty()).count();
    assert_eq!(plan.customers.len(), 26);
    assert!((4..16).contains(&moving), "{moving} of 26 move");
}
