//! Services that say what no service should.

use std::sync::atomic::Ordering;

use http::Method;
use http_body_util::BodyExt;
use tradewind_gateway::{Deadline, NoAnswer, UpstreamOptions};

use crate::calling::{OK, get, one_try, policy, request, saying, upstream};
use crate::{Peer, gateway, service, status_of};

#[tokio::test]
async fn what_is_not_http_or_contradicts_itself_is_no_answer() {
    let many: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    for said in [
        "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(),
        "\0\0\0\0\0\0\0\0\r\n\r\n".to_owned(),
        "HTTP/1.1 999999 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nx y: 1\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        format!("HTTP/1.1 200 OK\r\nx-large: {}\r\n\r\n", "x".repeat(200_000)),
    ] {
        let (address, _) = saying(said.clone()).await;
        let answer = get(&upstream(&[address], UpstreamOptions::default()), &one_try()).await;
        let said: String = said.chars().take(60).collect();
        assert_eq!(answer, Err(NoAnswer::Malformed), "{said:?}");
    }
}

#[tokio::test]
async fn clients_are_told_with_a_code() {
    let (address, _) = saying("SSH-2.0-OpenSSH_9.2\r\n\r\n").await;
    let gateway = gateway(&[("/", address)]).await;
    let answer = gateway.ask("POST /", "").await;
    assert_eq!(status_of(&answer), 502);
    assert!(answer.contains("\"TW-3023\"") && answer.contains("may have been carried out"), "{answer}");
}

#[tokio::test]
async fn garbage_of_one_instance_is_made_good_by_another() {
    let (garbage, heard) = saying("nothing of the kind\r\n\r\n").await;
    let (good, _) = saying(OK).await;
    let upstream = upstream(&[garbage, good], UpstreamOptions::default());
    for _ in 0..30 {
        assert_eq!(get(&upstream, &policy()).await.unwrap(), (200, "ok".to_owned()));
    }
    assert!((1..=5).contains(&heard.load(Ordering::SeqCst)), "after five it is ejected");
}

#[tokio::test]
async fn a_body_that_is_cut_short_fails_and_its_connection_is_not_used_again() {
    for head in ["content-length: 100", "transfer-encoding: chunked"] {
        let script = move |mut peer: Peer, _| async move {
            peer.hear_head().await;
            let body = if head.starts_with('c') { "only this" } else { "9\r\nonly this\r\n" };
            peer.say(&format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")).await;
        };
        let (address, connections) = service(script).await;
        let upstream = upstream(&[address], UpstreamOptions::default());
        for number in 1..=3 {
            let answer = upstream.call(request(Method::GET), Deadline::none(), &policy()).await.unwrap();
            assert!(answer.into_body().collect().await.is_err(), "half of it passed for all");
            assert_eq!(connections.load(Ordering::SeqCst), number);
        }
    }
}

#[tokio::test]
async fn a_body_that_is_longer_than_it_says_does_not_run_into_the_next_answer() {
    let (address, _) = saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and HTTP/1.1 500 Wrong\r\n\r\n").await;
    let upstream = upstream(&[address], UpstreamOptions::default());
    for _ in 0..20 {
        assert_eq!(get(&upstream, &policy()).await.unwrap(), (200, "ok".to_owned()));
    }
}

#[tokio::test]
async fn a_chunk_that_is_none_breaks_the_body_off() {
    let (address, _) = saying("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n").await;
    let upstream = upstream(&[address], UpstreamOptions::default());
    let answer = upstream.call(request(Method::GET), Deadline::none(), &policy()).await.unwrap();
    assert!(answer.into_body().collect().await.is_err());
}
