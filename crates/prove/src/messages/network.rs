//! The network between processes: a small proxy for each way from one to another, which can be cut.
//!
//! Where it may, the kernel does the cutting: inside a network namespace of the proof's own, packets to and from the
//! proxy are dropped, and sent again, as by a network that fails. Where it may not, the proxy holds what comes, which
//! needs no rights and works on any machine.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::{Semaphore, watch};
use tokio_util::task::AbortOnDropHandle;

use super::announcement::Announcement;
use super::plan::Cut;

/// How many bytes are on their way in one direction of a connection.
const BUFFER_BYTES: usize = 64 << 10;
/// How many connections a link carries at once.
const CONNECTIONS_MAX: usize = 256;

/// By what ways are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// The proxies hold what comes.
    Proxies,
    /// The kernel drops packets, by rules of `iptables` on the loopback interface: for a process in a network namespace
    /// of its own.
    Packets,
}

impl Means {
    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Proxies => "proxies that hold what comes",
            Self::Packets => "packets that the kernel drops",
        }
    }
}

/// Where a process or a server is; nowhere while it is down.
pub(super) type Place = watch::Receiver<Option<SocketAddr>>;

/// A way from one process to another or to a server.
pub(super) struct Link {
    /// From where to where.
    pub(super) name: String,
    /// Where it is entered, on 127.0.0.1.
    pub(super) port: u16,
    cut: watch::Sender<Option<Cut>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Link {
    /// A link to wherever its end is.
    pub(super) async fn to(name: String, target: Place) -> io::Result<Self> {
        Self::with(name, target, |_| None).await
    }

    /// A link to a server that tells its clients where it is: through this link, they hear that it is here.
    pub(super) async fn standing_for(name: String, target: Place, server: SocketAddr) -> io::Result<Self> {
        let announced = |port| Some(Announcement::of(&server.ip().to_string(), server.port(), port));
        Self::with(name, target, announced).await
    }

    async fn with(
        name: String,
        target: Place,
        announced: impl FnOnce(u16) -> Option<Announcement>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (cut, state) = watch::channel(None);
        let way = Way { target, state, announced: announced(port).map(Arc::new) };
        let accepting = tokio::spawn(accept(listener, way));
        Ok(Self { name, port, cut, _accepting: AbortOnDropHandle::new(accepting) })
    }

    pub(super) async fn cut(&self, how: Cut, means: Means) -> Result<(), String> {
        match (means, how) {
            (Means::Packets, Cut::Silent | Cut::AnswersHeld) => self.rules("-A", how).await,
            _ => {
                self.cut.send_replace(Some(how));
                Ok(())
            }
        }
    }

    /// What was held goes on, as packets that are sent again.
    pub(super) async fn mend(&self, how: Cut, means: Means) -> Result<(), String> {
        match (means, how) {
            (Means::Packets, Cut::Silent | Cut::AnswersHeld) => self.rules("-D", how).await,
            _ => {
                self.cut.send_replace(None);
                Ok(())
            }
        }
    }

    /// Adds or deletes the rules by which packets are dropped.
    async fn rules(&self, change: &str, how: Cut) -> Result<(), String> {
        let ports: &[&str] = if how == Cut::Silent { &["--dport", "--sport"] } else { &["--sport"] };
        for port in ports {
            let mut command = Command::new("iptables");
            command.args(["-w", "5", change, "INPUT", "-i", "lo", "-p", "tcp", port, &self.port.to_string()]);
            let output = command.args(["-j", "DROP"]).kill_on_drop(true).output().await;
            let output = output.map_err(|error| format!("iptables cannot be run: {error}"))?;
            if !output.status.success() {
                return Err(format!("iptables refuses: {}", String::from_utf8_lossy(&output.stderr).trim()));
            }
        }
        Ok(())
    }
}

/// What a link's connections have in common.
#[derive(Clone)]
struct Way {
    target: Place,
    state: watch::Receiver<Option<Cut>>,
    announced: Option<Arc<Announcement>>,
}

async fn accept(listener: TcpListener, way: Way) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(turn) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((client, _)) = listener.accept().await else { continue };
        let way = way.clone();
        tokio::spawn(async move {
            carry(client, way).await;
            drop(turn);
        });
    }
}

async fn carry(client: TcpStream, way: Way) {
    let Way { target, mut state, announced } = way;
    let mut closing = state.clone();
    let carrying = async {
        // Whoever connects while nothing gets through waits.
        state.wait_for(|cut| *cut != Some(Cut::Silent)).await.ok()?;
        let target = (*target.borrow())?;
        let server = TcpStream::connect(target).await.ok()?;
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let asked = pass(from_client, to_server, state.clone(), |cut| cut != Some(Cut::Silent), None);
        let answered = pass(from_server, to_client, state, |cut| cut.is_none(), announced.as_deref());
        // As soon as one end is gone, so is the other.
        tokio::select! {
            () = asked => {}
            () = answered => {}
        }
        Some(())
    };
    tokio::select! {
        _ = carrying => {}
        _ = closing.wait_for(|cut| *cut == Some(Cut::Closed)) => {}
    }
}

/// Passes on what comes, as long as it may; what comes meanwhile waits.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Option<Cut>>,
    lets: impl Fn(Option<Cut>) -> bool,
    announced: Option<&Announcement>,
) {
    // At its beginning: what came before, and may be the beginning of an announcement.
    let mut held = 0;
    let mut buffer = vec![0; BUFFER_BYTES + announced.map_or(0, Announcement::held_max)];
    while let Ok(got @ 1..) = from.read(&mut buffer[held..]).await {
        let there = held + got;
        held = announced.map_or(0, |announced| announced.change(&mut buffer[..there]));
        let passed = there - held;
        if state.wait_for(|cut| lets(*cut)).await.is_err() || to.write_all(&buffer[..passed]).await.is_err() {
            return;
        }
        buffer.copy_within(passed..there, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        address
    }

    async fn answer(stream: &mut TcpStream) -> Option<u8> {
        let mut byte = [0];
        let reading = tokio::time::timeout(Duration::from_millis(300), stream.read_exact(&mut byte));
        reading.await.ok()?.ok()?;
        Some(byte[0])
    }

    #[tokio::test]
    async fn a_link_that_is_cut_holds_or_breaks_and_carries_again_when_it_is_mended() {
        let (_up, place) = watch::channel(Some(echo().await));
        let link = Link::to("test".to_owned(), place).await.unwrap();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, link.port)).await.unwrap();
        stream.write_all(b"a").await.unwrap();
        assert_eq!(answer(&mut stream).await, Some(b'a'));
        for cut in [Cut::Silent, Cut::AnswersHeld] {
            link.cut(cut, Means::Proxies).await.unwrap();
            stream.write_all(b"b").await.unwrap();
            assert_eq!(answer(&mut stream).await, None, "{cut:?}");
            link.mend(cut, Means::Proxies).await.unwrap();
            assert_eq!(answer(&mut stream).await, Some(b'b'), "{cut:?}");
        }
        link.cut(Cut::Closed, Means::Proxies).await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
        let mut refused = TcpStream::connect((Ipv4Addr::LOCALHOST, link.port)).await.unwrap();
        let _ = refused.write_all(b"c").await;
        assert_eq!(answer(&mut refused).await, None);
        link.mend(Cut::Closed, Means::Proxies).await.unwrap();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, link.port)).await.unwrap();
        stream.write_all(b"d").await.unwrap();
        assert_eq!(answer(&mut stream).await, Some(b'd'));
    }
}
