//! Any bytes whatsoever where the log's own should be: an error, never a panic, and never a record that was not
//! written.

use proptest::prelude::*;
use tradewind_log::{Expected, Log, NewRecord, Query, decode_segment};
use tradewind_prove::store::session::options;
use tradewind_testkit::disk::{Random, SimulatedDisk};

const SEGMENT: &str = "segment-0000000000.log";

/// A store of two segments with a truncation and a mark.
fn disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new(1);
    let log = Log::open(disk.storage(), options(32 << 10)).unwrap();
    let mut random = Random::new(5);
    for id in 0..60_u32 {
        let mut request = log.request();
        request.stream(&format!("order-{}", id % 3), Expected::Any).unwrap();
        for part in 0..1 + id % 3 {
            let (data, metadata) = (random.bytes(400), random.bytes(20));
            let tags = ["a", "b"];
            let id = u128::from(id * 10 + part);
            let record = NewRecord { id, time: 7, kind: "Placed", tags: &tags, metadata: &metadata, data: &data };
            request.record(record).unwrap();
        }
        log.append(request).unwrap();
    }
    log.truncate("order-1", 5).unwrap();
    drop(log);
    disk
}

fn records(bytes: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut all = Vec::new();
    let count = decode_segment(bytes, 1, |record| {
        // Asking a record for anything must be safe, whatever it is made of.
        let _ = (record.position(), record.revision(), record.id(), record.time(), record.recorded_at());
        let _ = (record.stream(), record.category(), record.kind(), record.metadata(), record.each_tag().count());
        all.push(record.bytes().to_vec());
    })?;
    assert_eq!(count, all.len() as u64);
    Ok(all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_decoded_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..6_000)) {
        let _ = records(&bytes);
    }

    #[test]
    fn a_mutated_segment_gives_a_beginning_of_its_records(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 1_usize..40), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let original = disk().content(SEGMENT).unwrap();
        let whole = records(&original).unwrap();
        let mut bytes = original;
        for (at, byte, length) in changes {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes[at..end].fill(byte);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(found) = records(&bytes) {
            prop_assert!(found.len() <= whole.len());
            prop_assert!(found.iter().zip(&whole).all(|(is, was)| is == was));
        }
    }

    #[test]
    fn any_bytes_in_any_file_are_refused_or_recovered_from(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        instead in any::<bool>(),
    ) {
        let disk = disk();
        let names = disk.names();
        let name = &names[which.index(names.len())];
        if instead {
            disk.plant(name, bytes);
        } else {
            let at = at.index(disk.content(name).unwrap().len());
            disk.damage(name, at as u64, &bytes).unwrap();
        }
        if let Ok(log) = Log::open(disk.storage(), options(32 << 10)) {
            let _ = log.read(0, &Query::default(), usize::MAX);
            for stream in 0..4 {
                let _ = log.read_stream(&format!("order-{stream}"), 0, false, usize::MAX);
            }
        }
        let _ = tradewind_log::verify(disk.storage().as_ref(), |_, _| {});
    }
}
