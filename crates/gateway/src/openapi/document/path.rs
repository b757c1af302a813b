//! Paths with parameters in them, as OpenAPI writes them: `/products/{id}`, `/documents/{number}.pdf`.

use serde_json::Value;

/// The names of a path's parameters; nothing, if its braces are not pairs around names, or a name is there twice.
pub(crate) fn names_in(path: &str) -> Option<Vec<&str>> {
    let (mut names, mut rest) = (Vec::new(), path);
    while let Some(open) = rest.find(['{', '}']) {
        let name = rest[open..].strip_prefix('{')?;
        let close = name.find(['{', '}', '/'])?;
        rest = name[close..].strip_prefix('}')?;
        if close == 0 || names.contains(&&name[..close]) {
            return None;
        }
        names.push(&name[..close]);
    }
    Some(names)
}

/// How well a path fits one that is asked for, which may have `{}` for what is not known: for each segment 0 if it is
/// fixed, 1 if a part of it is a parameter, 2 if all of it is. The less the better, from the left.
pub(crate) fn fits(template: &str, asked: &str) -> Option<Vec<u8>> {
    let segments = |path: &'_ str| path.split('/').skip(1).map(str::to_owned).collect::<Vec<_>>();
    let (template, asked) = (segments(template), segments(asked));
    if template.len() != asked.len() {
        return None;
    }
    template.iter().zip(&asked).map(|(template, asked)| fit(template, asked)).collect()
}

fn fit(template: &str, asked: &str) -> Option<u8> {
    let shape = nameless(template);
    if template == asked && !template.contains('{') {
        return Some(0);
    }
    let open = template.find('{')?;
    if shape == "{}" {
        return (!asked.is_empty()).then_some(2);
    }
    if asked.contains("{}") {
        return (shape == asked).then_some(1);
    }
    let end = template.rfind('}').map_or("", |close| &template[close + 1..]);
    let start = &template[..open];
    let fits = asked.len() > start.len() + end.len() && asked.starts_with(start) && asked.ends_with(end);
    fits.then_some(1)
}

/// The same with `{}` for each parameter.
fn nameless(segment: &str) -> String {
    let mut shape = String::new();
    for (index, part) in segment.split('{').enumerate() {
        if index > 0 {
            shape.push_str("{}");
        }
        shape.push_str(if index == 0 { part } else { part.split_once('}').map_or("", |(_, rest)| rest) });
    }
    shape
}

/// The path that fits best.
pub(crate) fn best<'p>(templates: impl Iterator<Item = &'p str>, asked: &str) -> Option<&'p str> {
    templates.filter_map(|template| Some((fits(template, asked)?, template))).min().map(|(_, template)| template)
}

/// What the first of some servers puts before paths: `/v1` of `https://shop.example/v1/`.
pub(crate) fn base_of(servers: Option<&Value>) -> Option<String> {
    let server = servers?.get(0)?;
    let mut url = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), default);
    }
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => url.strip_prefix('.').unwrap_or(&url),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    (path.is_empty() || (path.starts_with('/') && !path.contains('{'))).then(|| path.to_owned())
}
