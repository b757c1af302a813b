//! Names and ids whose hashes are the same: nobody gets another's records.

use tradewind_log::{AppendError, Expected, Log, NewRecord, Query, QueryItem};
use tradewind_prove::store::session::options;
use tradewind_testkit::disk::SimulatedDisk;

fn open(disk: &SimulatedDisk, hash_bits: u32) -> Log {
    let mut options = options(32 << 10);
    options.hash_bits = hash_bits;
    Log::open(disk.storage(), options).unwrap()
}

fn append(log: &Log, id: u128, stream: &str, kind: &str, tag: &str) -> Result<u64, AppendError> {
    let mut request = log.request();
    request.stream(stream, Expected::Any)?;
    request.record(NewRecord { id, time: 0, kind, tags: &[tag], metadata: b"", data: &[9; 300] })?;
    log.append(request).map(|appended| appended.last)
}

#[test]
fn colliding_names_find_their_own_records_only() {
    for hash_bits in [1, 2, 3, 5, 8] {
        let disk = SimulatedDisk::new(u64::from(hash_bits));
        let log = open(&disk, hash_bits);
        let mut written = Vec::new();
        for id in 0..400_u64 {
            let (stream, kind, tag) = (format!("order-{}", id % 9), format!("Kind{}", id % 7), format!("t{}", id % 11));
            match append(&log, u128::from(id), &stream, &kind, &tag) {
                Ok(position) => written.push((position, stream, kind, tag)),
                // Two streams with one hash cannot be told apart by it: the later one is refused, never mixed up.
                Err(AppendError::Check(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        assert!(!written.is_empty());
        let check = |log: &Log| {
            for name in 0..12 {
                let stream = format!("order-{name}");
                let found = log.read_stream(&stream, 0, false, usize::MAX).unwrap();
                let found: Vec<u64> = found.records.iter().map(|record| record.get().position()).collect();
                let expected: Vec<u64> = written.iter().filter(|w| w.1 == stream).map(|w| w.0).collect();
                assert_eq!(found, expected, "{stream} with {hash_bits} bits");

                let (kind, tag) = (format!("Kind{name}"), format!("t{name}"));
                let item = QueryItem { kinds: vec![kind.clone()], ..QueryItem::default() };
                let by_kind: Vec<u64> = written.iter().filter(|w| w.2 == kind).map(|w| w.0).collect();
                assert_eq!(positions(log, item), by_kind, "{kind} with {hash_bits} bits");
                let item = QueryItem { tags: vec![tag.clone()], ..QueryItem::default() };
                let by_tag: Vec<u64> = written.iter().filter(|w| w.3 == tag).map(|w| w.0).collect();
                assert_eq!(positions(log, item), by_tag, "{tag} with {hash_bits} bits");
            }
        };
        check(&log);
        drop(log);
        let log = open(&disk, hash_bits);
        check(&log);
        // Ids collide too: each is still found by itself, and a new one is new.
        for (position, stream, kind, tag) in &written {
            let id = log.read(position - 1, &Query::default(), 1).unwrap().records[0].get().id();
            assert_eq!(append(&log, id, stream, kind, tag), Ok(*position));
        }
        assert_eq!(append(&log, 1 << 100, &written[0].1, "Kind0", "t0"), Ok(written.len() as u64 + 1));
    }
}

fn positions(log: &Log, item: QueryItem) -> Vec<u64> {
    let query = Query { items: vec![item] };
    let (mut found, mut after) = (Vec::new(), 0);
    while after < log.head() {
        let page = log.read(after, &query, 50).unwrap();
        found.extend(page.records.iter().map(|record| record.get().position()));
        after = page.through;
    }
    found
}
