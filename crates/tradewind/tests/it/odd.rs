//! What `gateway check` says of manifests that are right, and do not do what their author probably meant.

use serde_json::Value;

use crate::service::described;
use crate::{folder, stderr_of, tradewind};

/// The warnings about a gateway in front of the service `one`, each with its line.
fn warnings(gateway: &str) -> Vec<(u64, String)> {
    let folder = folder(&format!("{gateway}\n{}", described("one", "ok", "")));
    let check = tradewind().args(["gateway", "check", "--json"]).current_dir(folder.path()).output().unwrap();
    assert!(check.status.success(), "warnings keep nobody from starting: {}", stderr_of(&check));
    let report: Value = serde_json::from_slice(&check.stdout).unwrap();
    let told = report["problems"].as_array().unwrap().iter().map(|problem| {
        assert_eq!(problem["severity"], "warning", "{problem}");
        (problem["line"].as_u64().unwrap(), problem["message"].as_str().unwrap().to_owned())
    });
    told.collect()
}

/// There are these warnings, and no others.
#[track_caller]
fn assert_warnings(gateway: &str, wanted: &[(u64, &str)]) {
    let told = warnings(gateway);
    for (line, wanted) in wanted {
        let is_told = told.iter().any(|(at, message)| at == line && message.contains(wanted));
        assert!(is_told, "{line}: {wanted} in {told:#?}");
    }
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
}

#[test]
fn what_is_stored_of_no_answer() {
    assert_warnings(
        "[gateway.routes.\"/orders\"]\nto = \"one\"\nmethods = [\"POST\", \"PUT\"]\n\
         cache = { fresh = \"1m\" }\non_failure = \"stale\"\n\
         [gateway.routes.\"/products\"]\nto = \"one\"\nmethods = [\"GET\", \"PUT\"]\ncache = true\n\
         [gateway.routes.\"/plain\"]\nto = \"one\"\nmethods = [\"POST\"]\ncache = false\n",
        &[(4, "`cache` in route `/orders` has no effect"), (5, "`on_failure` in route `/orders` has no effect")],
    );
}

#[test]
fn what_may_be_stale_where_nothing_is_stored() {
    let stale = "[gateway.policies]\non_failure = \"stale\"\n[gateway.routes.\"/\"]\nto = \"one\"\n";
    assert_warnings(stale, &[(2, "`on_failure` in [gateway.policies] has no effect: no route stores anything")]);
    assert_warnings(&format!("{stale}cache = true\n"), &[]);
    assert_warnings(&stale.replace("\"stale\"", "\"error\""), &[]);
}

#[test]
fn what_is_composed_for_nobody() {
    assert_warnings(
        "[gateway.fragments]\n\
         card = \"fragment card on Thing { a }\"\n\
         cardboard = \"fragment cardboard on Thing { ...card }\"\n\
         [gateway.compositions.page]\npath = \"/page/{id}\"\ncalls.first = { get = \"one:/first/{id}\" }\n\
         [gateway.compositions.lost]\npath = \"/lost/{id}\"\ncalls.first = { get = \"one:/first/{id}\" }\n\
         [gateway.profiles.web]\nprefix = \"/web\"\nserves.page = \"{ first { b } }\"\n\
         [gateway.profiles.idle]\nprefix = \"/idle\"\n\
         [gateway.routes]\n\"/\" = \"one\"\n",
        &[
            (3, "nothing uses the fragment `cardboard`"),
            (7, "no profile serves the composition `lost`"),
            (13, "profile `idle` serves nothing"),
        ],
    );
}

#[test]
fn what_is_tried_never_or_too_late() {
    assert_warnings(
        "[gateway.routes.\"/hedged\"]\nto = \"one\"\nhedge = { after = \"90s\" }\n\
         [gateway.routes.\"/short\"]\nto = \"one\"\nhedge = { after = \"1s\" }\ntry_timeout = \"500ms\"\n\
         [gateway.routes.\"/well\"]\nto = \"one\"\nhedge = { after = \"1s\" }\ntry_timeout = \"2s\"\n\
         [gateway.routes.\"/once\"]\nto = \"one\"\nretries = { tries = 1, on = [500] }\n\
         [gateway.routes.\"/never\"]\nto = \"one\"\nretries = { tries = 1 }\n",
        &[
            (3, "a second instance is asked after 90s in route `/hedged`"),
            (6, "a second instance is asked after 1s in route `/short`"),
            (14, "`on` in `retries` has no effect"),
        ],
    );
}

#[test]
fn what_has_more_time_than_can_be_used() {
    let composed = |timeouts: &str, of_call: &str| {
        format!(
            "[gateway.compositions.page]\npath = \"/page/{{id}}\"\n{timeouts}\n\
             calls.first = {{ get = \"one:/first/{{id}}\"{of_call} }}\n\
             [gateway.profiles.web]\nprefix = \"/web\"\nserves.page = \"{{ first {{ b }} }}\"\n\
             [gateway.upstreams.one]\ntry_timeout = \"1s\"\nretries = false\n"
        )
    };
    assert_warnings(
        "[gateway.routes.\"/long\"]\nto = \"one\"\ntimeout = \"4m\"\n\
         [gateway.routes.\"/short\"]\nto = \"one\"\ntimeout = \"5s\"\ntry_timeout = \"1s\"\nretries = false\n\
         [gateway.routes.\"/well\"]\nto = \"one\"\ntimeout = \"2m\"\n\
         [gateway.routes.\"/patient\"]\nto = \"one\"\ntimeout = \"4m\"\ntry_timeout = \"4m\"\nretries = false\n",
        &[
            (1, "route \"/long\" has 240s to answer, and its service no more than 75s in each of 2 tries"),
            (4, "route \"/short\" has 5s to answer, and its service no more than 1s in its one try"),
        ],
    );
    assert_warnings(&composed("", ""), &[]);
    assert_warnings(&composed("timeout = \"20s\"", ""), &[(7, "web/page may take 20s, and all its calls")]);
    assert_warnings(
        &composed("", ", timeout = \"9s\""),
        &[(7, "call \"first\" of web/page may take 9s, and its service no more than 1s in its one try")],
    );
}

#[test]
fn what_up_would_not_find() {
    assert_warnings(
        "[gateway]\ntls = { cert = \"no.pem\", key = \"no.key\" }\n\
         log = { access = \"/nonexistent/dir/access.log\" }\n\
         [gateway.routes]\n\"/\" = \"one\"\n",
        &[(2, "the gateway could not speak TLS"), (3, "/nonexistent/dir is not there")],
    );
    assert_warnings(
        "[gateway.log]\naccess = \"tradewind.toml/access.log\"\n[gateway.routes]\n\"/\" = \"one\"\n",
        &[(2, "tradewind.toml is no folder")],
    );
    assert_warnings("[gateway.log]\naccess = \"logs/access.log\"\n[gateway.routes]\n\"/\" = \"one\"\n", &[]);
}

#[test]
fn a_page_without_a_route_has_a_line() {
    assert_warnings(
        "[gateway.open]\nshop = \"/shop\"\n\n[gateway.routes]\n\"/api\" = \"one\"\n",
        &[(2, "no route takes the page \"shop\" at /shop")],
    );
}
