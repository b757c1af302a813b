//! Any template, selection, fragment and answer, with a zero byte between them: what an author writes is read or
//! refused, and whatever a service answers, the whole is JSON: `cargo +nightly fuzz run compose`.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;
use tradewind_gateway::compose::{
    Answering, Ask, CallText, Composition, CompositionLimits, Fragments, OnFailure, Parameters, Piece, Question,
    Request,
};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

/// Every service answers the same.
struct Always<'b>(&'b [u8]);

impl Ask for Always<'_> {
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a> {
        let target = question.path_and_query;
        assert!(target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic()), "{target:?}");
        let path = target.split('?').next().unwrap_or_default();
        assert!(!path.split('/').any(|segment| segment == "." || segment == ".."), "{target:?}");
        Box::pin(std::future::ready(Ok(Piece::new(&HeaderMap::new(), self.0.to_vec()))))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(5, |byte| *byte == 0);
    let mut text = || std::str::from_utf8(parts.next().unwrap_or_default()).unwrap_or_default();
    let (template, each, selection, fragment) = (text(), text(), text(), text());
    let answer = parts.next().unwrap_or_default();

    let omit = |name, get| CallText { name, get, each: None, on_failure: OnFailure::OMIT, timeout: None };
    let each = (!each.is_empty()).then_some(each);
    let calls = [omit("a", "s:/a"), CallText { each, ..omit("b", template) }];
    let limits = CompositionLimits::default();
    let fragments = Fragments::parse([("f", fragment)], &limits).unwrap_or_default();
    let Ok(composition) = Composition::parse("p", "/p/{id}", &calls, limits) else { return };
    let _ = composition.reads();
    let Ok(composed) = composition.select(selection, &fragments) else { return };
    let _ = composed.reads();
    let composed = composed.with_report();

    let (parameters, headers) = (Parameters::new().with("id", "..x/7"), HeaderMap::new());
    let deadline = Instant::now() + Duration::from_secs(60);
    let request = Request { parameters: &parameters, headers: &headers, deadline };
    if let Ok(whole) = RUNTIME.block_on(composed.answer(&request, &Always(answer))) {
        // Not as a tree: half of a surrogate pair is JSON, and no string of Rust, nor is every number one of its own.
        let read: Result<&RawValue, _> = serde_json::from_slice(&whole.body);
        assert!(read.is_ok_and(|whole| whole.get().starts_with('{')), "{:?}", whole.body);
    }
});
