use super::caught;

#[tokio::test]
async fn work_that_panics_tells_with_what_and_all_else_goes_on() {
    let number = caught(async {
        tokio::task::yield_now().await;
        7
    });
    assert_eq!(number.await, Ok(7));
    let at_once: Result<(), String> = caught(async { panic!("no such index") }).await;
    assert_eq!(at_once, Err("no such index".to_owned()));
    let later: Result<(), String> = caught(async {
        tokio::task::yield_now().await;
        panic!("{} of {}", 3, 2)
    })
    .await;
    assert_eq!(later, Err("3 of 2".to_owned()));
    let other: Result<(), String> = caught(async { std::panic::panic_any(7) }).await;
    assert_eq!(other, Err("something that is no text".to_owned()));
}
