//! URLs and names.

use crate::{BrokerError, BrokerUrl, Group, Topic};

#[test]
fn urls_name_their_engine() {
    assert!("feeds:".parse::<BrokerUrl>().unwrap().is_feeds());
    assert!(matches!("amqp://guest:guest@rabbit:5672/%2f".parse(), Ok(BrokerUrl::Amqp(_))));
    assert!(matches!("amqps://rabbit/shop".parse(), Ok(BrokerUrl::Amqp(_))));
    assert!(matches!("nats://one:4222,nats://two:4222".parse(), Ok(BrokerUrl::Nats(all)) if all.len() == 2));
}

#[test]
fn what_is_no_url_is_refused_without_telling_a_password() {
    for text in [
        "",
        "rabbit",
        "amqp:",
        "amqp://",
        "ftp://u:secret@host",
        "kafka//u:secret@host",
        "nats://u:secret@one,tls://u:secret@two",
        "amqp://u:secret@one,amqp://u:secret@two",
        "amqp://u:secret@host?heartbeat=1",
        "nats://u:se@cret@host:notaport",
        "u:secret@host",
    ] {
        let error = text.parse::<BrokerUrl>().expect_err(text);
        assert_eq!(error.code().to_string(), "TW-5001");
        assert!(matches!(error, BrokerError::Url { .. }));
        let told = format!("{error} {error:?}");
        assert!(!told.contains("secret") && !told.contains("cret@"), "{told}");
    }
}

#[test]
fn a_url_is_shown_without_credentials() {
    let amqp: BrokerUrl = "amqp://ann:secret@rabbit:5672/shop".parse().unwrap();
    assert_eq!(amqp.to_string(), "amqp://rabbit:5672/shop");
    let nats: BrokerUrl = "nats://ann:secret@one:4222,nats://two:4222".parse().unwrap();
    assert_eq!(nats.to_string(), "nats://one:4222,nats://two:4222");
    assert!(!format!("{amqp:?} {nats:?}").contains("secret"));
}

#[test]
fn names_are_those_that_every_broker_takes() {
    assert!(Topic::new("ordering").is_ok());
    for name in ["", "Ordering", "-a", "a.b", "a*", "a b", &"a".repeat(65)] {
        assert!(Topic::new(name).is_err(), "{name}");
    }
    assert_eq!(Group::of("invoicing", "Orders.copy").unwrap().as_str(), "invoicing_orders_copy");
}
