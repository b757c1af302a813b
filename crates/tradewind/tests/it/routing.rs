//! The gateway's part of the manifest: changed while `up` runs, looked at by `gateway check` and `gateway explain`.

use serde_json::Value;

use crate::service::described;
use crate::{Up, folder, get, stderr_of, tradewind, until};

fn manifest(routes: &str) -> String {
    format!("[gateway.routes]\n{routes}\n{}{}", described("one", "ok", ""), described("other", "ok", ""))
}

#[test]
fn routes_follow_the_manifest_while_up_runs() {
    let folder = folder(&manifest("\"/\" = \"one\""));
    let up = Up::start(folder.path());
    let gateway = up.until_up();
    assert!(get(&gateway, "/x").ends_with("one"));
    let write = |routes: &str| std::fs::write(folder.path().join("tradewind.toml"), manifest(routes)).unwrap();
    write("\"/\" = \"other\"\n\"/one\" = { to = \"one\", methods = [\"POST\"] }");
    until(|| get(&gateway, "/x").ends_with("other"));
    assert!(get(&gateway, "/one").ends_with("other"), "one takes POST only");
    write("\"/\" = \"nobody\"");
    let told = |line: &Value, text: &str| line["text"].as_str().is_some_and(|told| told.contains(text));
    up.until("log", |line| told(line, "the routes stay as they were"));
    assert!(get(&gateway, "/x").ends_with("other"));
}

#[test]
fn what_needs_another_start_is_told_when_it_changes() {
    let folder = folder(&manifest("\"/\" = \"one\""));
    let up = Up::start(folder.path());
    let gateway = up.until_up();
    let write = |text: String| std::fs::write(folder.path().join("tradewind.toml"), text).unwrap();
    let told = |line: &Value, text: &str| line["text"].as_str().is_some_and(|told| told.contains(text));
    let trusting = "[gateway]\ntrusted = [\"10.0.0.0/8\"]\nconnections = { at_most = 10 }\n";
    write(format!("{trusting}{}[broker]\nurl = \"nats://127.0.0.1:4222\"\n", manifest("\"/\" = \"other\"")));
    let waiting = up.until("log", |line| told(line, "needs another start"));
    let keys = waiting["text"].as_str().unwrap().rsplit(": ").next().unwrap().to_owned();
    assert_eq!(keys, "gateway.connections, gateway.trusted, broker");
    assert!(get(&gateway, "/x").ends_with("other"), "what can be put in place is");
    // As it was when it began, but for a line that moves what stands below it, and the port that it was told.
    write(format!("\n{}", manifest("\"/\" = \"one\"")));
    up.until("log", |line| told(line, "routes are in place"));
    until(|| get(&gateway, "/x").ends_with("one"));
    write(manifest("\"/\" = \"nobody\""));
    let next = up.until("log", |line| told(line, "the routes stay") || told(line, "another start"));
    assert!(told(&next, "the routes stay"), "{next}");
}

#[test]
fn what_is_wrong_is_told_with_its_line_to_programs_too() {
    let folder = folder(&manifest("\"/\" = \"one\"\n\"/a/{x}\" = \"one\"\n\"/a/{y}\" = \"other\"\n"));
    let check = || tradewind().args(["gateway", "check", "--json"]).current_dir(folder.path()).output().unwrap();
    let wrong = check();
    assert_eq!(wrong.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&wrong.stdout).unwrap();
    let problem = &report["problems"][0];
    assert_eq!((&report["right"], &problem["line"], &problem["code"]), (&false.into(), &4.into(), &"TW-4001".into()));
    assert!(problem["message"].as_str().unwrap().contains("ambiguous"), "{report}");

    let right =
        manifest("\"/api\" = \"one\"\n[gateway.open]\nshop = \"/\"\n[gateway.upstreams.other]\nslow_start = \"1s\"\n");
    std::fs::write(folder.path().join("tradewind.toml"), right).unwrap();
    let odd = check();
    assert!(odd.status.success(), "{}", stderr_of(&odd));
    let report: Value = serde_json::from_slice(&odd.stdout).unwrap();
    assert_eq!((&report["right"], &report["problems"][0]["severity"]), (&true.into(), &"warning".into()), "{report}");
    let idle = &report["problems"][1];
    assert_eq!((&idle["line"], &idle["message"]), (&5.into(), &"no route leads to the upstream other".into()));
}

