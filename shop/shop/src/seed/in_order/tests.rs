use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

use super::*;

#[tokio::test]
async fn items_of_one_key_keep_their_order_and_never_overlap() {
    let items: Vec<(u32, u32)> = (0..400).map(|n| (n % 7, n)).collect();
    let last: RefCell<HashMap<u32, u32>> = RefCell::default();
    let busy: RefCell<HashSet<u32>> = RefCell::default();
    let (running, most) = (Cell::new(0), Cell::new(0));
    let done: Result<(), ()> = for_each_in_order(
        items,
        5,
        |item| item.0,
        |(key, n)| {
            let (last, busy, running, most) = (&last, &busy, &running, &most);
            async move {
                assert!(busy.borrow_mut().insert(key), "two of {key} at once");
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                for _ in 0..n % 4 {
                    tokio::task::yield_now().await;
                }
                let before = last.borrow_mut().insert(key, n);
                assert!(before < Some(n));
                running.set(running.get() - 1);
                busy.borrow_mut().remove(&key);
                Ok(())
            }
        },
    )
    .await;
    assert_eq!(done, Ok(()));
    assert_eq!(last.borrow().values().max(), Some(&399));
    assert_eq!(most.get(), 5, "it does use what it is allowed");
}

#[tokio::test]
async fn the_first_error_ends_it() {
    let begun = Cell::new(0);
    let done = for_each_in_order(
        0..100,
        1,
        |n| *n,
        |n| {
            begun.set(begun.get() + 1);
            async move { if n == 3 { Err("three") } else { Ok(()) } }
        },
    )
    .await;
    assert_eq!(done, Err("three"));
    assert_eq!(begun.get(), 4);
}
