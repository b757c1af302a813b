use std::collections::BTreeMap;

use bytes::Bytes;
use tradewind_events::*;

use super::append::{WireAppend, read_batch, write_append, write_appended};
use super::event::{read_event, write_event};
use super::live::{Message, Parser, write_delivery};
use super::page::{read_page, write_page};
use super::problem::Problem;

fn event(data: &[u8]) -> Event {
    Event {
        id: EventId::derived("wire", data.len()),
        event_type: EventType::new("Order\"Placed\\").unwrap(),
        time: "2017-03-31T10:20:30.000001Z".parse().unwrap(),
        tags: vec![Tag::new("product:7").unwrap(), Tag::new("kunde:Ä").unwrap()],
        metadata: Metadata {
            schema_version: 3,
            actor: Some("ann \"the\" boss".into()),
            traceparent: Some("00-1-2-01".into()),
            extensions: BTreeMap::from([("shop".to_owned(), "Köln\n1".to_owned())]),
            ..Metadata::default()
        },
        data: Bytes::copy_from_slice(data),
    }
}

fn recorded(data: &[u8]) -> Recorded {
    Recorded::assemble("order-4\"2", &event(data), Position(7), Revision(3), Timestamp::from_micros(1_500_000))
}

#[test]
fn an_event_comes_back_from_the_wire_as_it_was() {
    let before = recorded(br#"{"text":"a\nb\u0001 \"c\"","n":[1,2.5e3,null]}"#);
    let mut json = Vec::new();
    write_event(&mut json, &before, "/store");
    assert!(!json.contains(&b'\n'));
    let after = read_event(&json).unwrap();
    assert_eq!(after, before);
    assert_eq!(after.metadata().unwrap(), before.metadata().unwrap());
}

#[test]
fn the_fast_way_and_the_type_agree_on_the_format() {
    let before = recorded(b"{\"a\":1}");
    let mut json = Vec::new();
    write_event(&mut json, &before, "/store");
    let slow: CloudEvent = serde_json::from_slice(&json).unwrap();
    assert_eq!((slow.position, slow.revision, slow.source.as_str()), (Some(Position(7)), Some(Revision(3)), "/store"));
    let (stream, same) = slow.into_event(Timestamp::EPOCH).unwrap();
    assert_eq!((stream.as_str(), same), (before.stream(), before.to_event().unwrap()));
    let json = serde_json::to_vec(&CloudEvent::of(&before, "/store")).unwrap();
    assert_eq!(read_event(&json).unwrap(), before);
}

#[test]
fn data_that_is_not_json_spoils_no_page() {
    let page = Page {
        events: vec![recorded(b"\x00\xff,"), recorded(b"{ \"a\":\n1}")],
        through: Position(9),
        head: Position(12),
    };
    let back = read_page(&write_page(&page, "/")).unwrap();
    assert_eq!((back.through, back.head), (Position(9), Position(12)));
    assert_eq!(back.events[0].data(), b"\x00\xff,");
    assert_eq!(back.events[1].data(), b"{ \"a\": 1}");
}

#[test]
fn an_event_that_lacks_its_place_is_refused() {
    for json in [
        r#"{}"#,
        r#"{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000000","type":"A","subject":"a-1","time":"2017-03-31T10:20:30Z","revision":0,"data":1}"#,
        r#"{"specversion":"0.3","id":"00000000-0000-0000-0000-000000000000","type":"A","subject":"a-1","time":"2017-03-31T10:20:30Z","position":1,"revision":0,"data":1}"#,
        r#"{"specversion":"1.0","id":"x","type":"A","subject":"a-1","time":"2017-03-31T10:20:30Z","position":1,"revision":0}"#,
        r#"{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000000","type":"A","subject":"a 1","time":"2017-03-31T10:20:30Z","position":1,"revision":0}"#,
    ] {
        assert!(read_event(json.as_bytes()).is_err(), "{json}");
    }
}

#[test]
fn an_append_comes_through_as_it_was_sent() {
    let append = Append {
        streams: vec![
            StreamAppend {
                stream: StreamId::new("order-1").unwrap(),
                expected: ExpectedRevision::Exactly(Revision(4)),
                events: vec![event(b"{\"a\":1}"), event(b"[]")],
            },
            StreamAppend {
                stream: StreamId::new("cart-1").unwrap(),
                expected: ExpectedRevision::Exists,
                events: vec![],
            },
        ],
        condition: Some(AppendCondition { fail_if: Query::category("order"), after: Position(3) }),
    };
    let mut json = Vec::new();
    write_append(&mut json, &append).unwrap();
    let body = Bytes::from(json);
    let wire: WireAppend<'_> = serde_json::from_slice(&body).unwrap();
    assert_eq!(wire.into_append(&body, Timestamp::EPOCH).unwrap(), append);
}

#[test]
fn data_that_is_not_json_is_never_sent_with_others() {
    let append = Append::to(StreamId::new("a-1").unwrap(), ExpectedRevision::Any, vec![event(b"1},{")]);
    assert!(matches!(write_append(&mut Vec::new(), &append), Err(AppendError::Invalid(_))));
}

#[test]
fn every_append_error_survives_the_wire() {
    let stream = StreamId::new("order-1").unwrap();
    let errors = [
        AppendError::WrongRevision {
            stream: stream.clone(),
            expected: ExpectedRevision::None,
            actual: Some(Revision(4)),
        },
        AppendError::WrongRevision { stream, expected: ExpectedRevision::Exactly(Revision(2)), actual: None },
        AppendError::ConditionFailed { position: Position(9) },
        AppendError::IdReused { id: EventId::derived("x", 1), position: Position(8) },
        AppendError::Invalid("too large".into()),
        AppendError::DiskFull,
        AppendError::OutcomeUnknown("sync failed".into()),
        AppendError::Unavailable("closing".into()),
        AppendError::Moved("file:/var/elsewhere".into()),
        AppendError::Timeout,
    ];
    for error in errors {
        let json = serde_json::to_string(&Problem::from(&error)).unwrap();
        let back = serde_json::from_str::<Problem>(&json).unwrap().into_append_error();
        assert_eq!(format!("{back:?}"), format!("{error:?}"), "{json}");
    }
}

#[test]
fn every_read_error_survives_the_wire() {
    for error in [
        ReadError::Damaged { place: "segment 3 at 0x10".into(), problem: "checksum".into() },
        ReadError::Invalid("limit".into()),
        ReadError::Unavailable("closing".into()),
        ReadError::Timeout,
    ] {
        let json = serde_json::to_string(&Problem::from(&error)).unwrap();
        let back = serde_json::from_str::<Problem>(&json).unwrap().into_read_error();
        assert_eq!(format!("{back:?}"), format!("{error:?}"), "{json}");
    }
}

#[test]
fn a_batch_tells_answers_and_problems_apart() {
    let appended =
        Appended { first: Position(1), last: Position(2), revisions: vec![Some(Revision(1)), None], duplicate: true };
    let mut json = b"[".to_vec();
    write_appended(&mut json, &appended);
    json.push(b',');
    serde_json::to_writer(&mut json, &Problem::from(&AppendError::DiskFull)).unwrap();
    json.push(b']');
    let answers = read_batch(&json).unwrap();
    assert_eq!(answers[0].as_ref().unwrap(), &appended);
    assert!(matches!(answers[1], Err(AppendError::DiskFull)));
    assert!(read_batch(b"[{}").is_err());
}

#[test]
fn live_events_are_the_same_however_they_are_cut() {
    let delivery =
        Delivery { events: vec![recorded(b"{\"a\":\n1}"), recorded(b"2")], through: Position(9), caught_up: true };
    let mut bytes = b": open\r\n\r\nretry: 5\n\n".to_vec();
    write_delivery(&mut bytes, &delivery, "/");
    let parse = |size: usize| {
        let (mut parser, mut messages) = (Parser::default(), Vec::new());
        for chunk in bytes.chunks(size) {
            parser.push(chunk, &mut messages).unwrap();
        }
        messages
    };
    let whole = parse(bytes.len());
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[2], Message { event: "caught-up".into(), data: b"{\"through\":9}".to_vec() });
    assert_eq!(read_event(&whole[0].data).unwrap().position(), Position(7));
    for size in 1..9 {
        assert_eq!(parse(size), whole);
    }
}

