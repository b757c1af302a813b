//! What the disk does to the log, one thing at a time.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use tradewind_log::{AppendError, Expected, Log, NewRecord, OpenError, Query, Storage};
use tradewind_prove::store::session::options;
use tradewind_testkit::disk::{Effect, Fault, Operation, SimulatedDisk};

const EIO: i32 = 5;
const SEGMENT_BYTES: u32 = 32 << 10;
const PATIENCE: Duration = Duration::from_secs(20);

fn open(disk: &SimulatedDisk) -> Log {
    Log::open(disk.storage(), options(SEGMENT_BYTES)).unwrap()
}

fn append(log: &Log, id: u128, data: &[u8]) -> Result<u64, AppendError> {
    let mut request = log.request();
    request.stream(&format!("order-{}", id % 5), Expected::Any)?;
    request.record(NewRecord { id, time: 0, kind: "Placed", tags: &["a"], metadata: b"", data })?;
    log.append(request).map(|appended| appended.last)
}

fn count(log: &Log) -> usize {
    log.read(0, &Query::default(), usize::MAX).unwrap().records.len()
}

#[test]
fn a_disk_that_hangs_keeps_writers_waiting_and_nobody_else() {
    let disk = SimulatedDisk::new(1);
    let log = Arc::new(open(&disk));
    append(&log, 1, b"before").unwrap();
    disk.plan(Fault::new(Operation::Sync, 1, Effect::Hang).only("segment-0000000000.log"));
    let (tell, told) = sync_channel(4);
    for id in [2, 3] {
        let (log, tell) = (Arc::clone(&log), tell.clone());
        thread::spawn(move || tell.send(append(&log, id, b"during")).unwrap());
    }
    assert!(disk.wait_until_hanging(PATIENCE));
    // As long as it hangs, be it for 30 s: reads answer, and nothing that is not durable is seen or acknowledged.
    assert_eq!((count(&log), log.head()), (1, 1));
    assert_eq!(log.read_stream("order-1", 0, false, 10).unwrap().records.len(), 1);
    assert!(told.try_recv().is_err());
    disk.release();
    for _ in 0..2 {
        told.recv_timeout(PATIENCE).unwrap().unwrap();
    }
    assert_eq!(count(&log), 3);
}

#[test]
fn a_full_disk_refuses_cleanly_and_takes_more_when_there_is_room() {
    let disk = SimulatedDisk::new(2);
    let log = open(&disk);
    append(&log, 1, b"first").unwrap();
    disk.set_capacity(Some(disk.used() + 4_096));
    let mut id = 1;
    let refusal = loop {
        id += 1;
        if let Err(refusal) = append(&log, id, &[7; 3_000]) {
            break refusal;
        }
        assert!(id < 1_000, "the disk is never full");
    };
    assert_eq!(refusal, AppendError::DiskFull);
    assert_eq!(append(&log, id, &[7; 3_000]), Err(AppendError::DiskFull), "the second refusal differs");
    let acknowledged = usize::try_from(id - 1).unwrap();
    assert_eq!(count(&log), acknowledged);
    disk.set_capacity(None);
    append(&log, id, &[7; 3_000]).unwrap_or_else(|_| append(&log, id, &[7; 3_000]).unwrap());
    drop(log);
    disk.crash();
    assert_eq!(count(&open(&disk)), acknowledged + 1);
}

#[test]
fn after_a_failed_sync_nothing_more_is_taken_and_reads_go_on() {
    let disk = SimulatedDisk::new(3);
    let log = open(&disk);
    append(&log, 1, b"before").unwrap();
    disk.plan(Fault::new(Operation::Sync, 1, Effect::Fail(EIO)).only("segment-0000000000.log"));
    assert!(matches!(append(&log, 2, b"during"), Err(AppendError::OutcomeUnknown(_))));
    let operations = disk.operations();
    assert!(matches!(append(&log, 3, b"after"), Err(AppendError::Closed(_))));
    assert_eq!(disk.operations(), operations, "the disk was written to, or synced once more");
    assert_eq!((count(&log), log.head()), (1, 1));
    assert!(log.stat().failure.is_some());
    drop(log);
    disk.kill();
    let log = open(&disk);
    let there = count(&log);
    assert!(there == 1 || there == 2);
    // Whatever it shows now, it shows after a power cut.
    disk.crash();
    drop(log);
    let log = open(&disk);
    assert_eq!(count(&log), there);
    // And the retry is answered alike.
    let appended = append(&log, 2, b"during").unwrap();
    assert_eq!((appended, count(&log)), (2, 2));
}

#[test]
fn a_second_opener_in_the_same_process_is_told_who_has_it() {
    let disk = SimulatedDisk::new(4);
    let first = open(&disk);
    let second = Log::open(disk.storage(), options(SEGMENT_BYTES));
    assert!(matches!(second, Err(OpenError::Locked { .. })));
    append(&first, 1, b"still mine").unwrap();
    drop(first);
    open(&disk);

    let folder = tempfile::tempdir().unwrap();
    let first = Log::open_folder(folder.path(), options(SEGMENT_BYTES)).unwrap();
    let second = Log::open_folder(folder.path(), options(SEGMENT_BYTES)).err().unwrap();
    assert!(matches!(&second, OpenError::Locked { .. }), "{second}");
    assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
    append(&first, 1, b"still mine").unwrap();
}

