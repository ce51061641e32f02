//! The laws of a store, kept by folders and files of JSON. What is visible is read by `serde_json`, not by us.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use hygge_core::conformance::{Row, store_laws};
use serde_json::Value;

use super::{JsonFormat, JsonFormatConfig};
use crate::files::codec::Codec;
use crate::files::packing::Packing;
use crate::stores::files::tests::subject::Subject;

fn subject(path: &'static str, codec: Codec, array: bool) -> Subject {
    let config = JsonFormatConfig { packing: Packing { codec, level: None }, ..JsonFormatConfig::new(array) };
    let format = JsonFormat::new(config).expect("a format");
    Subject::of(path, Arc::new(format), move |path| rows_in(path, codec, array))
}

fn rows_in(path: &Path, codec: Codec, array: bool) -> Vec<Row> {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("opens");
    codec.reader(file).expect("begins").read_to_string(&mut text).expect("unpacks");
    let rows: Vec<Value> = if array {
        serde_json::from_str(&text).expect("is JSON")
    } else {
        text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
    };
    let row = |row: &Value| (row["id"].as_i64().expect("a number"), row["name"].as_str().map(str::to_owned));
    rows.iter().map(row).collect()
}

#[test]
fn a_folder_keeps_the_laws() {
    store_laws(|| subject("data/laws", Codec::Plain, false));
}

#[test]
fn a_folder_of_packed_arrays_keeps_the_laws() {
    store_laws(|| subject("data/laws", Codec::Gzip, true));
}

#[test]
fn one_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.ndjson", Codec::Plain, false));
    store_laws(|| subject("data/laws.json", Codec::Plain, true));
}

#[test]
fn one_packed_file_keeps_the_laws() {
    store_laws(|| subject("data/laws.ndjson.gz", Codec::Gzip, false));
    store_laws(|| subject("data/laws.json.zst", Codec::Zstd, true));
    store_laws(|| subject("data/laws.json.lz4", Codec::Lz4, true));
}