#[test]
fn lines_of_data_are_joined_and_carriage_returns_end_lines() {
    let (mut parser, mut messages) = (Parser::default(), Vec::new());
    parser.push(b"data: a\rdata:b\r\n\r", &mut messages).unwrap();
    parser.push(b"\ndata\n\n", &mut messages).unwrap();
    assert_eq!(messages[0].data, b"a\nb");
    assert_eq!(messages[1].data, b"");
}

#[test]
fn what_the_first_version_wrote_is_read_and_still_written_so() {
    let golden = include_str!("../../tests/golden/event-1.json").trim_end();
    let event = read_event(golden.as_bytes()).unwrap();
    assert_eq!(event.metadata().unwrap().extensions["shop"], "Köln");
    let mut json = Vec::new();
    write_event(&mut json, &event, "/ordering");
    assert_eq!(String::from_utf8(json).unwrap(), golden);

    let golden = include_str!("../../tests/golden/append-1.json").trim_end();
    let body = Bytes::from_static(golden.as_bytes());
    let wire: WireAppend<'_> = serde_json::from_slice(&body).unwrap();
    let append = wire.into_append(&body, Timestamp::EPOCH).unwrap();
    let mut json = Vec::new();
    write_append(&mut json, &append).unwrap();
    assert_eq!(String::from_utf8(json).unwrap(), golden);
}
