//! One number for all events of a store, so that two can be compared by eye.

use xxhash_rust::xxh3::Xxh3;

use super::Kept;

/// Takes in events in their order.
#[derive(Default)]
pub(super) struct Digest {
    hash: Xxh3,
}

impl Digest {
    pub(super) fn take(&mut self, kept: &Kept) {
        let event = &kept.event;
        self.hash.update(&event.position().0.to_le_bytes());
        self.hash.update(&event.revision().0.to_le_bytes());
        self.hash.update(event.id().0.as_bytes());
        self.hash.update(&event.time().micros().to_le_bytes());
        self.hash.update(&event.recorded_at().micros().to_le_bytes());
        self.hash.update(&[u8::from(kept.first), u8::from(kept.last), u8::from(kept.given_up)]);
        for part in texts(kept) {
            self.hash.update(&(part.len() as u64).to_le_bytes());
            self.hash.update(part);
        }
    }

    pub(super) fn value(&self) -> u128 {
        self.hash.digest128()
    }
}

fn texts(kept: &Kept) -> [&[u8]; 5] {
    let event = &kept.event;
    let tags = event.tags_text();
    [event.stream().as_bytes(), event.event_type().as_bytes(), tags.as_bytes(), event.metadata_bytes(), event.data()]
}

/// Which field of two events differs; none if they are the same.
pub(super) fn difference(one: &Kept, other: &Kept) -> Option<&'static str> {
    let (a, b) = (&one.event, &other.event);
    let numbers = [
        ("position", a.position() == b.position()),
        ("revision", a.revision() == b.revision()),
        ("id", a.id() == b.id()),
        ("time", a.time() == b.time()),
        ("time of recording", a.recorded_at() == b.recorded_at()),
        ("append", (one.first, one.last) == (other.first, other.last)),
        ("truncation", one.given_up == other.given_up),
    ];
    let (ours, theirs) = (texts(one), texts(other));
    let names = ["stream", "type", "tags", "metadata", "data"];
    let texts = names.into_iter().zip(ours.iter().zip(&theirs)).map(|(name, (ours, theirs))| (name, ours == theirs));
    numbers.into_iter().chain(texts).find(|(_, same)| !same).map(|(name, _)| name)
}
