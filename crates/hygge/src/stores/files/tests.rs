use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use hygge_core::conformance::{Row, rows_of, store_laws};

use self::subject::Subject;
use crate::files::durable::Disk;

mod bench;
mod died;
mod foreign;
mod partitions;
mod readers;
mod replay;
pub(crate) mod subject;

fn subject(path: &'static str, disk: fn() -> Disk) -> Subject {
    Subject::new(path, move |dir| Arc::new(bench::Bench::new(dir, path, disk()).store()), rows_in)
}

/// The rows in one file, or in the files of a folder that is called `id=value`, read without our own readers.
fn rows_in(path: &Path) -> Vec<Row> {
    if path.is_dir() {
        let id = path.file_name().and_then(|name| name.to_str()?.strip_prefix("id=")).expect("a partition");
        let files = std::fs::read_dir(path).expect("lists").map(|entry| entry.expect("an entry").path());
        return files.flat_map(|file| names_in(&file)).map(|name| (id.parse().expect("a number"), name)).collect();
    }
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

/// The names in a file that holds nothing else.
fn names_in(path: &Path) -> Vec<Option<String>> {
    let file = std::fs::File::open(path).expect("opens");
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 1_000).expect("a Parquet file");
    let mut out = Vec::new();
    for batch in reader {
        let batch = batch.expect("reads");
        assert_eq!(batch.num_columns(), 1, "the files leave out what their folders tell");
        out.extend(batch.column(0).as_string::<i32>().iter().map(|name| name.map(str::to_owned)));
    }
    out
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
fn a_folder_of_partitions_keeps_the_laws() {
    store_laws(|| subject("data/hive", Disk::default));
}

#[test]
fn a_folder_of_partitions_without_exchange_keeps_the_laws() {
    store_laws(|| subject("data/hive", || Disk::default().without_exchange()));
    store_laws(|| subject("data/hive", || Disk::default().without_links()));
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
