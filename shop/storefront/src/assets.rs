//! The files of the page, embedded.

/// A file under `web/assets/`.
pub(crate) struct Asset {
    /// Its path below `/assets/`.
    pub(crate) path: &'static str,
    pub(crate) content: &'static [u8],
}

impl Asset {
    /// The media type, by the ending. The table below has no other endings; a test holds it to that.
    pub(crate) fn content_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "application/octet-stream",
        }
    }
}

/// The one document. Every page of the shop is this document; its script shows what belongs to the path.
pub(crate) const INDEX: &[u8] = include_bytes!("../web/index.html");

macro_rules! assets {
    ($($path:literal,)*) => {
        /// Every file under `web/assets/`; a test compares it with the folder.
        pub(crate) const ALL: &[Asset] =
            &[$(Asset { path: $path, content: include_bytes!(concat!("../web/assets/", $path)) }),*];
    };
}

assets! {
    "css/account.css",
    "css/base.css",
    "css/browse.css",
    "css/buying.css",
    "css/charts.css",
    "css/controls.css",
    "css/orders.css",
    "css/print.css",
    "css/products.css",
    "css/reviews.css",
    "css/shell.css",
    "css/states.css",
    "css/timebar.css",
    "css/tokens.css",
    "icon.svg",
    "js/api.js",
    "js/app.js",
    "js/attempt.js",
    "js/bestsellers.js",
    "js/cart.js",
    "js/catalog.js",
    "js/charts/columns.js",
    "js/charts/figure.js",
    "js/charts/fluid.js",
    "js/charts/ranking.js",
    "js/charts/scale.js",
    "js/charts/steps.js",
    "js/composed.js",
    "js/customer.js",
    "js/customers.js",
    "js/days.js",
    "js/departments.js",
    "js/dom.js",
    "js/format.js",
    "js/icons.js",
    "js/ids.js",
    "js/inventory.js",
    "js/invoicing.js",
    "js/live.js",
    "js/moment.js",
    "js/ordering.js",
    "js/pages/account.js",
    "js/pages/cart.js",
    "js/pages/checkout.js",
    "js/pages/home.js",
    "js/pages/invoice.js",
    "js/pages/invoices.js",
    "js/pages/missing.js",
    "js/pages/order.js",
    "js/pages/orders.js",
    "js/pages/product.js",
    "js/pages/products.js",
    "js/pages/sales.js",
    "js/patience.js",
    "js/pending.js",
    "js/pictures.js",
    "js/positions.js",
    "js/prices.js",
    "js/problem.js",
    "js/recommendations.js",
    "js/router.js",
    "js/routes.js",
    "js/sales-figures.js",
    "js/shell.js",
    "js/stages.js",
    "js/storage.js",
    "js/timebar/bar.js",
    "js/timebar/histogram.js",
    "js/timebar/player.js",
    "js/timebar/slider.js",
    "js/timebar/timeline.js",
    "js/timebar/years.js",
    "js/trail.js",
    "js/views/address-form.js",
    "js/views/address.js",
    "js/views/buying.js",
    "js/views/customer-field.js",
    "js/views/destination.js",
    "js/views/facets.js",
    "js/views/filter-chips.js",
    "js/views/invoice-link.js",
    "js/views/more.js",
    "js/views/notice.js",
    "js/views/price-history.js",
    "js/views/product-card.js",
    "js/views/quantity.js",
    "js/views/region.js",
    "js/views/review-form.js",
    "js/views/reviews.js",
    "js/views/saving.js",
    "js/views/shelf.js",
    "js/views/similar.js",
    "js/views/stars.js",
    "js/views/status-pill.js",
    "js/views/stepper.js",
    "js/views/stock.js",
    "js/views/you.js",
    "js/wanted.js",
}
