//! An object store in this process's memory, as far as a server under test needs one to keep its data in: reading,
//! listing and conditional writing over the interface of S3, by whoever knows the address. It outlives that server's
//! being killed.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

const BODY_BYTES_MAX: usize = 64 << 20;
/// Nobody looks at when an object was written; it must only be told.
const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";
const ISO_DATE: &str = "2026-01-01T00:00:00.000Z";

/// A running object store. Dropped, it takes no more connections.
#[derive(Debug)]
pub(super) struct Objects {
    port: u16,
    stop: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Kept {
    objects: BTreeMap<String, (u64, Arc<[u8]>)>,
    version: u64,
}

struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

struct Answer {
    status: &'static str,
    version: Option<u64>,
    range: Option<String>,
    body: Vec<u8>,
}

impl Objects {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port for the objects");
        let port = listener.local_addr().expect("its number").port();
        let (stop, kept) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Kept::default())));
        let stopped = Arc::clone(&stop);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let kept = Arc::clone(&kept);
                // A connection that breaks is its client's affair.
                thread::spawn(move || serve(&connection, &kept));
            }
        });
        Self { port, stop }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

fn serve(connection: &TcpStream, kept: &Mutex<Kept>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(Duration::from_secs(600)))?;
    let (mut reader, mut writer) = (BufReader::new(connection), connection);
    while let Some(request) = read(&mut reader)? {
        let answer = kept.lock().unwrap_or_else(PoisonError::into_inner).answer(&request);
        let mut head = format!("HTTP/1.1 {}\r\nLast-Modified: {DATE}\r\n", answer.status);
        if let Some(version) = answer.version {
            head.push_str(&format!("ETag: \"{version}\"\r\n"));
        }
        if let Some(range) = &answer.range {
            head.push_str(&format!("Content-Range: {range}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", answer.body.len()));
        writer.write_all(head.as_bytes())?;
        if request.method != "HEAD" {
            writer.write_all(&answer.body)?;
        }
    }
    Ok(())
}

fn read(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(key, value)| (key.to_owned(), decode(value))).collect();
    let path = decode(path);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let bytes = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    assert!(bytes <= BODY_BYTES_MAX, "an object of {bytes} bytes");
    let mut body = vec![0; bytes];
    reader.read_exact(&mut body)?;
    Ok(Some(Request { method, path, query, headers, body }))
}

fn is_of(tag: &str, version: Option<u64>) -> bool {
    version.is_some_and(|version| tag.trim_matches('"') == version.to_string())
}

fn decode(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
            bytes.push(u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?'));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Kept {
    fn answer(&mut self, request: &Request) -> Answer {
        let is_list = request.query.contains_key("list-type");
        let version = self.objects.get(&request.path).map(|(version, _)| *version);
        match request.method.as_str() {
            "GET" if is_list => self.list(request),
            "GET" | "HEAD" => self.get(request),
            "PUT" => {
                let matches = request.headers.get("if-match").is_none_or(|tag| is_of(tag, version));
                if !matches || (request.headers.contains_key("if-none-match") && version.is_some()) {
                    return Answer { version, ..Answer::of("412 Precondition Failed") };
                }
                self.version += 1;
                self.objects.insert(request.path.clone(), (self.version, request.body.as_slice().into()));
                Answer { version: Some(self.version), ..Answer::of("200 OK") }
            }
            "DELETE" => {
                self.objects.remove(&request.path);
                Answer::of("204 No Content")
            }
            _ => Answer::of("501 Not Implemented"),
        }
    }

    fn get(&self, request: &Request) -> Answer {
        let Some((version, object)) = self.objects.get(&request.path) else {
            let body = b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>".to_vec();
            return Answer { body, ..Answer::of("404 Not Found") };
        };
        let version = Some(*version);
        if request.headers.get("if-none-match").is_some_and(|tag| is_of(tag, version)) {
            return Answer { version, ..Answer::of("304 Not Modified") };
        }
        let range = request.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let Some((from, to)) = range else {
            return Answer { version, body: object.to_vec(), ..Answer::of("200 OK") };
        };
        let from = from.parse().unwrap_or(0).min(object.len());
        let end = to.parse().map_or(object.len(), |last: usize| last + 1).clamp(from, object.len());
        let told = format!("bytes {from}-{}/{}", end.saturating_sub(1), object.len());
        Answer { version, range: Some(told), body: object[from..end].to_vec(), ..Answer::of("206 Partial Content") }
    }

    /// All of them at once: they are few.
    fn list(&self, request: &Request) -> Answer {
        let bucket = format!("{}/", request.path.trim_end_matches('/'));
        let told = |name: &str| request.query.get(name).map_or("", String::as_str);
        let (prefix, delimiter, after) = (told("prefix"), told("delimiter"), told("start-after"));
        let (mut contents, mut folders) = (String::new(), Vec::new());
        for (path, (version, object)) in &self.objects {
            let Some(key) = path.strip_prefix(&bucket) else { continue };
            let Some(rest) = key.strip_prefix(prefix).filter(|_| key > after) else { continue };
            if let Some((folder, _)) = rest.split_once(delimiter).filter(|_| !delimiter.is_empty()) {
                folders.push(format!("{prefix}{folder}{delimiter}"));
                continue;
            }
            contents.push_str(&format!(
                "<Contents><Key>{key}</Key><LastModified>{ISO_DATE}</LastModified><ETag>\"{version}\"</ETag>\
                 <Size>{}</Size></Contents>",
                object.len()
            ));
        }
        folders.dedup();
        let folders =
            folders.iter().map(|folder| format!("<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"));
        let folders: String = folders.collect();
        let list = "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated>";
        Answer { body: format!("{list}{contents}{folders}</ListBucketResult>").into_bytes(), ..Answer::of("200 OK") }
    }
}

impl Answer {
    fn of(status: &'static str) -> Self {
        Self { status, version: None, range: None, body: Vec::new() }
    }
}
