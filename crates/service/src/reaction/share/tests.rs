use super::*;

#[test]
fn each_key_has_one_share_and_shares_are_even() {
    for of in [2, 3, 4, 16] {
        let mut counts = vec![0_u32; of.into()];
        for number in 0..10_000 {
            let key = format!("order-{number}");
            let mine: Vec<Share> = Share::all(of).filter(|share| share.has(&key)).collect();
            let [share] = mine[..] else { panic!("{key} has {} shares", mine.len()) };
            counts[usize::from(share.index)] += 1;
        }
        let even = 10_000 / u32::from(of);
        assert!(counts.iter().all(|count| count.abs_diff(even) < even / 6), "{counts:?}");
    }
}

#[test]
fn the_share_of_a_key_never_changes() {
    let of = |key: &str| Share::all(16).find(|share| share.has(key)).unwrap().index;
    assert_eq!(["", "order-1", "order-2", "a", "Zoë"].map(of), [4, 6, 13, 12, 3]);
}
