//! A network that goes silent: a proxy before a server, whose connections stay open while nothing comes through.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

#[derive(Default)]
struct State {
    /// The connections that are open: whether answers get lost on them.
    silent: Mutex<Vec<Arc<AtomicBool>>>,
    /// The first connection that asks for this gets no answer.
    silent_at: Mutex<Option<Vec<u8>>>,
    answered: AtomicU64,
}

/// A proxy in this process.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub(crate) async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, SocketAddr::from(([127, 0, 0, 1], port)), Arc::clone(&shared)));
            }
        });
        Self { port: own, state }
    }

    /// From now on, no answer comes on any connection that is open; questions still go through, and new connections
    /// are as they should be.
    pub(crate) fn lose_answers(&self) {
        self.state.silent.lock().unwrap().iter().for_each(|silent| silent.store(true, Ordering::SeqCst));
    }

    /// The first connection that asks for something like this gets no more answers.
    pub(crate) fn lose_the_answer_to(&self, question: &str) {
        *self.state.silent_at.lock().unwrap() = Some(question.into());
    }

    /// Whether such a question has come.
    pub(crate) fn has_lost_it(&self) -> bool {
        self.state.silent_at.lock().unwrap().is_none()
    }

    /// How many bytes of answers have come through.
    pub(crate) fn answered(&self) -> u64 {
        self.state.answered.load(Ordering::SeqCst)
    }

    /// Where a server's store is through this.
    pub(crate) fn url(&self, schema: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?schema={schema}", self.port)
    }
}

async fn carry(client: TcpStream, server: SocketAddr, state: Arc<State>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let silent = Arc::new(AtomicBool::new(false));
    state.silent.lock().unwrap().push(Arc::clone(&silent));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asks = |asked: &[u8]| {
        let mut awaited = state.silent_at.lock().unwrap();
        if awaited.as_ref().is_some_and(|awaited| asked.windows(awaited.len()).any(|part| part == awaited)) {
            silent.store(true, Ordering::SeqCst);
            *awaited = None;
        }
        true
    };
    let answers = |answer: &[u8]| {
        if silent.load(Ordering::SeqCst) {
            return false;
        }
        state.answered.fetch_add(answer.len() as u64, Ordering::SeqCst);
        true
    };
    tokio::join!(pass(from_client, to_server, asks), pass(from_server, to_client, answers));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lets: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(got @ 1..) = from.read(&mut buffer).await {
        if lets(&buffer[..got]) && to.write_all(&buffer[..got]).await.is_err() {
            return;
        }
    }
}
