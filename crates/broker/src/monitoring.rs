//! What a broker's monitoring says of itself, where it has one that can be reached: settings that lose messages cannot be
//! asked for over the protocols that carry them.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const WITHIN: Duration = Duration::from_secs(2);
const BYTES_MAX: u64 = 1 << 20;

/// Asks for a JSON document; none if there is no such one, for whatever reason: nobody depends on it.
pub(crate) async fn ask(host: &str, port: u16, path: &str, authorization: Option<&str>) -> Option<Value> {
    let asking = async {
        let mut connection = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.ok()?;
        let login = authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
        // 1.0, so that the answer comes in one piece.
        let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n{login}\r\n");
        connection.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        connection.take(BYTES_MAX).read_to_end(&mut answer).await.ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let status = answer.split(|byte| *byte == b' ').nth(1)?;
        if status != b"200" {
            return None;
        }
        serde_json::from_slice(&answer[end + 4..]).ok()
    };
    let answer = tokio::time::timeout(WITHIN, asking).await.ok().flatten();
    if answer.is_none() {
        tracing::debug!(host, port, path, "the broker's monitoring tells nothing; its settings are not looked at");
    }
    answer
}
