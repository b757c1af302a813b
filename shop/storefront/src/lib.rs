//! The page that people see, and nothing else: plain HTML, CSS and ES modules, embedded in the binary and served as
//! they are. It keeps no data and knows no other context; what it shows, the browser asks from the APIs behind the
//! same address.
//!
//! [`router`] is all that a host needs. `web/` holds the page: `index.html` is the one document, and
//! `assets/js/app.js` says which path shows which of `assets/js/pages/`. `node --test shop/storefront/tests/*.test.js`
//! tests the modules that need no page; the rest is seen by a browser, in the tests of the program `shop`.

mod assets;
mod etag;
mod page;

pub use page::router;

#[cfg(test)]
mod tests;
