//! The page that people see, and nothing else: plain HTML, CSS and ES modules, embedded in the binary and served as
//! they are. It keeps no data and knows no other context; what it shows, the browser asks from the APIs behind the
//! same address.
//!
//! [`router`] is all that a host needs. `web/` holds the page: `index.html` is the one document, and
//! `assets/js/app.js` says which path shows which of `assets/js/pages/`.

mod assets;
mod etag;
mod page;

pub use page::router;

#[cfg(test)]
mod tests;
