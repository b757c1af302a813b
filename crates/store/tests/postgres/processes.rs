//! Several processes that write at once, are killed in the middle of it, and transactions of others that stay open.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio_postgres::{Client, NoTls};
use tradewind_events::{EventId, Position};
use tradewind_store::{OpenOptions, open};
use tradewind_testkit::servers::{Postgres, is_left_out};

use crate::load::{Acknowledged, Follower, check, write};

const PROCESSES: usize = 4;
const WRITERS_EACH: usize = 4;
const KILLS: usize = 12;
/// Tells a process of this binary that it is to write, and where.
const WRITE_TO: &str = "TRADEWIND_TEST_WRITE_TO";

/// Not a test of its own: what a writing process runs, until its standard input ends or it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_writes() {
    let Ok(told) = std::env::var(WRITE_TO) else { return };
    let (number, url) = told.split_once(' ').unwrap();
    let store = open(url, OpenOptions::default()).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&stop);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut String::new());
        stops.store(true, Ordering::Relaxed);
    });
    let writers = (0..WRITERS_EACH).map(|writer| {
        // One system call, so that a line is whole or not there.
        let tell = |position: Position, id: EventId| {
            std::io::stdout().write_all(format!("\nacknowledged {position} {id}\n").as_bytes()).unwrap();
        };
        tokio::spawn(write(Arc::clone(&store), format!("{number}.{writer}"), Arc::clone(&stop), tell))
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// A process that writes, and the thread that notes what it says.
struct Writing {
    process: Child,
    noting: JoinHandle<()>,
}

impl Writing {
    fn start(number: usize, url: &str, acknowledged: &Acknowledged) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "processes::a_process_writes", "--nocapture", "--test-threads=1"]);
        command.env(WRITE_TO, format!("{number} {url}")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let (lines, acknowledged) = (BufReader::new(process.stdout.take().unwrap()), acknowledged.clone());
        let noting = std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut words = line.split(' ');
                if let (Some("acknowledged"), Some(position), Some(id), None) =
                    (words.next(), words.next(), words.next(), words.next())
                    && let Ok(id) = id.parse::<EventId>()
                {
                    acknowledged.note(position.parse().unwrap(), id);
                }
            }
        });
        Self { process, noting }
    }

    /// As `kill -9`.
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.noting.join().unwrap();
    }

    /// Lets it finish what it has begun.
    fn finish(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
        self.noting.join().unwrap();
    }
}

/// A transaction that has written, sees the past, and does not end.
async fn foreign_transaction(server: &Postgres, number: usize) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url("x").replace("?schema=x", ""), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE TABLE foreign_{number} (n int)")).await.unwrap();
    let work = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO foreign_{number} VALUES (1); SELECT count(*) FROM pg_class"
    );
    client.batch_execute(&work).await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_in_processes_that_are_killed_leave_no_gap_and_followers_see_everything_once() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::start("");
    let url = server.url("shared_by_many");
    let store = open(&url, OpenOptions::default()).await.unwrap();
    let mut foreign = vec![foreign_transaction(&server, 0).await, foreign_transaction(&server, 1).await];
    let acknowledged = Acknowledged::default();
    let followers = [Follower::start(&store).await, Follower::start(&store).await];
    let mut writing: Vec<Writing> = (0..PROCESSES).map(|number| Writing::start(number, &url, &acknowledged)).collect();
    for kill in 0..KILLS {
        // Long enough to be in the middle of something, and never the same.
        tokio::time::sleep(Duration::from_millis(400 + (kill as u64 * 137) % 300)).await;
        let victim = writing.remove((kill * 7) % PROCESSES);
        tokio::task::spawn_blocking(|| victim.kill()).await.unwrap();
        writing.push(Writing::start(PROCESSES + kill, &url, &acknowledged));
        foreign.push(foreign_transaction(&server, 2 + kill).await);
    }
    let ending = tokio::task::spawn_blocking(move || writing.into_iter().for_each(Writing::finish));
    ending.await.unwrap();
    assert!(acknowledged.count() > 1_000, "too little was written to tell: {}", acknowledged.count());
    check(&store, &acknowledged, &followers).await;
    drop(foreign);
}
