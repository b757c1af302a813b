//! Panics in what a service's author wrote: each is an error where it happens, and takes nothing else down.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// Runs `work`; if it panics, tells what `who` said.
pub(crate) fn catch<T>(who: &str, work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| told(who, &*panic))
}

/// The same for what takes its time.
pub(crate) async fn catch_in<T>(who: &str, work: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| told(who, &*panic))
}

fn told(who: &str, panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    format!("{who} panicked: {text}")
}