#[test]
fn a_request_is_explained_without_anything_running() {
    let products = "[gateway.routes.\"/products/{id}\"]\nto = \"one\"\nrewrite = \"/p/{id}\"\nmethods = [\"GET\"]\n";
    let uploads = "uploads = { silence = \"5s\", per_second = \"1KiB\" }\n";
    let folder = folder(&manifest(&format!("{products}limits = {{ body = \"1KiB\" }}\n{uploads}")));
    let explain = |arguments: &[&str]| {
        tradewind().args(["gateway", "explain"]).args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let told = explain(&["/products/7?x=1", "--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", stderr_of(&told)));
    assert_eq!((&told["service"], &told["service_path"]), (&"one".into(), &"/p/7?x=1".into()));
    assert_eq!((&told["parameters"]["id"], &told["line"]), (&"7".into(), &2.into()));
    assert_eq!(told["policies"][0], "bodies of at most 1024 bytes");
    let slowly = "up to 5s of silence in a request's body, a second made good by 1024 bytes";
    assert!(told["policies"].as_array().unwrap().contains(&slowly.into()), "{told}");
    for (arguments, code) in [(["/products", "--json"], "TW-3001"), (["/products/7", "--method=PUT"], "TW-3004")] {
        let refused = explain(&arguments);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr_of(&refused).contains(code), "{}", stderr_of(&refused));
    }
}

