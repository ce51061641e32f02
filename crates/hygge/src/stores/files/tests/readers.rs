//! Readers that look while loads settle.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hygge_core::conformance::Row;
use hygge_core::receipt::Mode;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::bench::Bench;
use crate::files::durable::Disk;

/// How long a folder that was exchanged is left as it was: for a reader that has opened it and not yet listed it.
const GRACE: Duration = Duration::from_millis(50);

/// What one reading of a folder saw: rows by load, or nothing because a file was gone when it was opened, or because the
/// machine kept the reader from listing the folder for longer than the grace.
fn read_like_others(folder: &Path) -> Option<HashMap<i64, usize>> {
    let begun = Instant::now();
    let names: Vec<_> = std::fs::read_dir(folder).ok()?.map(|e| e.expect("an entry").path()).collect();
    if begun.elapsed() >= GRACE {
        return None;
    }
    let mut seen = HashMap::new();
    for path in names {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("{error}"),
        };
        for batch in ParquetRecordBatchReader::try_new(file, 1_000).expect("a whole file") {
            for (load, _) in hygge_core::conformance::rows_of(&batch.expect("whole rows")) {
                *seen.entry(load).or_default() += 1;
            }
        }
    }
    Some(seen)
}

/// Rows that all carry the number of their load.
fn load(number: i64) -> Vec<Vec<Row>> {
    (0..4).map(|_| vec![(number, Some("x".to_owned())); 25]).collect()
}

#[test]
fn readers_see_whole_loads_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let bench = Bench { grace: GRACE, ..Bench::new(dir.path(), "data/t", Disk::default()) };
    bench.settle(Mode::Replace, &load(0)).expect("settles");
    let folder = bench.live();
    let stop = AtomicBool::new(false);
    let looks = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::SeqCst) {
                    let Some(seen) = read_like_others(&folder) else { continue };
                    looks.fetch_add(1, Ordering::SeqCst);
                    assert!(!seen.is_empty(), "an empty folder was seen");
                    assert!(seen.values().all(|rows| *rows == 100), "a part of a load was seen: {seen:?}");
                    // A replace at every tenth load, appends between: all loads since the last replace, up to one.
                    let newest = *seen.keys().max().expect("not empty");
                    let oldest = newest - newest % 10;
                    let expected: Vec<i64> = (oldest..=newest).collect();
                    let mut found: Vec<i64> = seen.into_keys().collect();
                    found.sort_unstable();
                    assert_eq!(found, expected, "a mix of loads was seen");
                }
            });
        }
        for number in 1..60 {
            let mode = if number % 10 == 0 { Mode::Replace } else { Mode::Append };
            bench.settle(mode, &load(number)).expect("settles");
        }
        stop.store(true, Ordering::SeqCst);
    });
    assert!(looks.load(Ordering::SeqCst) > 20, "too few looks to tell");
}