#[test]
fn foreign_folders_and_newer_formats_are_refused_untouched() {
    let disk = SimulatedDisk::new(5);
    append(&open(&disk), 1, b"x").unwrap();
    disk.damage("segment-0000000000.log", 8, &[9, 0, 0, 0]).unwrap();
    let before = disk.content("segment-0000000000.log").unwrap();
    assert!(matches!(Log::open(disk.storage(), options(SEGMENT_BYTES)), Err(OpenError::NotALog { .. })));
    assert_eq!(disk.content("segment-0000000000.log").unwrap(), before);

    let mixed = SimulatedDisk::new(6);
    let other = SimulatedDisk::new(7);
    for disk in [&mixed, &other] {
        let log = open(disk);
        for id in 0..60 {
            append(&log, id, &[1; 2_000]).unwrap();
        }
    }
    mixed.plant("segment-0000000001.log", other.content("segment-0000000001.log").unwrap());
    assert!(Log::open(mixed.storage(), options(SEGMENT_BYTES)).is_err(), "two logs were mixed");
}

#[test]
fn the_lock_file_may_be_missing_or_say_anything() {
    let folder = tempfile::tempdir().unwrap();
    drop(Log::open_folder(folder.path(), options(SEGMENT_BYTES)).unwrap());
    for content in [&b""[..], b"99999999", b"\xff\xfe garbage", &[0; 5_000]] {
        std::fs::write(folder.path().join("lock"), content).unwrap();
        let log = Log::open_folder(folder.path(), options(SEGMENT_BYTES)).unwrap();
        drop(log);
    }
    std::fs::remove_file(folder.path().join("lock")).unwrap();
    let storage = tradewind_log::DiskStorage::new(folder.path()).unwrap();
    assert!(!storage.list().unwrap().iter().any(|name| name == "lock"));
    drop(Log::open_folder(folder.path(), options(SEGMENT_BYTES)).unwrap());
}

/// A recovery that cuts a torn tail and cannot make that durable is followed by another one in the same boot, which
/// sees in the page cache zeros that the disk never got. What lies there must not come back behind what is written
/// now, even if it fits exactly.
#[test]
fn what_a_recovery_cut_never_comes_back_even_if_its_sync_failed() {
    // So long that every commit takes two whole sectors: none is touched by the rewriting of its neighbour.
    const FITS: usize = 918;
    let mut cuts = 0;
    for seed in 0..400 {
        let disk = SimulatedDisk::new(seed);
        let log = Arc::new(open(&disk));
        // Together with the mark that an opening writes, this one too.
        append(&log, 1, &[1; FITS - 32]).unwrap();
        // Three more are gathered into one write while the disk hangs; the power goes before that is durable.
        disk.plan(Fault::new(Operation::Sync, 1, Effect::Hang).only("segment-0000000000.log"));
        disk.plan(Fault::new(Operation::Sync, 2, Effect::Crash).only("segment-0000000000.log"));
        let (tell, told) = sync_channel(8);
        for id in 2..6 {
            let mut request = log.request();
            request.stream("order-1", Expected::Any).unwrap();
            let record = NewRecord { id, time: 0, kind: "Placed", tags: &["a"], metadata: b"", data: &[2; FITS] };
            request.record(record).unwrap();
            let tell = tell.clone();
            log.submit(request, move |answer| tell.send(answer.is_ok()).unwrap());
            if id == 2 {
                assert!(disk.wait_until_hanging(PATIENCE));
            }
        }
        disk.release();
        let acknowledged = (0..4).filter(|_| told.recv_timeout(PATIENCE).unwrap()).count();
        assert_eq!(acknowledged, 1);
        disk.crash();
        drop(log);

        disk.plan(Fault::new(Operation::Sync, 1, Effect::Fail(EIO)).only("segment-0000000000.log"));
        if Log::open(disk.storage(), options(SEGMENT_BYTES)).is_ok() {
            // Nothing had to be cut.
            continue;
        }
        cuts += 1;
        disk.clear_plan();
        let log = open(&disk);
        let before = count(&log);
        // Together with the mark that an opening writes, as long as what was cut.
        append(&log, 11, &[3; FITS - 32]).unwrap();
        disk.crash();
        drop(log);
        assert_eq!(count(&open(&disk)), before + 1, "with seed {seed}, what had been cut came back");
    }
    assert!(cuts > 50, "only {cuts} seeds cut anything");
}

/// While one round is at the disk, the next is prepared. If the first fails, its outcome is unknown; the second was
/// never sent, and says so.
#[test]
fn what_was_prepared_behind_a_write_that_fails_was_never_sent() {
    let disk = SimulatedDisk::new(8);
    let mut overlapping = options(SEGMENT_BYTES);
    overlapping.overlap_requests_min = 0;
    let log = Log::open(disk.storage(), overlapping).unwrap();
    disk.plan(Fault::new(Operation::Sync, 1, Effect::Hang).only("segment-0000000000.log"));
    let (tell, told) = sync_channel(8);
    for id in 1..=4_u128 {
        let mut request = log.request();
        // The last three rest on the first: by its revision.
        let expected = id.checked_sub(2).map_or(Expected::None, |revision| Expected::Exactly(revision as u64));
        request.stream("order-1", expected).unwrap();
        request.record(NewRecord { id, time: 0, kind: "Placed", tags: &[], metadata: b"", data: b"x" }).unwrap();
        let tell = tell.clone();
        log.submit(request, move |answer| tell.send((id, answer.map(|appended| appended.last))).unwrap());
        if id == 1 {
            assert!(disk.wait_until_hanging(PATIENCE));
        }
    }
    disk.crash();
    for _ in 0..4 {
        let (id, answer) = told.recv_timeout(PATIENCE).unwrap();
        match id {
            1 => assert!(matches!(answer, Err(AppendError::OutcomeUnknown(_))), "{answer:?}"),
            _ => assert!(matches!(answer, Err(AppendError::Closed(_))), "{id}: {answer:?}"),
        }
    }
    drop(log);
    let there = count(&open(&disk));
    assert!(there <= 1, "{there} records, of which at most one was ever sent");
}
