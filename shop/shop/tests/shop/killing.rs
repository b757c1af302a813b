//! Services as processes of their own, killed without a warning.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};

use crate::client::{Got, PATIENCE, Shopper, id};
use crate::ordering::STAGES;
use crate::system::{free_address, front};

/// A service that is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    line: Vec<String>,
    pub(crate) address: SocketAddr,
}

impl Process {
    pub(crate) async fn start(line: &str, data: &Path) -> Self {
        let process = Self::begin(line, free_address(), data);
        process.ready().await;
        process
    }

    /// It runs, but what it follows may not be there yet.
    pub(crate) fn begin(line: &str, address: SocketAddr, data: &Path) -> Self {
        let line: Vec<String> = ["run"]
            .into_iter()
            .chain(line.split_whitespace())
            .map(str::to_owned)
            .chain(["--listen".into(), address.to_string(), "--data".into(), data.display().to_string()])
            .collect();
        Self { child: spawn(&line), line, address }
    }

    pub(crate) async fn kill_and_start_again(&mut self) {
        self.child.kill().await.unwrap();
        self.child = spawn(&self.line);
        self.ready().await;
    }

    /// It need not become ready.
    pub(crate) async fn kill_and_begin_again(&mut self) {
        self.child.kill().await.unwrap();
        self.child = spawn(&self.line);
    }

    pub(crate) async fn ready(&self) {
        let started = Instant::now();
        while !answers(self.address).await {
            assert!(started.elapsed() < PATIENCE, "{:?} is not ready", self.line);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn spawn(line: &[String]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(line).args(["--log", "warn"]).stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

async fn answers(address: SocketAddr) -> bool {
    if tokio::net::TcpStream::connect(address).await.is_err() {
        return false;
    }
    Shopper::new(format!("http://{address}")).get("/health/ready").await.status.is_success()
}

#[tokio::test]
async fn a_killed_service_forgets_neither_orders_nor_what_is_to_be_done_with_them() {
    let folder = tempfile::tempdir().unwrap();
    // They follow each other, and neither waits for the other to start.
    let addresses = [free_address(), free_address()];
    let line = format!("catalog --upstream ordering=http://{}", addresses[1]);
    let mut catalog = Process::begin(&line, addresses[0], &folder.path().join("catalog"));
    let flags = "--pace fast --payment-busy-percent 50 --payment-declined-percent 0";
    let line = format!("ordering --upstream catalog=http://{} {flags}", addresses[0]);
    let mut ordering = Process::begin(&line, addresses[1], &folder.path().join("ordering"));
    catalog.ready().await;
    ordering.ready().await;
    let (url, _gateway) = front(&[("catalog", catalog.address), ("ordering", ordering.address)]).await;
    let shopper = Shopper::new(url);
    shopper.list("1", 259).await;

    let mut orders = Vec::new();
    for round in 0..4 {
        for n in 0..8 {
            let order = id(&format!("round {round} order {n}"));
            shopper.place(&order, "7", &[("1", 2)]).await.ok();
            orders.push(order);
        }
        // Somewhere in the middle of their fulfilment, elsewhere each time.
        tokio::time::sleep(Duration::from_millis(40 * round)).await;
        ordering.kill_and_start_again().await;
    }
    catalog.kill_and_start_again().await;
    let mut last = None;
    for order in &orders {
        let done = ended(&shopper, order).await;
        let events: Vec<&str> =
            done.body["timeline"].as_array().unwrap().iter().map(|stage| stage["event"].as_str().unwrap()).collect();
        let unpaid = ["OrderCreated", "OrderApproved", "OrderPaymentFailed"];
        let expected: &[&str] = if done.body["status"] == "delivered" { &STAGES } else { &unpaid };
        assert_eq!(events, expected, "each stage once, and in order: {done:?}");
        last = Some(done);
    }
    let history = shopper.get_after("/api/ordering/customers/7/orders?limit=200", &last.unwrap()).await.ok();
    assert_eq!(history["items"].as_array().unwrap().len(), orders.len());
    shopper.get("/api/catalog/products/1").await.ok();
}

/// The order once it is delivered, or its payment has been given up.
async fn ended(shopper: &Shopper, order: &str) -> Got {
    let started = Instant::now();
    loop {
        let seen = shopper.get(&format!("/api/ordering/orders/{order}")).await;
        if ["delivered", "payment-failed"].contains(&seen.body["status"].as_str().unwrap_or_default()) {
            return seen;
        }
        assert!(started.elapsed() < PATIENCE, "the order goes no further: {seen:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
