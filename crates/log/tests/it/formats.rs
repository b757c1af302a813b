//! Files that earlier versions wrote: they are opened, and give exactly what was written then.
//!
//! A new format version gets a folder of its own beside the others, written with
//! `TRADEWIND_WRITE_FORMAT=tests/formats/v2 cargo test -p tradewind-log --test it formats`; a folder that is there is
//! never written anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tradewind_log::{Expected, Log, NewRecord, Query, Snapshot};
use tradewind_prove::store::session::options;
use tradewind_testkit::disk::Random;

const VERSIONS: [&str; 1] = ["v1"];

/// A few segments with all that the format has: commits of several records and streams, truncations, a segment that
/// was written anew to reclaim its space, a seal, a mark, and a snapshot.
fn write(folder: &Path) {
    let log = Log::open_folder(folder, options(32 << 10)).unwrap();
    let mut random = Random::new(1);
    for number in 0..90_u32 {
        let mut request = log.request();
        for stream in [format!("order-{}", number % 4), format!("customer-{}", number % 3)] {
            request.stream(&stream, Expected::Any).unwrap();
            for part in 0..1 + number % 2 {
                let id = u128::from(number) << 64 | u128::from(part) << 8 | stream.len() as u128;
                let (metadata, data) = (random.bytes(9), random.bytes(150 + 7 * number as usize % 200));
                let (kind, tags) = (format!("Kind{}", number % 5), format!("tag:{}", number % 6));
                let tags = if number % 7 == 0 { vec![] } else { vec![tags.as_str(), "all"] };
                let time = i64::from(number) * 1_000_000;
                request
                    .record(NewRecord { id, time, kind: &kind, tags: &tags, metadata: &metadata, data: &data })
                    .unwrap();
            }
        }
        log.append(request).unwrap();
        if number == 60 {
            log.truncate("order-1", 18).unwrap();
            log.truncate("customer-2", 12).unwrap();
            assert!(log.reclaim().unwrap() > 0);
        }
    }
    let state = b"{\"as of\":3}".to_vec();
    let (stream, schema) = ("order-0".to_owned(), "Order/1".to_owned());
    log.save_snapshot(&Snapshot { stream, revision: 3, position: 9, schema, state });
    log.settle();
}

/// All that a log tells, as text.
fn told(log: &Log) -> String {
    let mut text = String::new();
    let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let word = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    for record in log.read(0, &Query::default(), usize::MAX).unwrap().records {
        let record = record.get();
        let _ = writeln!(
            text,
            "{} {}@{} {:032x} {} [{}] happened {} recorded {} {} {}",
            record.position(),
            word(record.stream()),
            record.revision(),
            record.id(),
            word(record.kind()),
            word(record.tags()),
            record.time(),
            record.recorded_at(),
            hex(record.metadata()),
            hex(record.data()),
        );
    }
    for stream in ["order-0", "order-1", "order-2", "order-3", "customer-0", "customer-1", "customer-2"] {
        let page = log.read_stream(stream, 0, false, usize::MAX).unwrap();
        let positions: Vec<u64> = page.records.iter().map(|record| record.get().position()).collect();
        let _ = writeln!(text, "{stream} {}..={:?}: {positions:?}", page.first, page.last);
    }
    let _ = writeln!(text, "head {}", log.head());
    text
}

#[test]
fn files_of_every_format_version_give_what_was_written() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    if let Some(folder) = std::env::var_os("TRADEWIND_WRITE_FORMAT") {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        assert!(!folder.exists(), "a kept format is never written anew");
        fs::create_dir_all(&folder).unwrap();
        write(&folder);
        let expected = told(&Log::open_folder(&folder, options(32 << 10)).unwrap());
        fs::write(folder.join("expected.txt"), expected).unwrap();
        fs::remove_file(folder.join("lock")).unwrap();
    }
    for version in VERSIONS {
        for without_indexes in [false, true] {
            // A copy, since opening a log writes to it.
            let folder = tempfile::tempdir().unwrap();
            for entry in fs::read_dir(kept.join(version)).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                if name != "expected.txt" && !(without_indexes && name.ends_with(".index")) {
                    fs::copy(entry.path(), folder.path().join(&name)).unwrap();
                }
            }
            let expected = fs::read_to_string(kept.join(version).join("expected.txt")).unwrap();
            let log = Log::open_folder(folder.path(), options(32 << 10)).unwrap();
            assert_eq!(told(&log), expected, "{version}");
            assert_eq!(log.load_snapshot("order-0").unwrap().state, b"{\"as of\":3}");
            // What was appended then is known now.
            let page = log.read_stream("order-3", 0, false, 1).unwrap();
            let first = page.records[0].get();
            let mut request = log.request();
            request.stream("order-3", Expected::Any).unwrap();
            let id = first.id();
            request.record(NewRecord { id, time: 0, kind: "K", tags: &[], metadata: b"", data: b"" }).unwrap();
            assert!(log.append(request).is_err(), "an id of then is taken as new");
            drop(log);
            let storage = tradewind_log::DiskStorage::new(folder.path()).unwrap();
            let verified = tradewind_log::verify(&storage, |_, _| {}).unwrap();
            assert!(verified.is_sound(), "{:?}", verified.findings);
        }
    }
}
