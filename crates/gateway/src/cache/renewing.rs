//! Asking anew behind a stale answer.

use std::sync::Arc;

use http::Method;

use super::asked::Serving;
use super::directives::Directives;
use super::entry::Stored;
use super::finding::Lacking;
use super::status::Forwarded;
use super::validators;

impl Serving {
    /// Has the service asked for the same by nobody, unless somebody does already.
    pub(crate) fn revalidate_in_background(&self, stored: Arc<Stored>) {
        let Some(leading) = self.cache.flights.lead(&self.flight_name()) else { return };
        let Some(background) = self.cache.place_in_background() else { return };
        let mut serving = self.clone();
        serving.asked.head.method = Method::GET;
        if let Some(fetch) = serving.fetch.for_nobody() {
            serving.fetch = fetch;
        }
        validators::ask_for_all(&mut serving.asked.head.headers);
        (serving.asked.after, serving.directives) = (None, Directives::default());
        background.run(async move {
            let lacking = Lacking { why: Forwarded::Stale, detail: None, base: Some(stored) };
            if let Ok(response) = serving.ask(lacking, Some(leading)).await {
                response.into_body().drain().await;
            }
        });
    }
}
