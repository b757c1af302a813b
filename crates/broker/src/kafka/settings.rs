//! A URL as the library's settings.

use percent_encoding::percent_decode_str;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use url::Url;

use crate::BrokerOptions;

const PORT: u16 = 9092;

/// What all clients of a cluster have in common.
///
/// # Errors
/// What in the URL cannot be.
pub(super) fn of(servers: &[Url], options: &BrokerOptions) -> Result<ClientConfig, String> {
    let mut settings = ClientConfig::new();
    let address = |url: &Url| format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(PORT));
    let (connect_ms, answer_ms) = (options.connect_within.as_millis(), options.answer_within.as_millis());
    settings
        .set_log_level(RDKafkaLogLevel::Warning)
        .set("bootstrap.servers", servers.iter().map(address).collect::<Vec<_>>().join(","))
        .set("client.id", options.client_name.as_str())
        .set("socket.connection.setup.timeout.ms", connect_ms.max(1_000).to_string())
        .set("socket.timeout.ms", answer_ms.to_string())
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "1000")
        .set("allow.auto.create.topics", "false");
    let tls = servers[0].scheme() == "kafkas";
    if tls && !cfg!(feature = "kafka-tls") {
        return Err("this program was built without the feature kafka-tls, which speaks kafkas:".to_owned());
    }
    let mechanism = parameter(servers, "sasl").unwrap_or_else(|| "plain".to_owned());
    let login = servers.iter().find(|url| !url.username().is_empty());
    if let Some(url) = login {
        let plain = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let decoded = plain(url.username()).and_then(|user| Ok((user, plain(url.password().unwrap_or_default())?)));
        let (user, password) = decoded.map_err(|_| "its user or password is no text".to_owned())?;
        if mechanism != "plain" && !cfg!(feature = "kafka-tls") {
            return Err("this program was built without the feature kafka-tls, which SCRAM needs".to_owned());
        }
        settings
            .set("sasl.mechanism", mechanism.to_uppercase())
            .set("sasl.username", user)
            .set("sasl.password", password);
    }
    settings.set(
        "security.protocol",
        match (tls, login.is_some()) {
            (false, false) => "plaintext",
            (false, true) => "sasl_plaintext",
            (true, false) => "ssl",
            (true, true) => "sasl_ssl",
        },
    );
    if let Some(file) = parameter(servers, "ca") {
        settings.set("ssl.ca.location", file);
    }
    Ok(settings)
}

fn parameter(servers: &[Url], name: &str) -> Option<String> {
    let all = servers.iter().flat_map(Url::query_pairs);
    all.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).last()
}
