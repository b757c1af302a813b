//! What cannot work is refused before anything is started, and says what to do.

use std::net::TcpListener;

use crate::service::described;
use crate::{folder, stderr_of, tradewind, up_once};

#[test]
fn a_taken_gateway_port_names_its_holder() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = folder(&described("one", "ok", ""));
    let output = up_once(folder.path(), &["--port", &port.to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr_of(&output);
    let expected = format!("error[TW-4002]: the gateway's port {port} is in use by process {} (", std::process::id());
    assert!(told.starts_with(&expected) && told.contains("choose another port with --port"), "{told}");
}

#[test]
fn a_taken_service_port_names_its_holder() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = folder(&described("one", "ok", &format!("port = {port}")));
    let told = stderr_of(&up_once(folder.path(), &["--port", "0"]));
    let expected = format!("error[TW-4002]: port {port}, which the manifest gives to one, is in use by process ");
    assert!(told.starts_with(&expected) && told.contains("help: "), "{told}");
}

#[test]
fn an_address_that_is_not_this_machine_s_is_nobody_s_fault() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // An address for documentation (RFC 5737), which nobody has.
    let elsewhere = format!("192.0.2.1:{port}");
    let folder = folder(&format!("[gateway]\nlisten = \"{elsewhere}\"\n{}", described("one", "ok", "")));
    let served =
        tradewind().args(["store", "serve", "data", "--listen", &elsewhere]).current_dir(folder.path()).output();
    for output in [up_once(folder.path(), &[]), served.unwrap()] {
        assert_eq!(output.status.code(), Some(1));
        let told = stderr_of(&output);
        assert!(told.contains(&elsewhere) && told.contains("error[TW-4002]: "), "{told}");
        assert!(!told.contains("process") && !told.contains("kill"), "{told}");
    }
}

#[test]
fn a_service_s_port_that_is_given_to_the_gateway_too_is_no_other_process_s() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let folder = folder(&described("one", "ok", &format!("port = {port}")));
    let told = stderr_of(&up_once(folder.path(), &["--port", &port.to_string()]));
    assert!(
        told.starts_with(&format!("error[TW-4001]: port {port} is given to the gateway and to service one")),
        "{told}"
    );
}

#[test]
fn a_failed_build_shows_its_output_and_starts_nothing() {
    let folder = folder(&described("one", "ok", "build = \"sh -c 'echo no such crate >&2; exit 101'\""));
    let output = up_once(folder.path(), &["--port", "0"]);
    assert_eq!(output.status.code(), Some(1));
    let told = stderr_of(&output);
    assert!(told.starts_with("error[TW-4003]: the build failed: sh -c "), "{told}");
    assert!(told.contains("exited with code 101"), "{told}");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("no such crate") && !shown.contains("starting"), "{shown}");
}

#[test]
fn a_missing_manifest_says_where_one_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let told = stderr_of(&up_once(folder.path(), &[]));
    assert!(told.starts_with("error[TW-4001]: the manifest tradewind.toml cannot be read"), "{told}");
    assert!(told.contains("help: "), "{told}");
}

#[test]
fn wrong_usage_is_not_failure() {
    let output = tradewind().args(["up", "--prot", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr_of(&output).contains("--port"));
}
