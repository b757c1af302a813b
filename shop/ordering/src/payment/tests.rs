use super::*;

fn answers(options: PaymentOptions, attempt: u32) -> Vec<Answer> {
    (0..2_000).map(|n| StandInProvider::new(options).collect(&format!("order {n}"), attempt)).collect()
}

fn share(answers: &[Answer], of: impl Fn(&Answer) -> bool) -> f64 {
    answers.iter().filter(|answer| of(answer)).count() as f64 / answers.len() as f64
}

#[test]
fn the_same_attempt_gets_the_same_answer() {
    let options = PaymentOptions { busy_percent: 50, ..PaymentOptions::default() };
    assert_eq!(answers(options, 1), answers(options, 1));
    assert_ne!(answers(options, 1), answers(options, 2));
}

#[test]
fn it_refuses_as_often_as_it_is_told() {
    let answers = answers(PaymentOptions { busy_percent: 20, declined_percent: 10, attempts_max: 3 }, 1);
    assert!((0.07..0.13).contains(&share(&answers, |a| matches!(a, Answer::Declined { .. }))));
    assert!((0.14..0.22).contains(&share(&answers, |a| *a == Answer::Busy)));
}

#[test]
fn the_last_attempt_is_never_answered_with_busy() {
    let answers = answers(PaymentOptions { busy_percent: 100, declined_percent: 0, attempts_max: 3 }, 3);
    assert_eq!(share(&answers, |a| matches!(a, Answer::Declined { .. })), 1.0);
}

#[test]
fn what_was_paid_already_is_accepted() {
    assert_eq!(share(&answers(PaymentOptions::PAID_ALREADY, 1), |a| matches!(a, Answer::Accepted { .. })), 1.0);
}

#[test]
fn each_wait_is_longer_than_the_one_before() {
    let first = Duration::from_secs(1);
    let waits: Vec<u64> = (1..=4).map(|attempt| StandInProvider::wait_after(attempt, first).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 8]);
}
