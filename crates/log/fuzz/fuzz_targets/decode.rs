//! Any bytes as a segment, and any bytes behind a segment's header, with checksums that are always right:
//! `cargo +nightly fuzz run decode`.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tradewind_log::{Log, Options, RecordRef, decode_segment};
use tradewind_testkit::disk::SimulatedDisk;

static HEADER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let disk = SimulatedDisk::new(0);
    let mut options = Options::new(std::sync::Arc::new(|| 0));
    options.segment_bytes = 32 << 10;
    drop(Log::open(disk.storage(), options).expect("an empty disk"));
    disk.content("segment-0000000000.log").expect("the first segment")[..4_096].to_vec()
});

fn ask(record: RecordRef<'_>) {
    let _ = (record.position(), record.revision(), record.id(), record.time(), record.recorded_at());
    let _ = (record.stream(), record.category(), record.kind(), record.tags(), record.metadata(), record.data());
    let _ = record.each_tag().count();
}

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_segment(bytes, 1, ask);
    let behind = [HEADER.as_slice(), bytes].concat();
    let _ = decode_segment(&behind, 1, ask);
});
