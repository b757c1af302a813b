use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::*;

fn documents() -> Documents {
    let document = |title: &str| Document::new(json!({"openapi": "3.1.0", "info": {"title": title}})).unwrap();
    Documents::new(&ApiDocuments {
        merged: Some(document("all")),
        profiles: [("web".to_owned(), document("web"))].into(),
    })
}

fn asked(path: &str, headers: &[(&'static str, &str)]) -> Option<Response<Full<Bytes>>> {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    answer(&documents(), &Method::GET, path, &headers)
}

async fn text(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn documents_are_told_by_their_names() {
    let title = async |path: &str| {
        let told: Value = serde_json::from_str(&text(asked(path, &[]).unwrap()).await).unwrap();
        told["info"]["title"].clone()
    };
    assert_eq!(title("/_gateway/openapi.json").await, "all");
    assert_eq!(title("/_gateway/openapi/web.json").await, "web");
    for path in ["/_gateway/openapi/ios.json", "/_gateway/openapi/web", "/_gateway/docs/ios", "/_gateway/docs/x.js"] {
        assert!(asked(path, &[]).is_none(), "{path}");
    }
    let list = text(asked("/_gateway/openapi", &[]).unwrap()).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list[1], json!({"name": "web", "url": "/_gateway/openapi/web.json"}));
}

#[tokio::test]
async fn who_has_it_is_told_so_and_who_can_read_it_gets_it_packed() {
    let first = asked("/_gateway/openapi.json", &[]).unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = asked("/_gateway/openapi.json", &[("if-none-match", &tag)]).unwrap();
    assert_eq!((again.status().as_u16(), text(again).await), (304, String::new()));
    let packed = asked("/_gateway/openapi.json", &[("accept-encoding", "br, gzip")]).unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let refused = asked("/_gateway/openapi.json", &[("accept-encoding", "gzip;q=0")]).unwrap();
    assert!(!refused.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn the_page_and_all_that_it_loads_come_from_here() {
    for path in ["/_gateway/docs", "/_gateway/docs/", "/_gateway/docs/web"] {
        let page = asked(path, &[]).unwrap();
        assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        let page = text(page).await;
        assert!(!page.contains("://"), "it names another place: {page}");
        let sources = page.split("src=\"").chain(page.split("href=\"")).filter_map(|rest| rest.split_once('"'));
        let sources: Vec<&str> = sources.map(|(source, _)| source).filter(|source| source.starts_with('/')).collect();
        assert_eq!(sources.len(), 5, "{sources:?}");
        for source in sources {
            let plain = asked(source, &[]).unwrap_or_else(|| panic!("{source} is not there"));
            assert_eq!(plain.status(), 200, "{source}");
            assert!(!plain.headers().contains_key("content-encoding"));
            assert!(plain.into_body().collect().await.unwrap().to_bytes().len() > 100, "{source}");
        }
    }
    let bundle = asked("/_gateway/docs/swagger-ui-bundle.js", &[("accept-encoding", "gzip")]).unwrap();
    assert_eq!(bundle.headers()["content-encoding"], "gzip");
    assert!(text(asked("/_gateway/docs/LICENSE", &[]).unwrap()).await.contains("Apache License"));
}
