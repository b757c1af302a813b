//! A service that answers by a script, and fails on command in every way there is.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tradewind_gateway::Upstream;

use crate::Peer;

/// What a service does with each request from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    /// Answers as its script says.
    Answers,
    /// Takes the request and says nothing.
    Hangs,
    /// Answers after a while.
    Dawdles(Duration),
    /// Says half of the answer's body and closes.
    BreaksOff,
    /// Answers 200 with something else than JSON.
    Babbles,
    /// Says something that is not HTTP.
    Gibbers,
    /// Answers 500.
    Fails,
}

pub(crate) struct Acting {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    does: Arc<Mutex<Does>>,
    killed: CancellationToken,
}

/// The answer to a request's head, as it goes over the wire.
type Script = Arc<dyn Fn(&str) -> String + Send + Sync>;

impl Acting {
    pub(crate) async fn begin(script: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let acting = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
            does: Arc::new(Mutex::new(Does::Answers)),
            killed: CancellationToken::new(),
        };
        let (heads, does, killed) = (Arc::clone(&acting.heads), Arc::clone(&acting.does), acting.killed.clone());
        let script: Script = Arc::new(script);
        tokio::spawn(async move {
            while let Some(Ok((stream, _))) = killed.run_until_cancelled(listener.accept()).await {
                let (heads, does, script) = (Arc::clone(&heads), Arc::clone(&does), Arc::clone(&script));
                let killed = killed.clone();
                tokio::spawn(async move {
                    killed.run_until_cancelled(serve(Peer(stream), &heads, &does, &script)).await;
                });
            }
        });
        acting
    }

    /// One that answers everything with the same.
    pub(crate) async fn answering(headers: &str, body: &str) -> Self {
        let answer = ok(headers, body);
        Self::begin(move |_| answer.clone()).await
    }

    pub(crate) fn upstream(&self, name: &str) -> Upstream {
        Upstream::new(name, [self.address])
    }

    pub(crate) fn does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    /// Ends it, with all its connections.
    pub(crate) fn kill(&self) {
        self.killed.cancel();
    }

    /// How many requests it has got.
    pub(crate) fn asked(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    /// Waits until it has got so many.
    pub(crate) async fn until_asked(&self, times: usize) {
        let asked = async {
            while self.asked() < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked).await.expect("the service was not asked");
    }

    /// The head of the last one, in lower case.
    pub(crate) fn last(&self) -> String {
        self.heads.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

async fn serve(mut peer: Peer, heads: &Mutex<Vec<String>>, does: &Mutex<Does>, script: &Script) {
    loop {
        let Some(head) = peer.hear_head_or_end().await else { return };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        for _ in 0..length.unwrap_or(0) {
            tokio::io::AsyncReadExt::read_u8(&mut peer.0).await.unwrap();
        }
        heads.lock().unwrap().push(head.clone());
        let does = *does.lock().unwrap();
        let answer = script(&head);
        match does {
            Does::Answers => peer.say(&answer).await,
            Does::Hangs => std::future::pending().await,
            Does::Dawdles(time) => {
                tokio::time::sleep(time).await;
                peer.say(&answer).await;
            }
            Does::BreaksOff => return peer.say(&answer[..answer.len() - 3]).await,
            Does::Babbles => peer.say(&ok("cache-control: max-age=60\r\n", "<h1>It works!</h1>")).await,
            Does::Gibbers => return peer.say("220 mail.example ESMTP\r\n\r\n").await,
            Does::Fails => peer.say("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n").await,
        }
    }
}

/// 200 with these header lines.
pub(crate) fn ok(headers: &str, body: &str) -> String {
    let kind = if headers.contains("content-type") { "" } else { "content-type: application/json\r\n" };
    format!("HTTP/1.1 200 OK\r\n{kind}{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// A header's value in an answer, or nothing.
pub(crate) fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
