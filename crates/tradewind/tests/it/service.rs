//! The service that the tests run: this program itself, told by its environment to be one.

use std::io::{Read, Write};
use std::net::TcpListener;

/// A `[services.NAME]` table. Modes: `ok`, answers everything with its name; `numbered`, and with its instance's number;
/// `falls` at once;
/// `falls-until` there is a file `mended` beside the manifest;
/// `documented`, answers `/openapi.json` with the file `NAME.running.json` beside the manifest;
/// `products` keeps products (see there);
/// `chatty`, writes without end, and the file `chatted` beside the manifest when it has written much.
pub(crate) fn described(name: &str, mode: &str, more: &str) -> String {
    let program = std::env::current_exe().unwrap().display().to_string();
    // What names its folder keeps something there, and cannot have several instances.
    let data = if mode == "products" { ", TINY_DATA = \"{data}\"" } else { "" };
    format!(
        "[services.{name}]\nrun = [{program:?}, \"service::be_a_service\", \"--exact\", \"--nocapture\"]\n\
         env = {{ TINY_LISTEN = \"{{listen}}\", TINY_NAME = \"{name}\", TINY_MODE = \"{mode}\", \
         TINY_NUMBER = \"{{instance}}\"{data} }}\n{more}\n"
    )
}

#[test]
fn be_a_service() {
    let Ok(listen) = std::env::var("TINY_LISTEN") else { return };
    let mut name = std::env::var("TINY_NAME").unwrap();
    println!("\n{name} begins");
    let mode = std::env::var("TINY_MODE").unwrap();
    if mode == "numbered" {
        name = format!("{name}.{}", std::env::var("TINY_NUMBER").unwrap());
    }
    if mode == "falls" || (mode == "falls-until" && !std::path::Path::new("mended").exists()) {
        println!("{name} cannot go on");
        std::process::exit(3);
    }
    if mode == "products" {
        return crate::products::serve(&listen, &std::env::var("TINY_DATA").unwrap());
    }
    if mode == "chatty" {
        std::thread::spawn(|| {
            for line in 0_u64.. {
                println!("line {line} {:0>100}", 0);
                if line == 20_000 {
                    std::fs::write("chatted", "yes").unwrap();
                }
            }
        });
    }
    for stream in TcpListener::bind(listen).unwrap().incoming() {
        let mut stream = stream.unwrap();
        let mut asked = [0; 4096];
        let length = stream.read(&mut asked).unwrap_or_default();
        let mut head = "HTTP/1.1 200 OK\r\nconnection: close\r\n".to_owned();
        let mut body = name.clone();
        if mode == "documented" && asked[..length].starts_with(b"GET /openapi.json ") {
            body = std::fs::read_to_string(format!("{name}.running.json")).unwrap();
            head.push_str("content-type: application/json\r\n");
        }
        let _ = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
    }
}
