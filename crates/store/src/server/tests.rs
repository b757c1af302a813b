use super::openapi::DOCUMENT;

#[test]
fn the_openapi_document_names_every_route_and_no_other() {
    let document: serde_json::Value = serde_json::from_str(&DOCUMENT).unwrap();
    let mut told: Vec<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let mut served: Vec<_> =
        include_str!("mod.rs").split(".route(").skip(1).filter_map(|call| call.split('"').nth(1)).collect();
    served.extend(tradewind_http::reading::PATHS);
    served.extend(["/feed/{category}", "/feed/{category}/{page}"]);
    told.sort_unstable();
    served.sort_unstable();
    assert_eq!(told, served);
}

#[test]
fn every_reference_in_the_openapi_document_leads_somewhere() {
    let document: serde_json::Value = serde_json::from_str(&DOCUMENT).unwrap();
    for reference in DOCUMENT.split("\"$ref\": \"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
