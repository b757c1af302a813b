//! nginx: one worker, its cache where the folder is, which is in memory, and files that are kept open.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

pub(super) fn prepare(command: &mut Command, folder: &Path, listen: SocketAddr, service: SocketAddr) -> io::Result<()> {
    let path = folder.join("nginx.conf");
    std::fs::write(&path, configuration(folder, listen, service))?;
    command.arg("-p").arg(folder).arg("-c").arg(path).args(["-e", "stderr"]);
    Ok(())
}

fn configuration(folder: &Path, listen: SocketAddr, service: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes 1;
pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 4096; accept_mutex off; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  open_file_cache max=4096 inactive=600s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=answers:16m max_size=64m inactive=24h use_temp_path=off;
  upstream service {{ server {service}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 600s; }}
  proxy_http_version 1.1;
  proxy_set_header Connection \"\";
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Request-Id $request_id;
  add_header X-Request-Id $request_id;
  server {{
    listen {listen};
    location / {{ proxy_pass http://service; }}
    location /cached {{ proxy_pass http://service; proxy_cache answers; }}
    location /stale {{
      proxy_pass http://service;
      proxy_cache answers;
      proxy_cache_use_stale error timeout http_500 http_502 http_503 http_504;
    }}
  }}
}}
"
    )
}
