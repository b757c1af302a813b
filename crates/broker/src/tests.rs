//! URLs and names.

use crate::{BrokerError, BrokerUrl, Group, Topic};

#[test]
fn urls_name_their_engine() {
    assert!("feeds:".parse::<BrokerUrl>().unwrap().is_feeds());
    assert!(matches!("amqp://guest:guest@rabbit:5672/%2f".parse(), Ok(BrokerUrl::Amqp(_))));
    assert!(matches!("amqps://rabbit/shop".parse(), Ok(BrokerUrl::Amqp(_))));
    assert!(matches!("nats://one:4222,nats://two:4222".parse(), Ok(BrokerUrl::Nats(all)) if all.len() == 2));
    assert!(matches!("kafka://one:9092,two:9092,three".parse(), Ok(BrokerUrl::Kafka(all)) if all.len() == 3));
    assert!(matches!("kafkas://a:b@one?sasl=scram-sha-512&ca=/etc/ca.pem".parse(), Ok(BrokerUrl::Kafka(_))));
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
        "kafka://u:secret@one,kafkas://u:secret@two",
        "kafka://u:secret@one,",
        "kafka://u:secret@one?acks=1",
        "kafka://u:secret@one?sasl=gssapi",
        "kafkas://u:secret@one?ca=",
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
    let kafka: BrokerUrl = "kafka://ann:secret@one:9092,two:9092?sasl=plain".parse().unwrap();
    assert_eq!(kafka.to_string(), "kafka://one:9092,kafka://two:9092");
    assert!(!format!("{amqp:?} {nats:?} {kafka:?}").contains("secret"));
}

#[test]
fn names_are_those_that_every_broker_takes() {
    assert!(Topic::new("ordering").is_ok());
    for name in ["", "Ordering", "-a", "a.b", "a*", "a b", &"a".repeat(65)] {
        assert!(Topic::new(name).is_err(), "{name}");
    }
    assert_eq!(Group::of("invoicing", "Orders.copy").unwrap().as_str(), "invoicing_orders_copy");
}
