//! A log whose newest segment holds any bytes, with checksums that are always right, is opened, read, appended to,
//! and verified: `cargo +nightly fuzz run open`.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tradewind_log::{Expected, Log, NewRecord, Options, Query, QueryItem};
use tradewind_testkit::disk::SimulatedDisk;

const SEGMENT: &str = "segment-0000000000.log";
const HEADER_BYTES: usize = 4_096;

fn options() -> Options {
    let mut options = Options::new(Arc::new(|| 0));
    options.segment_bytes = 32 << 10;
    options.hash_seed = Some(7);
    options
}

fuzz_target!(|bytes: &[u8]| {
    let disk = SimulatedDisk::new(0);
    drop(Log::open(disk.storage(), options()).expect("an empty disk"));
    let mut segment = disk.content(SEGMENT).expect("the first segment");
    let length = bytes.len().min(segment.len() - HEADER_BYTES);
    segment[HEADER_BYTES..HEADER_BYTES + length].copy_from_slice(&bytes[..length]);
    disk.plant(SEGMENT, segment);

    if let Ok(log) = Log::open(disk.storage(), options()) {
        let tagged = Query { items: vec![QueryItem { tags: vec!["a".to_owned()], ..QueryItem::default() }] };
        for query in [Query::default(), tagged] {
            let _ = log.read(0, &query, 100);
        }
        for stream in ["a", "order-1"] {
            let _ = log.read_stream(stream, 0, false, 100);
            let _ = log.read_stream(stream, u64::MAX, true, 100);
            let _ = log.truncate(stream, 2);
        }
        let mut request = log.request();
        let record = NewRecord { id: 1, time: 0, kind: "Placed", tags: &["a"], metadata: b"", data: b"x" };
        request.stream("order-1", Expected::Any).expect("a good name").record(record).expect("a small record");
        let _ = log.append(request);
        let _ = log.reclaim();
    }
    let _ = tradewind_log::verify(disk.storage().as_ref(), |_, _| {});
});
