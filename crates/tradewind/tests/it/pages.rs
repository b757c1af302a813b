//! The examples in `docs/errors` are what the program says, but for numbers, which are other ones each time.
//! `UPDATE_GOLDEN=1 cargo test -p tradewind pages` writes them anew; read the difference before committing it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::{Up, folder, send_signal, stderr_of, tradewind, up_once};

const EVENTS: &str = ".tradewind/ordering/events";

fn page(code: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors").join(format!("{code}.md"))
}

/// Where the example of a page begins and ends in it.
fn example(page: &str) -> Option<std::ops::Range<usize>> {
    let begin = page.find("```text\n")? + "```text\n".len();
    Some(begin..begin + page[begin..].find("```")?)
}

/// One number looks like another.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.trim_end().chars() {
        match c.is_ascii_digit() {
            true if plain.ends_with('#') => {}
            true => plain.push('#'),
            false => plain.push(c),
        }
    }
    plain
}

/// Compares what was said in a folder with the example of the page.
fn says(code: &str, folder: &Path, said: &str) {
    let said = said.replace(&folder.display().to_string(), "/srv/shop");
    let path = page(code);
    let text = std::fs::read_to_string(&path).unwrap();
    let place = example(&text).unwrap();
    if without_numbers(&text[place.clone()]) == without_numbers(&said) {
        return;
    }
    assert!(std::env::var_os("UPDATE_GOLDEN").is_some(), "{code} says:\n{}\nnot:\n{said}", &text[place]);
    std::fs::write(&path, format!("{}{}\n{}", &text[..place.start], said.trim_end(), &text[place.end..])).unwrap();
}

/// Runs a command that must fail; what it says.
fn refused(folder: &Path, line: &str) -> String {
    let output = tradewind().args(line.split(' ')).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    stderr_of(&output)
}

/// A folder in which ordering has some events.
fn with_events() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join(EVENTS)).unwrap();
    for event_type in ["OrderCreated", "OrderPaid"] {
        let mut command = tradewind();
        command.args(["store", "append", EVENTS, "--stream", "order-42", "--data", "{\"total\":12}"]);
        command.args(["--type", event_type]).current_dir(folder.path()).stdout(Stdio::null());
        assert!(command.status().unwrap().success());
    }
    folder
}

#[test]
fn a_damaged_store() {
    let folder = with_events();
    let segment = folder.path().join(EVENTS).join("segment-0000000000.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(12).position(|window| window == b"{\"total\":12}").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    says("TW-1010", folder.path(), &refused(folder.path(), &format!("store read {EVENTS}")));
}

#[test]
fn a_store_that_another_process_has_open() {
    let folder = with_events();
    let mut command = tradewind();
    command.args(["store", "serve", EVENTS, "--listen", "127.0.0.1:0"]).current_dir(folder.path());
    let mut serving = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    BufReader::new(serving.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let said = refused(folder.path(), &format!("store read {EVENTS}"));
    send_signal(serving.id(), "-TERM");
    serving.wait().unwrap();
    says("TW-1012", folder.path(), &said);
}

#[test]
fn what_is_no_store_no_event_or_no_url() {
    let folder = tempfile::tempdir().unwrap();
    says("TW-1013", folder.path(), &refused(folder.path(), "store read data"));
    let line = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/orders\",\"subject\":\"order-1\"}\n";
    std::fs::write(folder.path().join("events.ndjson"), line).unwrap();
    says("TW-1014", folder.path(), &refused(folder.path(), "store import data events.ndjson"));
    says("TW-1015", folder.path(), &refused(folder.path(), "store read ftp://example.org/events"));
}

#[test]
fn a_manifest_with_a_mistyped_key() {
    let folder = folder("[services.catalog]\nrun = \"target/release/shop run catalog\"\nprot = 7101\n");
    says("TW-4001", folder.path(), &refused(folder.path(), "check"));
}

#[test]
fn a_gateway_whose_port_is_taken() {
    let folder = folder("[services.catalog]\nrun = \"sleep 60\"\n");
    let mut command = tradewind();
    // As it is called when it is installed: its path may be too long for a message.
    command.arg0("tradewind").args(["store", "serve", "data", "--listen", "127.0.0.1:0"]).current_dir(folder.path());
    let mut serving = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let line = BufReader::new(serving.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    let said = refused(folder.path(), &format!("up --port {}", line.rsplit(':').next().unwrap()));
    send_signal(serving.id(), "-TERM");
    serving.wait().unwrap();
    says("TW-4002", folder.path(), &said);
}

#[test]
fn a_build_that_fails() {
    let folder = folder("[services.catalog]\nbuild = \"cargo build --release -p shop\"\nrun = \"sleep 60\"\n");
    says("TW-4003", folder.path(), &stderr_of(&up_once(folder.path(), &["--port", "0"])));
}

#[test]
fn a_service_that_is_given_up() {
    let run = "run = ['sh', '-c', 'echo error: no upstream catalog; exit 1']";
    let folder = folder(&format!("[services.ordering]\n{run}\nrestart = {{ falls = 1 }}\n"));
    let mut command = tradewind();
    command.args(["up", "--port", "0"]).current_dir(folder.path()).stdout(Stdio::piped());
    let mut up = command.spawn().unwrap();
    let lines = BufReader::new(up.stdout.take().unwrap()).lines().map(Result::unwrap);
    let about = lines.filter(|line| line.starts_with("ordering") && line.contains('│'));
    let lines: Vec<String> = about.skip_while(|line| !line.contains("exited")).take(3).collect();
    send_signal(up.id(), "-INT");
    up.wait().unwrap();
    says("TW-4004", folder.path(), &lines.join("\n"));
}

#[test]
fn a_second_up() {
    let folder = folder("[services.catalog]\nrun = \"sleep 60\"\n");
    let up = Up::start(folder.path());
    up.until("started", |_| true);
    says("TW-4005", folder.path(), &stderr_of(&up_once(folder.path(), &["--port", "0"])));
}

#[test]
fn instances_that_share_nothing() {
    let folder = folder("[services.ordering]\nrun = \"shop run ordering --data {data}\"\n");
    says("TW-4006", folder.path(), &refused(folder.path(), "up --scale ordering=2"));
}

#[test]
fn no_page_has_an_error_in_a_form_that_nobody_prints() {
    let pages = std::fs::read_dir(page("TW-1001").parent().unwrap()).unwrap();
    for path in pages.map(|file| file.unwrap().path()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let Some(example) = example(&text).map(|place| &text[place]) else { continue };
        let code = path.file_stem().unwrap().to_string_lossy();
        let is_said = example.contains(&format!("error[{code}]: ")) || example.contains(&format!("code={code}"));
        assert!(is_said, "{code}: {example}");
    }
}
