//! Commands with places that are filled when a service is started.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::{NameError, ServiceName};

/// A place in a command that is filled when it is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `{listen}`: the instance's own address, as `127.0.0.1:7101`.
    Listen,
    /// `{port}`: the port of that address.
    Port,
    /// `{data}`: the instance's own folder.
    Data,
    /// `{gateway}`: the gateway's URL.
    Gateway,
    /// `{service}`: the service's own name.
    Service,
    /// `{instance}`: the instance's number, from 1.
    Instance,
    /// `{broker}`: the broker's URL.
    Broker,
    /// `{store}`: the URL of the service's own event store.
    Store,
    /// `{read_models}`: the URL of what the service's instances share besides.
    ReadModels,
    /// `{upstream:NAME}`: another service's URL.
    Upstream(ServiceName),
}

/// Text with places in it. `{{` and `}}` stand for single braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is no such place.
    #[error(
        "{{{0}}} is not a placeholder; there are {{listen}}, {{port}}, {{data}}, {{service}}, {{instance}}, {{gateway}}, \
         {{broker}}, {{store}}, {{read_models}} and {{upstream:NAME}}"
    )]
    Unknown(String),
    /// A brace is not closed, or was not opened.
    #[error("a brace has no partner; write {{{{ or }}}} for the character itself")]
    Unbalanced,
    /// The service in `{upstream:NAME}` cannot be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The command's quotes do not match.
    #[error("a quote is not closed")]
    Quote,
    /// The command has no words.
    #[error("the command is empty")]
    Empty,
    /// A part needs to be filled in that is not known here.
    #[error("{0} has no value here")]
    NoValue(String),
}

/// What the places are filled with.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// `{listen}` and `{port}`.
    pub listen: Option<std::net::SocketAddr>,
    /// `{data}`.
    pub data: Option<PathBuf>,
    /// `{gateway}`.
    pub gateway: Option<String>,
    /// `{service}`.
    pub service: Option<ServiceName>,
    /// `{instance}`.
    pub instance: Option<u16>,
    /// `{broker}`.
    pub broker: Option<String>,
    /// `{store}`.
    pub store: Option<String>,
    /// `{read_models}`.
    pub read_models: Option<String>,
    /// `{upstream:NAME}`.
    pub upstreams: BTreeMap<ServiceName, String>,
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// [`TemplateError`] for a place that does not exist or braces that do not match.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let (brace, behind) = rest[at..].split_at(1);
            if let Some(escaped) = behind.strip_prefix(brace) {
                plain.push_str(brace);
                rest = escaped;
                continue;
            }
            if brace == "}" {
                return Err(TemplateError::Unbalanced);
            }
            let (name, behind) = behind.split_once('}').ok_or(TemplateError::Unbalanced)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Place(place(name)?));
            rest = behind;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// Fills the places.
    ///
    /// # Errors
    /// [`TemplateError::NoValue`] for a place that has none.
    pub fn fill(&self, values: &Values) -> Result<String, TemplateError> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Place(place) => {
                    text.push_str(&values.of(place).ok_or_else(|| TemplateError::NoValue(place.to_string()))?);
                }
            }
        }
        Ok(text)
    }

    /// Its places.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(place) => Some(place),
            Part::Text(_) => None,
        })
    }

    /// The services whose URLs it names.
    pub fn upstreams(&self) -> impl Iterator<Item = &ServiceName> {
        self.places().filter_map(Place::upstream)
    }
}

impl Place {
    /// The service whose URL it is, if it is one.
    pub(crate) fn upstream(&self) -> Option<&ServiceName> {
        match self {
            Self::Upstream(name) => Some(name),
            _ => None,
        }
    }
}

fn place(name: &str) -> Result<Place, TemplateError> {
    Ok(match name {
        "listen" => Place::Listen,
        "port" => Place::Port,
        "data" => Place::Data,
        "gateway" => Place::Gateway,
        "service" => Place::Service,
        "instance" => Place::Instance,
        "broker" => Place::Broker,
        "store" => Place::Store,
        "read_models" => Place::ReadModels,
        _ => match name.strip_prefix("upstream:") {
            Some(service) => Place::Upstream(ServiceName::new(service)?),
            None => return Err(TemplateError::Unknown(name.chars().take(64).collect())),
        },
    })
}

impl fmt::Display for Template {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(plain) => f.write_str(&plain.replace('{', "{{").replace('}', "}}")),
            Part::Place(place) => place.fmt(f),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen => f.write_str("{listen}"),
            Self::Port => f.write_str("{port}"),
            Self::Data => f.write_str("{data}"),
            Self::Gateway => f.write_str("{gateway}"),
            Self::Service => f.write_str("{service}"),
            Self::Instance => f.write_str("{instance}"),
            Self::Broker => f.write_str("{broker}"),
            Self::Store => f.write_str("{store}"),
            Self::ReadModels => f.write_str("{read_models}"),
            Self::Upstream(name) => write!(f, "{{upstream:{name}}}"),
        }
    }
}

impl Values {
    fn of(&self, place: &Place) -> Option<String> {
        match place {
            Place::Listen => self.listen.map(|address| address.to_string()),
            Place::Port => self.listen.map(|address| address.port().to_string()),
            Place::Data => self.data.as_ref().map(|folder| folder.display().to_string()),
            Place::Gateway => self.gateway.clone(),
            Place::Service => self.service.as_ref().map(ServiceName::to_string),
            Place::Instance => self.instance.map(|number| number.to_string()),
            Place::Broker => self.broker.clone(),
            Place::Store => self.store.clone(),
            Place::ReadModels => self.read_models.clone(),
            Place::Upstream(name) => self.upstreams.get(name).cloned(),
        }
    }
}

/// A command: a program and its arguments, each with places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandTemplate(Vec<Template>);

impl CommandTemplate {
    /// Reads a command line: words separated by spaces, with quotes as in a shell, but no shell behind it.
    ///
    /// # Errors
    /// [`TemplateError`] if it is empty, a quote is open, or a word is no template.
    pub fn parse(line: &str) -> Result<Self, TemplateError> {
        Self::from_words(&shell_words::split(line).map_err(|_| TemplateError::Quote)?)
    }

    /// Takes words as they are.
    ///
    /// # Errors
    /// [`TemplateError`] if there is none, or one is no template.
    pub fn from_words(words: &[String]) -> Result<Self, TemplateError> {
        if words.first().is_none_or(String::is_empty) {
            return Err(TemplateError::Empty);
        }
        Ok(Self(words.iter().map(|word| Template::parse(word)).collect::<Result<_, _>>()?))
    }

    /// Its words.
    #[must_use]
    pub fn words(&self) -> &[Template] {
        &self.0
    }

    /// The words, filled.
    ///
    /// # Errors
    /// [`TemplateError::NoValue`] for a place that has none.
    pub fn fill(&self, values: &Values) -> Result<Vec<String>, TemplateError> {
        self.0.iter().map(|word| word.fill(values)).collect()
    }
}
