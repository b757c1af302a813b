use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A shop that leaves the first so many requests without an answer, and then says that it is done already.
async fn duplicate_after(unanswered: usize) -> Answer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            if number >= unanswered {
                let headers = "tradewind-position: 7\r\ntradewind-duplicate: true\r\nconnection: close";
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{headers}\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    ShopClient::new(&url).unwrap().command("/orders", "key", Timestamp::EPOCH, &"body").await.unwrap()
}

#[tokio::test]
async fn what_the_shop_had_is_told_from_what_an_unanswered_try_has_done() {
    assert_eq!(duplicate_after(0).await, Answer::Done { position: 7, before: true });
    assert_eq!(duplicate_after(2).await, Answer::Done { position: 7, before: false });
}
