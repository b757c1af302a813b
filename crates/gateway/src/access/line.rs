//! One request, in one line.

use std::fmt::Display;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;
use tradewind_events::Timestamp;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum End {
    /// With its last byte.
    Whole,
    /// Its service, or the gateway, broke off.
    Broken,
    /// The client had gone.
    Left,
}

/// What is logged of a request. Fields may be added, and are never renamed.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    /// When its head had come.
    pub(super) time: Timestamp,
    pub(super) client: IpAddr,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) query: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host: Option<&'a str>,
    /// Nothing, if no route took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) route: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<&'a str>,
    /// The instance that answered, or was asked last. Nothing, if none was asked for this request alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instance: Option<SocketAddr>,
    /// How often instances were asked.
    pub(super) tries: u32,
    /// None, if the client had gone before there was an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// Bytes of the answer's body, as they were sent.
    pub(super) bytes: u64,
    /// Until the answer's head was there, if it ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head_ms: Option<f64>,
    /// Until its last byte was on its way.
    pub(super) took_ms: f64,
    /// What the cache did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache: Option<&'a str>,
    /// Which parts of a composed answer are complete, stale or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fragments: Option<&'a str>,
    pub(super) end: End,
    pub(super) request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trace_id: Option<&'a str>,
}

impl Line<'_> {
    pub(super) fn json(&self, into: &mut Vec<u8>) {
        // Texts and numbers always become JSON, and a vector takes all bytes.
        let _ = serde_json::to_writer(into, self);
    }

    pub(super) fn text(&self, into: &mut Vec<u8>) {
        let _ = write!(into, "{} {} {} ", self.time, self.client, self.method);
        plainly(into, self.path);
        if let Some(query) = self.query {
            into.push(b'?');
            plainly(into, query);
        }
        let _ = match self.status {
            Some(status) => write!(into, " {status} {}B {}ms", self.bytes, self.took_ms),
            None => write!(into, " - {}B {}ms", self.bytes, self.took_ms),
        };
        let mut field = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                let _ = write!(into, " {name}=");
                plainly(into, value);
            }
        };
        let told = |value: Option<&dyn Display>| value.map(ToString::to_string);
        field("host", self.host);
        field("route", self.route);
        field("service", self.service);
        field("instance", told(self.instance.as_ref().map(|instance| instance as _)).as_deref());
        field("tries", told(Some(&self.tries)).as_deref());
        field("head_ms", told(self.head_ms.as_ref().map(|head_ms| head_ms as _)).as_deref());
        field("cache", self.cache);
        field("fragments", self.fragments);
        field("end", Some(["whole", "broken", "left"][self.end as usize]));
        field("request_id", Some(self.request_id));
        field("trace_id", self.trace_id);
    }
}

/// Writes a value so that it stays within its line and its word.
fn plainly(into: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' | ..=b' ' | 0x7f.. => drop(write!(into, "%{byte:02X}")),
            _ => into.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;
    use serde_json::Value;
    use tradewind_events::Timestamp;

    use super::{End, Line};

    fn line<'a>(path: &'a str, query: Option<&'a str>) -> Line<'a> {
        Line {
            time: Timestamp::EPOCH,
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            method: "GET",
            path,
            query,
            host: Some(path),
            route: Some(path),
            service: None,
            instance: None,
            tries: 1,
            status: Some(200),
            bytes: 7,
            head_ms: Some(1.5),
            took_ms: 2.25,
            cache: Some("hit"),
            fragments: None,
            end: End::Left,
            request_id: "id",
            trace_id: None,
        }
    }

    #[test]
    fn a_line_of_text_has_the_most_important_first() {
        let mut text = Vec::new();
        line("/a \"b\"", Some("x=1\n")).text(&mut text);
        let wanted = "1970-01-01T00:00:00Z 127.0.0.1 GET /a%20%22b%22?x=1%0A 200 7B 2.25ms host=/a%20%22b%22 \
                      route=/a%20%22b%22 tries=1 head_ms=1.5 cache=hit end=left request_id=id";
        assert_eq!(String::from_utf8(text).unwrap(), wanted);

        let mut text = Vec::new();
        Line { status: None, head_ms: None, ..line("/a", None) }.text(&mut text);
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(" /a - 7B 2.25ms host=") && !text.contains("head_ms"), "{text}");
    }

    proptest! {
        #[test]
        fn whatever_a_path_has_the_line_is_one_line_and_well_formed(path in any::<String>(), query in any::<String>()) {
            let (mut json, mut text) = (Vec::new(), Vec::new());
            line(&path, Some(&query)).json(&mut json);
            line(&path, Some(&query)).text(&mut text);
            prop_assert!(!json.contains(&b'\n'));
            let told: Value = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(&told["path"], &Value::from(path.as_str()));
            prop_assert_eq!((&told["query"], &told["end"]), (&Value::from(query.as_str()), &Value::from("left")));
            prop_assert!(text.iter().all(|byte| (b' '..=b'~').contains(byte)));
            prop_assert_eq!(text.split(|byte| *byte == b' ').count(), 14);
        }
    }
}
