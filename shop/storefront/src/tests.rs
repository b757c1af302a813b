use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::{assets, router};

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Response<Body> {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

fn files_under(folder: &Path, found: &mut Vec<String>, root: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_under(&path, found, root);
        } else {
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn every_file_of_the_page_is_embedded() {
    let root = web().join("assets");
    let mut there = Vec::new();
    files_under(&root, &mut there, &root);
    there.sort();
    let mut embedded: Vec<_> = assets::ALL.iter().map(|asset| asset.path.to_owned()).collect();
    embedded.sort();
    assert_eq!(embedded, there);
    assert!(assets::ALL.iter().all(|asset| asset.content_type() != "application/octet-stream"));
}

/// The paths in quotes after `marker`, in a file's text.
fn quoted_after<'a>(text: &'a str, marker: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(marker).skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn every_import_and_every_link_leads_to_a_file() {
    for asset in assets::ALL.iter().filter(|asset| asset.path.ends_with(".js")) {
        let here = web().join("assets").join(asset.path);
        for import in quoted_after(std::str::from_utf8(asset.content).unwrap(), " from \"") {
            assert!(here.parent().unwrap().join(import).exists(), "{} imports {import}", asset.path);
        }
    }
    let index = std::str::from_utf8(assets::INDEX).unwrap();
    for link in quoted_after(index, "=\"/assets/") {
        assert!(web().join("assets").join(link).exists(), "index.html names {link}");
    }
}

#[test]
fn the_page_needs_no_other_host_and_runs_no_inline_script() {
    let files = assets::ALL.iter().map(|asset| asset.content).chain([assets::INDEX]);
    for text in files.map(|content| std::str::from_utf8(content).unwrap()) {
        let text = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("innerHTML"));
    }
    let index = std::str::from_utf8(assets::INDEX).unwrap();
    assert_eq!(index.matches("<script").count(), 1, "the policy would stop an inline script");
    assert!(!index.contains(" style=") && !index.contains(" onclick="));
}

#[tokio::test]
async fn every_path_of_the_page_answers_with_the_document() {
    for path in [
        "/",
        "/products",
        "/product/7",
        "/cart",
        "/checkout",
        "/orders",
        "/orders/1-2",
        "/invoices",
        "/invoices/INV-2017-000001",
        "/account",
        "/sales",
    ] {
        let response = get(path, &[]).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert!(text(response).await.contains("/assets/js/app.js"));
    }
}

#[tokio::test]
async fn files_have_their_content_types() {
    for (path, content_type) in [
        ("/assets/js/app.js", "text/javascript; charset=utf-8"),
        ("/assets/css/base.css", "text/css; charset=utf-8"),
        ("/assets/icon.svg", "image/svg+xml"),
    ] {
        let response = get(path, &[]).await;
        assert_eq!(response.headers()["content-type"], content_type);
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn what_a_browser_holds_is_not_sent_again() {
    let etag = get("/assets/js/app.js", &[]).await.headers()["etag"].to_str().unwrap().to_owned();
    assert!(etag.starts_with('"'), "strong: {etag}");
    for names in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let response = get("/assets/js/app.js", &[("if-none-match", &names)]).await;
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{names}");
        assert_eq!(response.headers()["etag"], etag.as_str());
        assert!(text(response).await.is_empty());
    }
    assert_eq!(get("/assets/js/app.js", &[("if-none-match", "\"other\"")]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_person_gets_a_page_and_a_program_a_problem_for_an_unknown_path() {
    let person = get("/nowhere", &[("accept", "text/html,*/*;q=0.8"), ("if-none-match", "*")]).await;
    assert_eq!(person.status(), StatusCode::NOT_FOUND);
    assert!(text(person).await.contains("<!doctype html>"));
    let program = get("/nowhere\"", &[("accept", "application/json")]).await;
    assert_eq!(program.headers()["content-type"], "application/problem+json");
    assert!(text(program).await.contains("\"code\":\"TW-2003\""));
    assert_eq!(get("/assets/js/none.js", &[("accept", "text/html")]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_reading_is_allowed() {
    let request = Request::post("/cart").body(Body::empty()).unwrap();
    assert_eq!(router().oneshot(request).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    let request = Request::head("/").body(Body::empty()).unwrap();
    let response = router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(text(response).await.is_empty());
}