#[test]
fn what_would_be_answered_if_a_service_were_dead_is_told_without_anything_running() {
    let composition = "[gateway.compositions.page]\npath = \"/page/{id}\"\n\
         calls.first = { get = \"one:/first/{id}\", on_failure = \"error\" }\n\
         calls.second = { get = \"other:/second/{id}\", on_failure = { stale = \"10m\", else = \"omit\" } }\n\
         [gateway.profiles.web]\nprefix = \"/web\"\nserves.page = \"{ first { a } second { b } }\"\n";
    let folder = folder(&manifest(&format!("\"/one\" = \"one\"\n\"/other\" = \"other\"\n{composition}")));
    let explain = |arguments: &[&str]| {
        tradewind().args(["gateway", "explain"]).args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let told = explain(&["--down", "other", "--json"]);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", stderr_of(&told)));
    let route = |name: &str| {
        let found = told["routes"].as_array().unwrap().iter().find(|route| route["route"].as_str().unwrap() == name);
        found.unwrap_or_else(|| panic!("no {name}: {told}"))
    };
    let plain = &route("/other")["otherwise"];
    assert_eq!((&plain["status"], &plain["code"], &plain["within_ms"]), (&503.into(), &"TW-3002".into(), &2000.into()));
    let composed = told["routes"].as_array().unwrap().iter().find(|route| route["fragments"].is_array()).unwrap();
    assert_eq!((&composed["stored"]["stale_s"], &composed["otherwise"]["status"]), (&600.into(), &200.into()));
    assert_eq!(
        (&composed["fragments"][0]["fragment"], &composed["fragments"][0]["otherwise"]),
        (&"second".into(), &"omitted".into())
    );
    assert_eq!(told["unaffected"], serde_json::json!([{"route": "/one", "takes": "/one/…", "line": 2}]));

    let text = String::from_utf8(explain(&["--down", "one"]).stdout).unwrap();
    assert!(text.contains("503 TW-3002 after 2 s") && text.contains("part first: the whole fails"), "{text}");
    let nobody = explain(&["--down", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr_of(&nobody).contains("there are one, other"), "{}", stderr_of(&nobody));
}

#[test]
fn what_no_service_gets_is_told_as_it_is_answered() {
    let routes = "\"/\" = \"one\"\n\
         \"/w/{x}\" = { to = \"one\", rewrite = \"/{x}\" }\n\
         \"/c\" = { to = \"other\", methods = [\"POST\"], cors = { origins = [\"https://a.example\"] } }\n\
         \"/h\" = { to = \"other\", host = \"shop.example\" }\n\
         \"/s\" = { to = \"one\", cache = { fresh = \"1m\" } }\n";
    let folder = folder(&manifest(routes));
    let explain = |arguments: &[&str]| {
        tradewind().args(["gateway", "explain"]).args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let json = |arguments: &[&str]| {
        let told = explain(&[arguments, &["--json"]].concat());
        let json: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", stderr_of(&told)));
        (told.status.code().unwrap(), json)
    };
    let (code, own) = json(&["/_gateway/metrics"]);
    assert_eq!((code, own["detail"].as_str()), (0, Some("by the gateway itself")), "{own}");
    for (arguments, status, error) in [
        (&["/w/admin"][..], 404, "TW-3001"),
        (&["/x", "--method", "CONNECT"], 501, "TW-3004"),
        (&["/c", "--method", "TRACE"], 405, "TW-3004"),
        (&["/x/../y"], 400, "TW-3004"),
        (&["/x", "--host", "a.example", "--header", "host: b.example"], 400, "TW-3004"),
    ] {
        let (code, told) = json(arguments);
        assert_eq!((code, &told["status"], &told["code"]), (1, &status.into(), &error.into()), "{told}");
        assert!(told["detail"].is_string() && told["path"] == arguments[0], "{told}");
    }
    let page = ["/c", "--method", "OPTIONS", "--header", "origin: https://a.example", "--header"];
    let (code, asked) = json(&[&page[..], &["access-control-request-method: POST"]].concat());
    assert_eq!((code, &asked["route"], &asked["status"]), (0, &"/c".into(), &204.into()), "{asked}");
    let (_, with_port) = json(&["/h", "--host", "shop.example:8080"]);
    assert_eq!((&with_port["route"], &with_port["line"]), (&"/h".into(), &5.into()), "{with_port}");
    let (_, read) = json(&["/s/1"]);
    assert_eq!(read["cache_key"]["target"], "/s/1", "{read}");
    let (_, written) = json(&["/s/1", "--method", "POST"]);
    let policies = written["policies"].to_string();
    assert!(written["cache_key"].is_null() && policies.contains("never stored") && !policies.contains("cached: "));
    let text = String::from_utf8(explain(&["/_gateway/metrics"]).stdout).unwrap();
    assert_eq!(text, "GET /_gateway/metrics\n  answered    by the gateway itself\n");
}

#[test]
fn routes_of_the_same_path_are_told_by_what_they_take_and_a_whole_path_as_it_is() {
    let routes = "[gateway.routes]\n\"/\" = { to = \"one\", exact = true }\n\
         [[gateway.route]]\npath = \"/api\"\nmethods = [\"GET\"]\nto = \"one\"\n\
         [[gateway.route]]\npath = \"/api\"\nmethods = [\"POST\"]\nto = \"other\"\n";
    let folder = folder(&format!("{routes}{}{}", described("one", "ok", ""), described("other", "ok", "")));
    let tell = |arguments: &[&str]| {
        let told = tradewind().arg("gateway").args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(told.status.success(), "{}", stderr_of(&told));
        String::from_utf8(told.stdout).unwrap()
    };
    let down = tell(&["explain", "--down", "other"]);
    assert!(down.contains("  POST /api/…  (tradewind.toml:7)\n") && !down.contains("GET /api"), "{down}");
    let check = tell(&["check"]);
    assert!(check.contains("\n  / to one  (line 2)"), "{check}");
}

#[test]
fn what_is_probably_not_meant_is_told_with_its_line() {
    let routes = "[gateway.routes.\"/tunnel\"]\nto = \"one\"\nmethods = [\"CONNECT\"]\n\
         [gateway.routes.\"/secret\"]\nto = \"one\"\nauth = true\n\
         [gateway.routes.\"/large\"]\nto = \"one\"\nlimits = { headers = 500, header_bytes = \"1MiB\", answer_header_bytes = \"1MiB\" }\n\
         [gateway.routes.\"/slow\"]\nto = \"one\"\ntimeout = \"10m\"\n\
         [gateway.routes.\"/tries\"]\nto = \"one\"\ntimeout = \"1s\"\ntry_timeout = \"2s\"\n\
         [gateway.routes.\"/host\"]\nto = \"one\"\nhost = \"a.example\"\nheaders = { host = \"b.example\" }\n\
         [gateway.routes.\"/foreign\"]\nto = \"foreign\"\ncache = { fresh = \"1m\", tags = [\"thing\"] }\n\
         [gateway.upstreams.foreign]\naddresses = [\"127.0.0.1:9\"]\n\
         [gateway.compositions.page]\npath = \"/page/{id}\"\ntimeout = \"1s\"\n\
         calls.first = { get = \"one:/first/{id}\", timeout = \"5s\" }\n\
         [gateway.profiles.web]\nprefix = \"/web\"\nserves.page = \"{ first { a } }\"\n";
    let trusted = "[gateway]\ntrusted = [\"10.0.0.0/8\", \"0.0.0.0/0\"]\nconnections = { at_most = 100, per_address = 10, idle = \"1m\" }\nunready_for = \"5s\"\n";
    let folder = folder(&format!("{trusted}{}", manifest(routes)));
    let check = tradewind().args(["gateway", "check", "--json"]).current_dir(folder.path()).output().unwrap();
    assert!(check.status.success(), "warnings keep nobody from starting: {}", stderr_of(&check));
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    let told: Vec<(u64, &str)> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            assert_eq!(problem["severity"], "warning");
            (problem["line"].as_u64().unwrap(), problem["message"].as_str().unwrap())
        })
        .collect();
    for (line, wanted) in [
        (2, "`trusted` has 0.0.0.0/0 in it"),
        (6, "is never taken: a gateway is no proxy"),
        (9, "nothing here verifies tokens"),
        (12, "`headers` = 500"),
        (12, "`header_bytes` = 1048576"),
        (12, "`answer_header_bytes` = 1048576"),
        (15, "longer than browsers wait"),
        (15, "its service no more than 75s in each of 2 tries"),
        (18, "none is made after a slow one"),
        (22, "is never taken: its header asks for the host b.example"),
        (26, "no event of it purges them"),
    ] {
        assert!(
            told.iter().any(|(at, message)| *at == line && message.contains(wanted)),
            "{line}: {wanted} in {told:?}"
        );
    }
    assert!(told.iter().any(|(_, message)| message.contains("call \"first\" of web/page may take 5s")), "{told:?}");
    assert_eq!(told.len(), 12, "{told:?}");
}

#[test]
fn what_no_request_can_have_is_refused_where_it_stands() {
    let routes = "[gateway.routes.\"/chunked\"]\nto = \"one\"\nheaders = { \"x-a\" = true, Transfer-Encoding = \"chunked\" }\n\
         [gateway.routes.\"/h2c\"]\nto = \"one\"\nheaders = { upgrade = \"h2c\" }\n\
         [gateway.routes.\"/origins\"]\nto = \"one\"\ncors = { origins = [\"https://*.shop.example\", \"https://shop.*\"] }\n";
    let folder = folder(&manifest(routes));
    let check = tradewind().args(["gateway", "check", "--json"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(check.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    let problems = report["problems"].as_array().unwrap();
    let line = |number: u64| routes.lines().nth(usize::try_from(number).unwrap() - 2).unwrap();
    for (number, at, wanted) in [
        (4, "Transfer-Encoding", "concerns a connection alone"),
        (7, "upgrade", "concerns a connection alone"),
        (10, "\"https://shop.*\"", "\"https://shop.*\" is no origin"),
    ] {
        let found = problems.iter().find(|problem| problem["line"] == number).unwrap_or_else(|| panic!("{report}"));
        assert!(found["message"].as_str().unwrap().contains(wanted), "{found}");
        assert_eq!(found["column"], line(number).find(at).unwrap() + 1, "{found}");
    }
    assert_eq!(problems.len(), 3, "{report}");
}

#[test]
fn it_is_explained_which_route_a_websocket_takes() {
    let routes = "[gateway.routes.\"/\"]\nto = \"one\"\n\
         [[gateway.route]]\npath = \"/\"\nto = \"other\"\nheaders = { upgrade = \"websocket\" }\n";
    let folder = folder(&manifest(routes));
    for (headers, service) in [
        (&["Connection: Upgrade", "Upgrade: WebSocket"][..], "other"),
        (&["upgrade: websocket"], "one"),
        (&["connection: x-a", "x-a: 1"], "one"),
    ] {
        let mut explain = tradewind();
        explain.args(["gateway", "explain", "/live", "--json"]).current_dir(folder.path());
        for header in headers {
            explain.args(["--header", header]);
        }
        let told = explain.output().unwrap();
        let told: Value = serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", stderr_of(&told)));
        assert_eq!(told["service"], service, "{headers:?}");
    }
}
