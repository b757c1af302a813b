//! Reading while others write: whole commits, each once, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tradewind_log::{Expected, Log, NewRecord, Query, QueryItem};
use tradewind_prove::store::session::options;
use tradewind_testkit::disk::SimulatedDisk;

/// More than the log shows to readers under one hold of a lock.
const COMMIT: u64 = 300;
const COMMITS: u64 = 60;

fn append(log: &Log, first_id: u64, count: u64, streams: &[&str]) {
    let mut request = log.request();
    for (index, stream) in streams.iter().enumerate() {
        request.stream(stream, Expected::Any).unwrap();
        for number in 0..count {
            let id = u128::from(first_id + number) << 8 | index as u128;
            let record = NewRecord { id, time: 0, kind: "Placed", tags: &["t"], metadata: b"", data: b"some data" };
            request.record(record).unwrap();
        }
    }
    log.append(request).unwrap();
}

#[test]
fn a_reader_sees_a_commit_whole_or_not_at_all() {
    let disk = SimulatedDisk::new(1);
    let log = Log::open(disk.storage(), options(1 << 20)).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..3 {
            let (log, done) = (&log, &done);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let (count, last) = match reader {
                        0 => {
                            let page = log.read_stream("order-1", 0, false, usize::MAX).unwrap();
                            (page.records.len() as u64, page.last)
                        }
                        1 => {
                            let page = log.read_stream("order-1", u64::MAX, true, 10).unwrap();
                            let newest = page.records.first().map(|record| record.get().revision());
                            assert_eq!(newest, page.last);
                            (newest.map_or(0, |newest| newest + 1), newest)
                        }
                        _ => match log.read_stream_recent("order-1", u64::MAX, true, 1) {
                            Some(page) => (page.last.map_or(0, |last| last + 1), page.last),
                            None => continue,
                        },
                    };
                    assert_eq!(count % COMMIT, 0, "reader {reader} sees a part of a commit");
                    assert_eq!(last.map_or(0, |last| last + 1), count);
                    assert_eq!(log.head() % (2 * COMMIT), 0);
                }
            });
        }
        for commit in 0..COMMITS {
            append(&log, commit * COMMIT, COMMIT, &["order-1", "order-2"]);
        }
        done.store(true, Ordering::SeqCst);
    });
}

#[test]
fn a_follower_sees_everything_once_and_in_order_and_at_once_after_the_answer() {
    const WRITERS: u64 = 4;
    const EACH: u64 = 300;
    let disk = SimulatedDisk::new(2);
    let log = Log::open(disk.storage(), options(64 << 10)).unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let listener = Arc::clone(&told);
    log.on_durable(move |head| assert!(listener.swap(head, Ordering::SeqCst) < head, "the head went back"));
    let odd = Query { items: vec![QueryItem { categories: vec!["odd".to_owned()], ..QueryItem::default() }] };
    thread::scope(|scope| {
        for query in [Query::default(), odd] {
            let log = &log;
            scope.spawn(move || {
                let (mut after, mut seen) = (0, 0);
                while after < WRITERS * EACH {
                    let _ = log.wait_beyond(after, Duration::from_secs(5));
                    let recent = log.read_recent(after, &query, 7);
                    let page = match recent {
                        Some(page) => page,
                        None => log.read(after, &query, 7).unwrap(),
                    };
                    for record in &page.records {
                        let position = record.get().position();
                        assert!(position > after && position <= page.through, "{position} after {after}");
                        assert!(query.matches(record.get()));
                        after = position;
                        seen += 1;
                    }
                    assert!(page.through >= after && page.through <= log.head());
                    after = page.through;
                }
                let expected = if query.items.is_empty() { WRITERS * EACH } else { WRITERS / 2 * EACH };
                assert_eq!(seen, expected);
            });
        }
        for writer in 0..WRITERS {
            let log = &log;
            scope.spawn(move || {
                let stream = format!("{}-{writer}", if writer % 2 == 1 { "odd" } else { "even" });
                for number in 0..EACH {
                    append(log, (writer << 32) | number, 1, &[&stream]);
                    let mine = log.read_stream(&stream, u64::MAX, true, 1).unwrap();
                    assert_eq!(mine.last, Some(number), "a writer does not see what it was told to be durable");
                    assert_eq!(mine.records[0].get().revision(), number);
                }
            });
        }
    });
    assert_eq!(told.load(Ordering::SeqCst), log.head());
}

