//! The laws of a store, kept by folders and files of CSV. What is visible is read by the slow reading, not by ours.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use hygge_core::conformance::{Row, store_laws};

use super::{CsvFormat, CsvFormatConfig};
use crate::files::codec::Codec;
use crate::files::csv::index::Dialect;
use crate::files::csv::reference;
use crate::files::packing::Packing;
use crate::stores::files::tests::subject::Subject;

fn subject(path: &'static str, codec: Codec, header: bool) -> Subject {
    let packing = Packing { codec, level: None };
    let format = CsvFormat::new(&CsvFormatConfig { header, packing, ..CsvFormatConfig::default() }).expect("a format");
    Subject::of(path, Arc::new(format), move |path| rows_in(path, codec, header))
}

fn rows_in(path: &Path, codec: Codec, header: bool) -> Vec<Row> {
    let file = std::fs::File::open(path).expect("opens");
    let mut text = Vec::new();
    codec.reader(file).expect("begins").read_to_end(&mut text).expect("unpacks");
    let read = reference::read(&text, Dialect::default(), 2);
    assert_eq!(read.fault, None, "no CSV: {}", String::from_utf8_lossy(&text));
    let text = |field: &(Vec<u8>, bool)| String::from_utf8(field.0.clone()).expect("UTF-8");
    let row = |row: &Vec<reference::Field>| {
        let name = (row[1].1 || !row[1].0.is_empty()).then(|| text(&row[1]));
        (text(&row[0]).parse().expect("a number"), name)
    };
    let mut rows = read.rows.iter();
    if header {
        let header = rows.next().expect("a header");
        assert_eq!((text(&header[0]), text(&header[1])), ("id".to_owned(), "name".to_owned()));
    }
    rows.map(row).collect()
}

#[test]
fn a_folder_keeps_the_laws() {
    store_laws(|| subject("data/laws", Codec::Plain, true));
}

#[test]
fn a_folder_of_packed_files_without_headers_keeps_the_laws() {
    store_laws(|| subject("data/laws", Codec::Gzip, false));
}

#[test]
fn one_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.csv", Codec::Plain, true));
}

#[test]
fn one_packed_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.csv.gz", Codec::Gzip, true));
    store_laws(|| subject("data/laws.csv.zst", Codec::Zstd, true));
    store_laws(|| subject("data/laws.csv.xz", Codec::Xz, true));
}
