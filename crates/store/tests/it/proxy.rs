//! A network that breaks: a proxy that cuts connections where a test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How many bytes of answers the `n`-th connection lets through before it breaks; none: all.
type Plan = Arc<dyn Fn(usize) -> Option<usize> + Send + Sync>;

/// A proxy in this process.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    pub(crate) async fn before(
        server: SocketAddr,
        plan: impl Fn(usize) -> Option<usize> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, plan): (_, Plan) = (Arc::clone(&connections), Arc::new(plan));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(carry(client, server, plan(number)));
            }
        });
        Self { address, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, server: SocketAddr, mut allowed: Option<usize>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let there = async { tokio::io::copy(&mut from_client, &mut to_server).await.map(|_| ()) };
    let back = async {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let mut got = from_server.read(&mut buffer).await?;
            if got == 0 {
                return Ok::<_, std::io::Error>(());
            }
            if let Some(left) = &mut allowed {
                got = got.min(*left);
                *left -= got;
            }
            to_client.write_all(&buffer[..got]).await?;
            if allowed == Some(0) {
                return Ok(());
            }
        }
    };
    tokio::select! {
        _ = there => {}
        _ = back => {}
    }
}
