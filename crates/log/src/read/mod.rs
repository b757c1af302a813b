//! Reading: everything by position, what matches a query, one stream. Only what is durable.

mod fetch;
mod kept;
mod page;
mod sight;
mod stream;
mod walk;

pub use kept::Kept;
pub(crate) use kept::kept;
pub use page::Page;
pub(crate) use page::{first_match, page, position_at, replay};
pub use stream::StreamPage;
pub(crate) use stream::{stream, stream_bounds};

/// The most bytes of records that one page gathers; a longer single record still comes.
const PAGE_BYTES_MAX: usize = 8 << 20;
