use super::*;

const EIO: i32 = 5;

fn synced(disk: &SimulatedDisk, name: &str, bytes: &[u8]) -> Arc<dyn tradewind_log::File> {
    let storage = disk.storage();
    let file = storage.create(name).unwrap();
    file.write_at(bytes, 0).unwrap();
    file.sync().unwrap();
    storage.sync_names().unwrap();
    file
}

#[test]
fn what_is_synced_survives_every_crash() {
    for seed in 0..200 {
        let disk = SimulatedDisk::new(seed);
        let file = synced(&disk, "a", &[7; 3000]);
        file.write_at(&[9; 2000], 3000).unwrap();
        disk.crash();
        assert_eq!(disk.content("a").unwrap()[..3000], [7; 3000]);
        assert!(file.read_at(&mut [0], 0).is_err(), "a handle from before the crash still works");
    }
}

#[test]
fn what_is_not_synced_survives_in_any_subset_of_sectors() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let disk = SimulatedDisk::new(seed);
        let file = synced(&disk, "a", &[1; 4 * SECTOR]);
        file.write_at(&[2; 4 * SECTOR], 0).unwrap();
        disk.crash();
        let content = disk.content("a").unwrap();
        let kinds = content.chunks(SECTOR).map(|sector| match sector {
            all if all.iter().all(|byte| *byte == 1) => 'o',
            all if all.iter().all(|byte| *byte == 2) => 'n',
            _ => 't',
        });
        seen.insert(kinds.collect::<String>());
    }
    for must in ["oooo", "nnnn", "onnn", "nooo", "nnno", "noon"] {
        assert!(seen.contains(must), "{must} never came of {seen:?}");
    }
    assert!(seen.iter().any(|kinds| kinds.contains('t')), "no sector was ever torn");
}

#[test]
fn a_file_survives_but_its_name_only_if_names_are_synced() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..100 {
        let disk = SimulatedDisk::new(seed);
        let storage = disk.storage();
        let file = storage.create("a.tmp").unwrap();
        file.write_at(b"x", 0).unwrap();
        file.sync().unwrap();
        storage.sync_names().unwrap();
        storage.rename("a.tmp", "a").unwrap();
        disk.crash();
        match disk.names().as_slice() {
            [one] if one == "a" => kept += 1,
            [one] if one == "a.tmp" => lost += 1,
            other => panic!("{other:?}"),
        }
        assert_eq!(disk.content(&disk.names()[0]).unwrap(), b"x");
    }
    assert!(kept > 10 && lost > 10, "kept {kept}, lost {lost}");
}

#[test]
fn after_a_failed_sync_a_second_one_proves_nothing() {
    let mut lost = 0;
    for seed in 0..100 {
        let disk = SimulatedDisk::new(seed);
        let file = synced(&disk, "a", &[1; 2048]);
        file.write_at(&[2; 2048], 0).unwrap();
        disk.plan(Fault::new(Operation::Sync, 1, Effect::Fail(EIO)));
        assert!(file.sync().is_err());
        file.sync().unwrap();
        assert_eq!(disk.content("a").unwrap(), [2; 2048], "the cache forgot at once");
        disk.crash();
        lost += u32::from(disk.content("a").unwrap() != [2; 2048]);
    }
    assert!(lost > 30);
}

#[test]
fn a_killed_process_leaves_the_page_cache() {
    let disk = SimulatedDisk::new(1);
    let file = synced(&disk, "a", &[1; 600]);
    let lock = disk.storage().lock().unwrap();
    assert_eq!(disk.storage().lock().err().unwrap().kind(), io::ErrorKind::WouldBlock);
    file.write_at(&[2; 600], 0).unwrap();
    disk.kill();
    assert!(file.sync().is_err());
    assert_eq!(disk.content("a").unwrap(), [2; 600]);
    let again = disk.storage().lock().unwrap();
    drop(lock);
    assert!(disk.storage().lock().is_err(), "the dead process's lock took the living one's away");
    drop(again);
    disk.storage().lock().unwrap();
}

