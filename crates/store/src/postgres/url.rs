//! `postgres://user:password@host:5432,host2:5432/database?schema=orders&sslmode=require`: what PostgreSQL's own URLs
//! say, and a few words of ours.

use std::fmt;
use std::str::FromStr;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::tls::Trust;

/// The schema of a store whose URL names none.
const SCHEMA: &str = "tradewind";
/// Leaves room for what PostgreSQL's 63 bytes must hold besides it.
const SCHEMA_BYTES_MAX: usize = 48;

/// Where a store in PostgreSQL is. Shown, its password is not.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    text: String,
    config: Config,
    schema: String,
    trust: Trust,
    unsafe_allowed: bool,
}

impl PostgresUrl {
    /// What the driver connects with.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The schema that holds the store: lower-case letters, digits and underscores. It may be a reserved word, such as
    /// `order`.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// What the server's views call a connection for this: `ordering reads (tradewind)`, after the schema, unless the URL
    /// says what all are called. A server keeps the first 63 bytes.
    pub(super) fn application_name(&self, role: &str) -> String {
        let said = self.config.get_application_name().map(ToOwned::to_owned);
        said.unwrap_or_else(|| format!("{} {role} (tradewind)", self.schema))
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Whether `durability=unsafe` lets a database be used that loses what it acknowledged when its machine fails.
    pub(super) fn unsafe_allowed(&self) -> bool {
        self.unsafe_allowed
    }

    /// The servers and the store, for people: `db1:5432,db2:5432/shop schema orders`.
    #[must_use]
    pub fn place(&self) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        format!("{hosts}/{} schema {}", self.config.get_dbname().unwrap_or_default(), self.schema)
    }
}

impl FromStr for PostgresUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut schema, mut unsafe_allowed, mut trust) = (SCHEMA.to_owned(), false, Trust::Anyone);
        let mut certificates = None;
        let mut rest: Vec<&str> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("schema", name) => schema = checked_schema(name)?,
                ("durability", "unsafe") => unsafe_allowed = true,
                ("durability", other) => return Err(format!("durability={other} is not known: it can be unsafe")),
                ("sslmode", "verify-full") => {
                    trust = Trust::Certificates(None);
                    rest.push("sslmode=require");
                }
                ("sslmode", "verify-ca" | "allow") => {
                    return Err("sslmode can be disable, prefer, require or verify-full".to_owned());
                }
                ("sslrootcert", path) if !path.is_empty() => certificates = Some(path.into()),
                _ => rest.push(pair),
            }
        }
        match (&mut trust, certificates) {
            (Trust::Certificates(file), certificates) => *file = certificates,
            (Trust::Anyone, Some(_)) => return Err("sslrootcert needs sslmode=verify-full".to_owned()),
            (Trust::Anyone, None) => {}
        }
        let driver = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
        let mut config: Config = driver.parse().map_err(|error: tokio_postgres::Error| told(&error))?;
        if config.get_hosts().is_empty() {
            return Err("it names no host; write postgres://user@host:5432/database".to_owned());
        }
        if config.get_dbname().is_none() {
            return Err("it names no database; write postgres://user@host:5432/database".to_owned());
        }
        // Of several servers the one that takes writes; a standby that was promoted is found by itself.
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if matches!(trust, Trust::Certificates(_)) {
            config.ssl_mode(SslMode::Require);
        }
        Ok(Self { text: text.to_owned(), config, schema, trust, unsafe_allowed })
    }
}

fn checked_schema(name: &str) -> Result<String, String> {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let good = !name.is_empty()
        && name.len() <= SCHEMA_BYTES_MAX
        && name.bytes().all(word)
        && !name.as_bytes()[0].is_ascii_digit()
        && !name.starts_with("pg_");
    if good {
        return Ok(name.to_owned());
    }
    Err(format!(
        "schema={name} is no name for a store: up to {SCHEMA_BYTES_MAX} lower-case letters, digits and underscores, \
         not beginning with a digit or pg_"
    ))
}

/// An error with the cause that the driver keeps behind it.
pub(super) fn told(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&without_password(&self.text))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A URL as it may be shown: `postgres://user:***@host/database`, and `password=***` among its parameters.
#[must_use]
pub fn without_password(text: &str) -> String {
    let parts = text.split_once('?').filter(|(address, query)| address.contains('@') || !query.contains('@'));
    // Where the only `@` comes behind a `?`, that belongs to a password in which it was not escaped.
    let (address, query) = parts.map_or((text, None), |(address, query)| (address, Some(query)));
    let mut shown = match (address.find("://"), address.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => match address[scheme + 3..at].split_once(':') {
            Some((user, _)) => format!("{}{user}:***{}", &address[..scheme + 3], &address[at..]),
            None => address.to_owned(),
        },
        _ => address.to_owned(),
    };
    if let Some(query) = query {
        let pairs = query.split('&').map(|pair| if pair.starts_with("password=") { "password=***" } else { pair });
        shown = format!("{shown}?{}", pairs.collect::<Vec<_>>().join("&"));
    }
    shown
}

#[cfg(test)]
mod tests;
