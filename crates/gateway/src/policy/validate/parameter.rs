//! Parameters: texts that stand for values.

use std::borrow::Cow;

use http::header;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{compiled, errors};
use crate::openapi::{Document, Parameter, Types, ways};
use crate::problem::Invalid;

/// A parameter and its schema.
pub(super) struct Compiled {
    name: String,
    place: &'static str,
    required: bool,
    /// The types that its value can be of.
    types: Types,
    /// The types that elements can be of, if it is a list.
    elements: Types,
    /// Whether a list's elements are parameters of their own, by the same name.
    explodes: bool,
    is_json: bool,
    validator: Option<jsonschema::Validator>,
}

impl Compiled {
    /// Nothing for those that are not looked at: headers that say how the body is to be read, and objects, which are
    /// written in many ways.
    pub(super) fn compile(document: &Document, parameter: &Parameter<'_>) -> Result<Option<Self>, String> {
        let place = match parameter.place {
            "path" => "path",
            "query" => "query",
            "header" => "header",
            _ => "cookie",
        };
        let own = ["accept", "content-type", "authorization"];
        if place == "header" && own.iter().any(|own| parameter.name.eq_ignore_ascii_case(own)) {
            return Ok(None);
        }
        let types_of = |schemas: &[&Value]| {
            let all = ways(document, schemas).ok();
            all.map_or(Types::ALL, |ways| ways.iter().map(|way| way.types()).fold(Types::NONE, Types::or))
        };
        let schema = parameter.schema();
        let is_json = parameter.value.get("content").is_some();
        let types = schema.map_or(Types::ALL, |schema| types_of(&[schema]));
        if types == Types::OBJECT && !is_json {
            return Ok(None);
        }
        let of_elements = schema.and_then(|schema| ways(document, &[schema]).ok()).unwrap_or_default();
        let of_elements = of_elements.iter().filter(|way| way.types().has(Types::ARRAY)).flat_map(|way| way.elements());
        let elements = of_elements.map(|schemas| types_of(&schemas)).fold(Types::NONE, Types::or);
        let explodes = parameter.value.get("explode").and_then(Value::as_bool).unwrap_or(place == "query");
        Ok(Some(Self {
            name: parameter.name.to_owned(),
            place,
            required: parameter.is_required(),
            types,
            elements,
            explodes,
            is_json,
            validator: schema.map(|schema| compiled(document, schema)).transpose()?,
        }))
    }

    /// What is wrong with it in a request.
    pub(super) fn check(&self, request: &Parts, template: &str) -> Vec<Invalid> {
        let invalid = |detail: &str| Invalid {
            r#in: self.place,
            name: Some(self.name.clone()),
            pointer: String::new(),
            detail: detail.to_owned(),
        };
        let Some(texts) = self.texts(request, template) else { return vec![invalid("it is not UTF-8")] };
        if texts.is_empty() {
            return if self.required { vec![invalid("it is missing")] } else { Vec::new() };
        }
        let Some(validator) = &self.validator else { return Vec::new() };
        match self.value(&texts) {
            Ok(value) => errors(validator, &value, self.place, Some(&self.name)),
            Err(detail) => vec![invalid(detail)],
        }
    }

    /// What the request says, decoded; nothing, if that cannot be read.
    fn texts<'r>(&self, request: &'r Parts, template: &str) -> Option<Vec<Cow<'r, str>>> {
        match self.place {
            "path" => {
                let pairs = template.split('/').zip(request.uri.path().split('/'));
                let wanted = format!("{{{}}}", self.name);
                let found = pairs.into_iter().find_map(|(template, segment)| {
                    let (before, after) = template.split_once(&wanted)?;
                    segment.strip_prefix(before)?.strip_suffix(after)
                });
                found.map_or(Some(Vec::new()), |text| Some(vec![percent_decode_str(text).decode_utf8().ok()?]))
            }
            "query" => {
                let pairs = request.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
                let mut texts = Vec::new();
                for pair in pairs {
                    let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
                    if decoded(name)? == self.name {
                        texts.push(decoded(text)?);
                    }
                }
                Some(texts)
            }
            "header" => {
                let values = request.headers.get_all(&self.name).iter();
                values.map(|value| Some(Cow::Borrowed(value.to_str().ok()?))).collect()
            }
            _ => {
                let mut texts = Vec::new();
                for cookies in request.headers.get_all(header::COOKIE) {
                    let pairs = cookies.to_str().ok()?.split(';').filter_map(|pair| pair.trim().split_once('='));
                    texts.extend(pairs.filter(|(name, _)| *name == self.name).map(|(_, text)| Cow::Borrowed(text)));
                }
                Some(texts)
            }
        }
    }

    fn value(&self, texts: &[Cow<'_, str>]) -> Result<Value, &'static str> {
        if self.is_json {
            return serde_json::from_str(&texts[0]).map_err(|_| "it is not JSON");
        }
        if self.types.has(Types::ARRAY) && self.types != Types::ALL {
            let elements: Vec<Value> = match self.explodes && self.place == "query" {
                true => texts.iter().map(|text| typed(text, self.elements)).collect(),
                false => {
                    texts.iter().flat_map(|text| text.split(',')).map(|it| typed(it.trim(), self.elements)).collect()
                }
            };
            return Ok(Value::Array(elements));
        }
        match texts {
            [text] => Ok(typed(text, self.types)),
            _ => Err("it is there more than once"),
        }
    }
}

/// `+` stands for a space in queries.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    match text.contains('+') {
        false => percent_decode_str(text).decode_utf8().ok(),
        true => Some(percent_decode_str(&text.replace('+', " ")).decode_utf8().ok()?.into_owned().into()),
    }
}

/// What a text stands for: a number or `true` where such can stand, else the text.
fn typed(text: &str, types: Types) -> Value {
    let is_number = types.has(Types::NUMBER) && types != Types::ALL;
    if is_number
        && let Ok(number) = text.parse::<serde_json::Number>()
        && text.bytes().next().is_some_and(|first| first == b'-' || first.is_ascii_digit())
    {
        return Value::Number(number);
    }
    match text {
        "true" if types.has(Types::BOOLEAN) && types != Types::ALL => true.into(),
        "false" if types.has(Types::BOOLEAN) && types != Types::ALL => false.into(),
        text => text.into(),
    }
}
