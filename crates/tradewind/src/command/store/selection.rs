//! Which events.

use tradewind_events::{Direction, EventType, Position, Query, QueryItem, Revision, StreamId, Tag};
use tradewind_store::tool;

/// Filters: an event must meet all that are given; of repeated categories or types, one.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only streams of this category; may be repeated
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,
    /// Only events of this type; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Vec<EventType>,
    /// Only events with this tag; repeated, with all of them
    #[arg(long, value_name = "TAG")]
    tag: Vec<Tag>,
}

impl Filter {
    pub(super) fn query(self) -> Query {
        if self.category.is_empty() && self.event_type.is_empty() && self.tag.is_empty() {
            return Query::all();
        }
        Query { items: vec![QueryItem { categories: self.category, types: self.event_type, tags: self.tag }] }
    }
}

/// A stream, or everything that passes the filters.
#[derive(Debug, clap::Args)]
pub(super) struct Selection {
    /// Only this stream
    #[arg(long, conflicts_with_all = ["category", "event_type", "tag", "after"])]
    stream: Option<StreamId>,
    /// In the stream, from this revision on
    #[arg(long, requires = "stream", value_name = "REVISION")]
    from: Option<u64>,
    /// In the stream, from newer to older
    #[arg(long, requires = "stream")]
    backward: bool,
    /// Only events after this position
    #[arg(long, default_value_t = 0, value_name = "POSITION")]
    after: u64,
    #[command(flatten)]
    filter: Filter,
}

impl Selection {
    pub(super) fn into_tool(self) -> tool::Selection {
        let Some(stream) = self.stream else {
            return tool::Selection::Matching { after: Position(self.after), query: self.filter.query() };
        };
        let (direction, start) =
            if self.backward { (Direction::Backward, Revision::END) } else { (Direction::Forward, Revision::FIRST) };
        tool::Selection::Stream { stream, from: self.from.map_or(start, Revision), direction }
    }
}
