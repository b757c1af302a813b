//! What a shared cache must not store, or not for others (RFC 9111 §3).

use crate::Headers;
use crate::world::{Reply, World};

async fn is_stored(request: Headers<'_>, answer: Headers<'_>) -> bool {
    let world = World::answering(answer).await;
    world.get(request).await;
    let second = world.get(request).await;
    assert_eq!(second.is_hit(), world.asked() == 1);
    second.is_hit()
}

#[tokio::test]
async fn what_is_private_or_not_to_be_stored_is_not() {
    for (directives, stored) in [
        ("max-age=60", true),
        ("max-age=60, no-store", false),
        ("no-store, max-age=60", false),
        ("No-Store, max-age=60", false),
        ("max-age=60, private", false),
        ("max-age=60, private=\"x-user\"", false),
        ("s-maxage=60, private", false),
        ("max-age=60, no-store, must-understand", true),
        ("max-age=60, nostore", true),
    ] {
        assert_eq!(is_stored(&[], &[("cache-control", directives)]).await, stored, "{directives}");
    }
}

#[tokio::test]
async fn must_understand_only_lets_store_what_is_understood() {
    let world =
        World::new(|_| Reply::status(299, "", &[("cache-control", "max-age=60, no-store, must-understand")])).await;
    world.get(&[]).await;
    assert!(!world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn what_was_authorized_is_stored_only_if_the_answer_says_so() {
    let request: Headers<'_> = &[("authorization", "Bearer one")];
    for (directives, stored) in [
        ("max-age=60", false),
        ("max-age=60, public", true),
        ("max-age=60, must-revalidate", true),
        ("s-maxage=60", true),
        ("max-age=60, proxy-revalidate", false),
    ] {
        assert_eq!(is_stored(request, &[("cache-control", directives)]).await, stored, "{directives}");
    }
}

#[tokio::test]
async fn what_one_was_authorized_to_see_is_not_shown_to_another() {
    let world = World::new(|seen| {
        let body = format!("for {}", seen.header("authorization"));
        Reply::ok(&body, &[("cache-control", "max-age=60")])
    })
    .await;
    for who in ["one", "two", "one"] {
        assert_eq!(world.get(&[("authorization", who)]).await.body, format!("for {who}"));
    }
    assert_eq!(world.get(&[]).await.body, "for ");
    assert!(world.get(&[]).await.is_hit(), "without, it is like any other");
}

#[tokio::test]
async fn what_sets_a_cookie_is_never_stored() {
    for directives in ["max-age=60", "public, max-age=60", "s-maxage=60"] {
        let answer: Headers<'_> = &[("cache-control", directives), ("set-cookie", "session=1")];
        assert!(!is_stored(&[], answer).await, "{directives}");
    }
}

#[tokio::test]
async fn what_a_cookie_may_have_chosen_is_stored_only_if_it_says_how_long() {
    let (changed, cookie): (_, Headers<'_>) = (crate::world::date(-1000), &[("cookie", "session=1")]);
    assert!(!is_stored(cookie, &[("last-modified", &changed)]).await);
    assert!(is_stored(cookie, &[("cache-control", "max-age=60")]).await);
    assert!(is_stored(cookie, &[("cache-control", "public"), ("last-modified", &changed)]).await);
}

#[tokio::test]
async fn only_get_is_stored() {
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"] {
        let world = World::answering(&[("cache-control", "max-age=60")]).await;
        for _ in 0..2 {
            let answer = world.ask(method, "/", &[]).await;
            assert!(answer.did().contains("fwd=method"), "{}", answer.did());
        }
        assert_eq!(world.asked(), 2, "{method}");
        assert!(!world.get(&[]).await.is_hit(), "{method}");
    }
}

#[tokio::test]
async fn targets_hosts_and_scopes_are_kept_apart() {
    let world = World::new(|seen| Reply::ok(&seen.path, &[("cache-control", "max-age=60")])).await;
    for path in ["/a", "/a?", "/a?b", "/b", "/A"] {
        let first = world.ask("GET", path, &[]).await;
        assert_eq!((&first.body[..], first.is_hit()), (path, false));
    }
    assert!(world.ask("GET", "/a?b", &[]).await.is_hit());
    let key = tradewind_gateway::cache::Key::new;
    assert_ne!(key("a", "host", "/"), key("b", "host", "/"));
    assert_ne!(key("a", "host", "/"), key("a", "other", "/"));
    assert_eq!(key("a", "host", "/"), key("a", "HOST", "/"));
}

#[tokio::test]
async fn headers_are_kept_but_for_those_of_one_connection() {
    let world = World::answering(&[
        ("cache-control", "max-age=60"),
        ("x-one", "1"),
        ("x-two", "1"),
        ("x-two", "2"),
        ("link", "</a>"),
        ("link", "</b>"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("proxy-authenticate", "Basic"),
    ])
    .await;
    world.get(&[]).await;
    let hit = world.get(&[]).await;
    assert!(hit.is_hit());
    assert_eq!(hit.header("x-one"), "1");
    for (name, count) in [("x-two", 2), ("link", 2), ("x-hop", 0), ("connection", 0), ("proxy-authenticate", 0)] {
        assert_eq!(hit.headers.get_all(name).iter().count(), count, "{name}");
    }
}

#[tokio::test]
async fn of_the_published_list_what_concerns_one_connection_is_left_out_and_all_else_is_kept() {
    let kept: Headers<'_> = &[
        ("cache-control", "max-age=60"),
        ("clear-site-data", "cookies"),
        ("content-encoding", "other"),
        ("content-foo", "1"),
        ("content-location", "/foo"),
        ("content-md5", "rL0Y20zC+Fzt72VPzMSk2A=="),
        ("content-security-policy", "default-src 'self'"),
        ("content-type", "text/plain"),
        ("etag", "\"a\""),
        ("expires", "Fri, 01 Jan 2038 01:01:01 GMT"),
        ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("public-key-pins", "1"),
        ("set-cookie2", "a=b"),
        ("strict-transport-security", "max-age=1"),
        ("strict-transport-security2", "1"),
        ("test-header", "1"),
        ("www-authenticate", "Basic"),
        ("x-content-foo", "1"),
        ("x-frame-options", "deny"),
        ("x-test-header", "1"),
        ("x-xss-protection", "1"),
    ];
    let left_out: Headers<'_> = &[
        ("connection", "x-hop"),
        ("keep-alive", "timeout=5"),
        ("proxy-authenticate", "Basic"),
        ("proxy-authentication-info", "nextnonce=a"),
        ("proxy-authorization", "Basic a"),
        ("proxy-connection", "keep-alive"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
    ];
    let world = World::answering(&[kept, left_out].concat()).await;
    world.get(&[]).await;
    let hit = world.get(&[]).await;
    assert!(hit.is_hit(), "{}", hit.did());
    for (name, value) in kept {
        assert_eq!(hit.header(name), *value, "{name}");
    }
    for (name, _) in left_out {
        assert!(!hit.headers.contains_key(*name), "{name}");
    }
    for refused in [("set-cookie", "a=b"), ("content-range", "bytes 0-3/4")] {
        assert!(!is_stored(&[], &[("cache-control", "max-age=60"), refused]).await, "{refused:?}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_stored() {
    let world = World::new(|seen| {
        if seen.number > 0 {
            return Reply::ok("whole", &[("cache-control", "max-age=60")]);
        }
        // A length that the body does not come up to ends the connection.
        Reply::ok("x", &[("cache-control", "max-age=60"), ("content-length", "10")]).streaming(&["x"])
    })
    .await;
    let response = world.head("GET", "/", &[]).await.unwrap();
    assert!(crate::world::read(response).await.is_err());
    let second = world.get(&[]).await;
    assert_eq!((&second.body[..], second.is_hit()), ("whole", false));
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn a_body_without_a_length_is_stored_when_it_has_come_to_its_end() {
    let reply = Reply::ok("", &[("cache-control", "max-age=60")]).streaming(&["one ", "two ", "three"]);
    let world = World::new(move |_| reply.clone()).await;
    assert_eq!(world.get(&[]).await.body, "one two three");
    let hit = world.get(&[]).await;
    assert_eq!((&hit.body[..], hit.header("content-length"), hit.is_hit()), ("one two three", "13", true));
}