#[test]
fn lost_torn_and_misdirected_writes_show_once_the_cache_is_gone() {
    let disk = SimulatedDisk::new(3);
    let file = synced(&disk, "a", &[1; 4 * SECTOR]);
    disk.plan(Fault::new(Operation::Write, 1, Effect::Lose));
    file.write_at(&[2; SECTOR], 0).unwrap();
    disk.plan(Fault::new(Operation::Write, 1, Effect::Misdirect { sectors: 2 }));
    file.write_at(&[3; SECTOR], SECTOR as u64).unwrap();
    file.sync().unwrap();
    let expected_in_cache = [[2; SECTOR], [3; SECTOR], [1; SECTOR], [1; SECTOR]].concat();
    assert_eq!(disk.content("a").unwrap(), expected_in_cache);
    disk.evict();
    let expected = [[1; SECTOR], [1; SECTOR], [1; SECTOR], [3; SECTOR]].concat();
    assert_eq!(disk.content("a").unwrap(), expected);
}

#[test]
fn the_nth_operation_fails_and_the_next_goes_well() {
    let disk = SimulatedDisk::new(4);
    let file = synced(&disk, "segment", b"");
    disk.plan(Fault::new(Operation::SetLen, 2, Effect::Fail(EIO)).only("seg"));
    file.set_len(10).unwrap();
    assert_eq!(file.set_len(20).unwrap_err().raw_os_error(), Some(EIO));
    file.set_len(30).unwrap();
    assert_eq!((file.len().unwrap(), disk.planned()), (30, 0));
}

#[test]
fn a_full_disk_takes_what_fits_and_more_when_there_is_room() {
    let disk = SimulatedDisk::new(5);
    let file = synced(&disk, "a", &[1; 1024]);
    disk.set_capacity(Some(2048));
    assert_eq!(file.write_at(&[2; 2000], 1024).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.used(), 2048);
    file.write_at(&[3; 1024], 0).unwrap();
    disk.set_capacity(None);
    file.write_at(&[2; 2000], 1024).unwrap();
}

#[test]
fn what_hangs_lets_others_go_on_until_it_is_released() {
    let disk = SimulatedDisk::new(6);
    let file = synced(&disk, "a", &[1; 100]);
    disk.plan(Fault::new(Operation::Sync, 1, Effect::Hang));
    let syncing = Arc::clone(&file);
    let thread = std::thread::spawn(move || syncing.sync());
    assert!(disk.wait_until_hanging(Duration::from_secs(10)));
    file.read_at(&mut [0; 10], 0).unwrap();
    disk.release();
    thread.join().unwrap().unwrap();
}

#[test]
fn a_crash_at_every_operation_repeats_with_its_seed() {
    let run = |seed, crash_at| {
        let disk = SimulatedDisk::new(seed);
        disk.crash_at(crash_at);
        let work = || {
            let storage = disk.storage();
            let file = storage.create("a.tmp")?;
            file.set_len(2048)?;
            file.write_at(&[5; 1500], 100)?;
            file.sync()?;
            storage.rename("a.tmp", "a")?;
            storage.sync_names()?;
            file.write_at(&[6; 1500], 100)
        };
        let done: io::Result<()> = work();
        assert_eq!(done.is_err(), disk.is_down());
        disk.crash();
        let files: Vec<_> = disk.names().into_iter().map(|name| (disk.content(&name).unwrap(), name)).collect();
        (done.is_err(), disk.operations(), files)
    };
    let whole = run(7, u64::MAX);
    assert!(!whole.0);
    for operation in 1..=whole.1 {
        let first = run(7, operation);
        assert!(first.0 && first.1 == operation);
        assert_eq!(first, run(7, operation));
    }
}

#[test]
fn a_fork_goes_its_own_way() {
    let disk = SimulatedDisk::new(8);
    synced(&disk, "a", b"one");
    let fork = disk.fork(9);
    synced(&fork, "a", b"two");
    fork.uproot("b");
    disk.flip("a", 0).unwrap();
    assert_eq!((disk.content("a").unwrap(), fork.content("a").unwrap()), (b"nne".to_vec(), b"two".to_vec()));
}
