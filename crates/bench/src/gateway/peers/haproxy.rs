//! HAProxy: one thread.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

pub(super) fn prepare(command: &mut Command, folder: &Path, listen: SocketAddr, service: SocketAddr) -> io::Result<()> {
    let path = folder.join("haproxy.cfg");
    std::fs::write(&path, configuration(listen, service))?;
    // In the foreground, one process.
    command.arg("-db").arg("-f").arg(path);
    Ok(())
}

fn configuration(listen: SocketAddr, service: SocketAddr) -> String {
    format!(
        "global
  nbthread 1
  maxconn 4096
defaults
  mode http
  no log
  timeout connect 2s
  timeout client 600s
  timeout server 75s
  timeout http-keep-alive 600s
  option http-keep-alive
  http-reuse always
  retries 1
cache answers
  total-max-size 64
  max-object-size 1000000
  max-age 86400
frontend all
  bind {listen}
  option forwardfor
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto http
  http-response set-header X-Request-Id %[unique-id]
  use_backend stored if {{ path_beg /cached /stale }}
  default_backend plain
backend plain
  server service {service} pool-max-conn 256
backend stored
  http-request cache-use answers
  http-response cache-store answers
  server service {service} pool-max-conn 256
"
    )
}