#[test]
fn reclaiming_while_others_read_and_write_disturbs_nobody() {
    let disk = SimulatedDisk::new(3);
    let log = Log::open(disk.storage(), options(32 << 10)).unwrap();
    let done = AtomicBool::new(false);
    let freed = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    freed.fetch_add(log.reclaim().unwrap(), Ordering::SeqCst);
                    thread::yield_now();
                }
            });
        }
        for reader in 0..2_u64 {
            let (log, done) = (&log, &done);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let name = format!("order-{reader}");
                    let page = log.read_stream(&name, 0, false, usize::MAX).unwrap();
                    let revisions: Vec<u64> = page.records.iter().map(|record| record.get().revision()).collect();
                    let expected: Vec<u64> = page.last.map_or(vec![], |last| (page.first..=last).collect());
                    assert_eq!(revisions, expected, "{name}");
                    let mut after = 0;
                    for record in log.read(0, &Query::default(), 500).unwrap().records {
                        assert!(record.get().position() > after);
                        assert_eq!(record.get().data(), b"some data");
                        after = record.get().position();
                    }
                }
            });
        }
        for number in 0..500_u64 {
            append(&log, number * 4, 3, &["order-0", "order-1"]);
            if number % 20 == 19 {
                log.truncate("order-0", number * 3 - 10).unwrap();
                log.truncate("order-1", number * 2).unwrap();
            }
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(log.reclaim().unwrap() + freed.load(Ordering::SeqCst) > 0, "nothing was ever reclaimed");
    let before = log.read(0, &Query::default(), usize::MAX).unwrap().records.len();
    drop(log);
    let log = Log::open(disk.storage(), options(32 << 10)).unwrap();
    assert_eq!(log.read(0, &Query::default(), usize::MAX).unwrap().records.len(), before);
}

#[test]
fn what_was_reclaimed_is_not_read_from_memory_at_its_old_place() {
    // A commit takes twice the bytes that are left of it when it is given up: then every later record comes to stand
    // exactly where another one was.
    const DATA: &[u8] = &[1; 102];
    let disk = SimulatedDisk::new(4);
    let log = Log::open(disk.storage(), options(32 << 10)).unwrap();
    for id in 0..200 {
        let mut request = log.request();
        request.stream("order-1", Expected::Any).unwrap();
        request.record(NewRecord { id, time: 0, kind: "Placed", tags: &["t"], metadata: b"", data: DATA }).unwrap();
        log.append(request).unwrap();
    }
    log.truncate("order-1", 60).unwrap();
    assert!(log.reclaim().unwrap() > 0);
    let revisions = |page: tradewind_log::StreamPage| -> Vec<u64> {
        page.records.iter().map(|record| record.get().revision()).collect()
    };
    let expected: Vec<u64> = (60..200).collect();
    assert_eq!(revisions(log.read_stream("order-1", 0, false, usize::MAX).unwrap()), expected);
    for revision in 60..200 {
        assert_eq!(revisions(log.read_stream("order-1", revision, false, 1).unwrap()), [revision]);
    }
    let tagged = Query { items: vec![QueryItem { tags: vec!["t".to_owned()], ..QueryItem::default() }] };
    for query in [Query::default(), tagged] {
        let page = log.read(0, &query, usize::MAX).unwrap();
        let positions: Vec<u64> = page.records.iter().map(|record| record.get().position()).collect();
        assert_eq!(positions, (61..=200).collect::<Vec<u64>>());
    }
}

/// A stream may be longer than memory: a page of it ends by bytes too, from either side, and the next one goes on
/// where it ended.
#[test]
fn a_page_of_a_stream_is_bounded_in_both_directions() {
    const RECORDS: u64 = 40;
    const BYTES: usize = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open_folder(folder.path(), options(64 << 20)).unwrap();
    let data = vec![7; BYTES];
    for id in 0..RECORDS {
        let mut request = log.request();
        request.stream("order-1", Expected::Any).unwrap();
        let record = NewRecord { id: id.into(), time: 0, kind: "Placed", tags: &[], metadata: b"", data: &data };
        request.record(record).unwrap();
        log.append(request).unwrap();
    }
    for backward in [false, true] {
        let mut revisions = Vec::new();
        let mut from = if backward { u64::MAX } else { 0 };
        loop {
            let page = log.read_stream("order-1", from, backward, usize::MAX).unwrap();
            let bytes: usize = page.records.iter().map(|record| record.block().len()).sum();
            assert!(bytes < 40 * BYTES, "all {bytes} bytes came at once");
            revisions.extend(page.records.iter().map(|record| record.get().revision()));
            if page.end {
                break;
            }
            let last = *revisions.last().unwrap();
            from = if backward { last - 1 } else { last + 1 };
        }
        let mut expected: Vec<_> = (0..RECORDS).collect();
        if backward {
            expected.reverse();
        }
        assert_eq!(revisions, expected);
    }
}
