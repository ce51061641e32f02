use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygge_core::conformance::{Row, StoreUnderTest, rows_of, store_laws};
use hygge_core::store::Store;

use crate::files::durable::Disk;

mod bench;
mod died;
mod foreign;
mod readers;
mod replay;

/// A place under the laws, on one kind of disk.
struct Subject {
    dir: tempfile::TempDir,
    path: &'static str,
    disk: fn() -> Disk,
}

fn subject(path: &'static str, disk: fn() -> Disk) -> Subject {
    Subject { dir: tempfile::tempdir().expect("a folder"), path, disk }
}

/// The rows in one file, read without our own readers.
fn rows_in(path: &Path) -> Vec<Row> {
    if path.extension().is_some_and(|e| e == "csv") {
        let text = std::fs::read_to_string(path).expect("reads");
        let row = |line: &str| {
            let (id, name) = line.split_once(',').expect("two columns");
            let name = if name.is_empty() { None } else { Some(name.trim_matches('"').to_owned()) };
            (id.parse().expect("a number"), name)
        };
        assert!(text.starts_with("id,name\n"), "half a file: {text:?}");
        return text.lines().skip(1).map(row).collect();
    }
    let file = std::fs::File::open(path).expect("opens");
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 1_000).expect("a Parquet file");
    reader.flat_map(|batch| rows_of(&batch.expect("reads"))).collect()
}

impl StoreUnderTest for Subject {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(bench::Bench::new(self.dir.path(), self.path, (self.disk)()).store())
    }

    fn visible(&self) -> Option<Vec<Row>> {
        let live = self.dir.path().join(self.path);
        if live.is_file() {
            return Some(rows_in(&live));
        }
        let entries = std::fs::read_dir(live).ok()?;
        Some(entries.flat_map(|entry| rows_in(&entry.expect("an entry").path())).collect())
    }

    fn lose_lock(&self) -> bool {
        let hidden =
            self.dir.path().join(format!("data/.{}.hygge/lock", self.path.rsplit('/').next().expect("a name")));
        std::fs::remove_file(hidden).expect("the lock is there");
        true
    }

    fn fingerprint(&self) -> String {
        all_below(self.dir.path())
    }

    fn root(&self) -> PathBuf {
        self.dir.path().to_path_buf()
    }
}

/// Everything below a folder, with what would tell that it was touched.
pub(crate) fn all_below(folder: &Path) -> String {
    let mut lines = Vec::new();
    walk(folder, &mut lines);
    lines.sort();
    lines.join("\n")
}

fn walk(path: &Path, lines: &mut Vec<String>) {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::symlink_metadata(path).expect("looks");
    lines.push(format!("{} {} {} {}", path.display(), meta.ino(), meta.mtime_nsec(), meta.len()));
    if meta.is_dir() {
        for entry in std::fs::read_dir(path).expect("lists") {
            walk(&entry.expect("an entry").path(), lines);
        }
    }
}

#[test]
fn a_folder_keeps_the_laws() {
    store_laws(|| subject("data/laws", Disk::default));
}

#[test]
fn a_folder_without_exchange_keeps_the_laws() {
    store_laws(|| subject("data/laws", || Disk::default().without_exchange()));
}

#[test]
fn a_folder_without_links_keeps_the_laws() {
    store_laws(|| subject("data/laws", || Disk::default().without_links()));
}

#[test]
fn a_folder_without_either_keeps_the_laws() {
    store_laws(|| subject("data/laws", || Disk::default().without_exchange().without_links()));
}

#[test]
fn a_folder_of_csv_keeps_the_laws() {
    store_laws(|| subject("data/csv", Disk::default));
}

#[test]
fn one_file_of_csv_keeps_the_laws() {
    store_laws(|| subject("data/laws.csv", Disk::default));
}

#[test]
fn one_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.parquet", Disk::default));
}
