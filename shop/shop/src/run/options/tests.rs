use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct CommandLine {
    #[command(flatten)]
    options: Options,
}

fn parse(line: &str) -> Result<Options, String> {
    let words = std::iter::once("run").chain(line.split_whitespace());
    CommandLine::try_parse_from(words).map(|line| line.options).map_err(|error| error.to_string())
}

#[test]
fn what_is_not_said_has_a_default() {
    let options = parse("ordering --data d --upstream catalog=http://127.0.0.1:1").unwrap();
    assert_eq!(options.store_url(), "file:d/events");
    assert_eq!(options.fulfilment(), FulfilmentOptions::default());
    assert_eq!(options.seller().name, "Tradewind Reference Shop");
    assert!(!options.allow_backdating);
}

#[test]
fn an_upstream_is_followed_by_its_feed() {
    for url in ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/feed", "http://127.0.0.1:1/feed/"] {
        let upstream: Upstream = format!("catalog={url}").parse().unwrap();
        assert_eq!((upstream.name.as_str(), upstream.feed_url().as_str()), ("catalog", "http://127.0.0.1:1/feed"));
    }
    assert!("catalog".parse::<Upstream>().is_err());
    assert!("=http://127.0.0.1:1".parse::<Upstream>().is_err());
    assert!("catalog=127.0.0.1:1".parse::<Upstream>().is_err());
}

#[test]
fn nonsense_is_refused() {
    assert!(parse("kitchen --data d").is_err());
    assert!(parse("ordering --data d --pace breakneck").unwrap_err().contains("demo, fast or ordinary"));
    assert!(parse("ordering --data d --payment-busy-percent 101").is_err());
    assert!(parse("ordering").is_err());
    assert!(parse("invoicing --data d --seller-name=").is_err());
}
