//! Varnish: 64 MiB in memory, and what is stale may be answered for ten minutes.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

pub(super) fn prepare(command: &mut Command, folder: &Path, listen: SocketAddr, service: SocketAddr) -> io::Result<()> {
    let path = folder.join("answers.vcl");
    std::fs::write(&path, configuration(service))?;
    command
        // In the foreground, and without other users, who could not read the folder.
        .args(["-F", "-j", "none", "-a", &listen.to_string(), "-s", "malloc,64m", "-n"])
        .arg(folder.join("work"))
        .arg("-f")
        .arg(path)
        .args(["-p", "thread_pools=1", "-p", "thread_pool_min=100", "-p", "timeout_idle=600"]);
    Ok(())
}

fn configuration(service: SocketAddr) -> String {
    format!(
        "vcl 4.1;
backend service {{ .host = \"{}\"; .port = \"{}\"; .max_connections = 1024; .connect_timeout = 2s; }}
sub vcl_recv {{
  set req.http.X-Forwarded-Host = req.http.Host;
  set req.http.X-Forwarded-Proto = \"http\";
  set req.http.X-Request-Id = req.xid;
  if (req.url ~ \"^/(cached|stale)\") {{ return (hash); }}
  return (pass);
}}
sub vcl_backend_response {{ set beresp.grace = 10m; }}
sub vcl_deliver {{ set resp.http.X-Request-Id = req.xid; }}
",
        service.ip(),
        service.port()
    )
}
