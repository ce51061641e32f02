use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, RecordBatch};
use hygge_core::budget::Budget;
use hygge_core::conformance::{Row, context, home_laws};
use hygge_core::home::{ReadRequest, Scan, Source};
use hygge_core::{Advice, ErrorKind, Part};

use super::container::{put_header, put_number};
use super::*;
use crate::homes::files::fuzzed::{Said, replay};
use crate::homes::files::tests::{self as frame, Subject, scan};

const SYNC: [u8; 16] = *b"sixteen bytes to";
const TABLE: &str = r#"{"type": "record", "name": "t", "fields": [
    {"name": "id", "type": "long"}, {"name": "name", "type": ["null", "string"]}]}"#;

/// A container of blocks that are given by their rows and their bytes.
fn container(schema: &str, blocks: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    put_header(&mut out, schema, SYNC);
    for (rows, bytes) in blocks {
        put_number(&mut out, *rows);
        put_number(&mut out, bytes.len() as u64);
        out.extend_from_slice(bytes);
        out.extend_from_slice(&SYNC);
    }
    out
}

/// A number, below zero too.
fn long(out: &mut Vec<u8>, number: i64) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    loop {
        let byte = u8::try_from(rest & 0x7f).expect("seven bits");
        rest >>= 7;
        if rest == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    long(out, i64::try_from(text.len()).expect("fits"));
    out.extend_from_slice(text.as_bytes());
}

fn block(rows: &[Row]) -> (u64, Vec<u8>) {
    let mut out = Vec::new();
    for (id, name) in rows {
        long(&mut out, *id);
        long(&mut out, i64::from(name.is_some()));
        if let Some(name) = name {
            text(&mut out, name);
        }
    }
    (rows.len() as u64, out)
}

fn write(root: &Path, name: &str, bytes: &[u8]) {
    std::fs::create_dir_all(root.join("raw")).expect("a folder");
    std::fs::write(root.join("raw").join(name), bytes).expect("writes");
}

fn subject() -> Subject<AvroHome> {
    let home = |root: &Path| AvroHome::new(root, "raw");
    Subject::new(home, |raw, i, rows| {
        let blocks: Vec<_> = rows.chunks(90).map(block).collect();
        std::fs::write(raw.join(format!("{i}.avro")), container(TABLE, &blocks)).expect("writes");
    })
}

#[test]
fn the_home_keeps_the_laws() {
    home_laws(subject);
}

fn request() -> ReadRequest {
    ReadRequest { readers: 4, ..ReadRequest::all(Source::Whole { entity: None }) }
}

fn open(root: &Path, request: &ReadRequest) -> Result<Box<dyn Scan>> {
    scan(&AvroHome::new(root, "raw"), root, request)
}

fn refusal(root: &Path) -> Error {
    open(root, &request()).err().expect("must fail")
}

fn batches(scan: &dyn Scan, ctx: &Context) -> Result<Vec<RecordBatch>> {
    frame::batches(scan, ctx).map(|splits| splits.concat())
}

fn fields(fields: &str) -> String {
    format!(r#"{{"type": "record", "name": "t", "namespace": "a.b", "fields": [{fields}]}}"#)
}

#[test]
fn a_field_of_several_types_is_refused_and_can_be_left_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let schema = fields(
        r#"{"name": "id", "type": "long"},
           {"name": "both", "type": {"type": "array", "items": ["int", "string"]}},
           {"name": "kind", "type": {"type": "enum", "name": "k", "symbols": ["a", "b"]}}"#,
    );
    let mut bytes = Vec::new();
    for id in 0..3 {
        long(&mut bytes, id);
        bytes.extend_from_slice(&[2, 2, 2, b'x', 0]);
        long(&mut bytes, id % 2);
    }
    write(dir.path(), "a.avro", &container(&schema, &[(3, bytes)]));
    let error = refusal(dir.path());
    assert_eq!((error.kind(), error.place()), (ErrorKind::Refused, Some("raw/a.avro, column both")));
    let line = "columns: [id, kind]".to_owned();
    assert_eq!(error.advice(), Some(&Advice::Set { part: Part::Home, line }));
    let chosen = ReadRequest { columns: Some(vec!["kind".into(), "id".into()]), ..request() };
    let scan = open(dir.path(), &chosen).expect("opens");
    let found = batches(&*scan, &context(dir.path().to_path_buf())).expect("reads");
    assert_eq!(found[0].column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "b", "a"]);
    assert_eq!(found[0].column(1).as_primitive::<Int64Type>().values(), &[0, 1, 2]);
}

#[test]
fn what_is_no_table_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let nested = r#"{"name": "left", "type": ["null", "a.b.t"]}"#;
    for (schema, says) in [
        (fields(nested), "holds itself"),
        (fields(&nested.replace("a.b.t", "t")), "holds itself"),
        ("\"int\"".to_owned(), "records"),
        ("{".to_owned(), "not readable"),
        (fields(""), "without a field"),
    ] {
        write(dir.path(), "a.avro", &container(&schema, &[]));
        let error = refusal(dir.path());
        assert!(error.found().contains(says) && error.place() == Some("raw/a.avro"), "{error:?}");
    }
    let other = container(TABLE, &[]).into_iter().collect::<Vec<_>>();
    let mut packed = other.clone();
    packed.truncate(4);
    put_number(&mut packed, 2);
    for entry in ["avro.schema", TABLE, "avro.codec", "lzo"] {
        text(&mut packed, entry);
    }
    packed.push(0);
    packed.extend_from_slice(&SYNC);
    write(dir.path(), "a.avro", &packed);
    assert!(refusal(dir.path()).found().contains("\"lzo\""));
    for bytes in [&b"id,name\n"[..], b"", &other[..other.len() - 5]] {
        write(dir.path(), "a.avro", bytes);
        let error = refusal(dir.path());
        assert!(error.kind() == ErrorKind::Refused && error.advice().is_some(), "{error:?}");
    }
}

#[test]
fn damage_is_an_error_or_harmless_and_never_silent_about_rows() {
    let dir = tempfile::tempdir().expect("a folder");
    let rows: Vec<Row> = (0..400).map(|id| (id, Some(format!("row {id}")))).collect();
    let whole = container(TABLE, &rows.chunks(50).map(block).collect::<Vec<_>>());
    let ctx = context(dir.path().to_path_buf());
    for cut in [whole.len() - 1, whole.len() - 17, whole.len() / 2] {
        write(dir.path(), "a.avro", &whole[..cut]);
        assert!(refusal(dir.path()).found().contains("ends in the middle"), "{cut}");
    }
    let mut seed = 7_u64;
    for _ in 0..300 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut bytes = whole.clone();
        let at = usize::try_from(seed >> 33).expect("fits") % bytes.len();
        bytes[at] ^= u8::try_from(seed >> 56).expect("fits") | 1;
        write(dir.path(), "a.avro", &bytes);
        let Ok(scan) = open(dir.path(), &request()) else { continue };
        let Ok(found) = batches(&*scan, &ctx) else { continue };
        assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 400, "a block has the rows it says");
    }
}

#[test]
fn uuids_in_texts_stay_texts_and_large_blocks_are_admitted_and_cut() {
    let dir = tempfile::tempdir().expect("a folder");
    let schema = fields(
        r#"{"name": "u", "type": {"type": "string", "logicalType": "uuid"}}, {"name": "body", "type": "bytes"}"#,
    );
    let id = "0F6D3C2A-9A3E-4B57-8E2B-0A6F9E1B7C55";
    let mut bytes = Vec::new();
    for _ in 0..300 {
        text(&mut bytes, id);
        text(&mut bytes, &"x".repeat(20_000));
    }
    write(dir.path(), "a.avro", &container(&schema, &[(300, bytes)]));
    let scan = open(dir.path(), &request()).expect("opens");
    let ctx = context(dir.path().to_path_buf());
    let found = batches(&*scan, &ctx).expect("reads");
    assert!(found.iter().all(|batch| batch.column(0).as_string::<i32>().iter().all(|text| text == Some(id))));
    assert!(found.len() > 3 && found.iter().all(|batch| batch.column(1).null_count() == 0));
    let small = Context { budget: Budget::new(16 << 20, 2).expect("enough"), ..ctx };
    let error = batches(&*scan, &small).expect_err("too large");
    assert!(error.found().contains("an Avro block of"), "{error:?}");
    assert_eq!(Arc::clone(&scan.schema()).field(1).data_type(), &DataType::Binary);
}

#[test]
fn fields_without_a_value_and_those_of_one_type_in_brackets_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let ctx = context(dir.path().to_path_buf());
    let schema = fields(
        r#"{"name": "nothing", "type": "null"}, {"name": "id", "type": "long"},
           {"name": "only", "type": ["string"]}, {"name": "last", "type": "null"}"#,
    );
    write(dir.path(), "a.avro", &container(&schema, &[(2, b"\x02\x00\x02a\x04\x00\x02b".to_vec()), (0, vec![])]));
    let scan = open(dir.path(), &request()).expect("opens");
    let found = batches(&*scan, &ctx).expect("reads");
    assert_eq!(found[0].schema().field(0).data_type(), &DataType::Null);
    assert_eq!(found[0].column(1).as_primitive::<Int64Type>().values(), &[1, 2]);
    assert_eq!(found[0].column(2).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((found[0].column(3).len(), found[0].column(3).logical_null_count()), (2, 2));
    // Columns may be asked for in any order, and of nothing but NULLs.
    for (asked, rows) in [(["last", "id"], 2), (["last", "nothing"], 2)] {
        let asked = ReadRequest { columns: Some(asked.map(String::from).to_vec()), ..request() };
        let scan = open(dir.path(), &asked).expect("opens");
        assert_eq!(batches(&*scan, &ctx).expect("reads")[0].num_rows(), rows);
    }
    let empty = fields(r#"{"name": "nothing", "type": "null"}"#);
    write(dir.path(), "a.avro", &container(&empty, &[(3, vec![]), (4, vec![])]));
    let scan = open(dir.path(), &request()).expect("opens");
    assert_eq!(batches(&*scan, &ctx).expect("reads").iter().map(RecordBatch::num_rows).sum::<usize>(), 7);
    for (rows, bytes) in [(1 << 40, vec![]), (1, vec![0])] {
        write(dir.path(), "a.avro", &container(&empty, &[(rows, bytes)]));
        let scan = open(dir.path(), &request()).expect("opens");
        assert!(batches(&*scan, &ctx).expect_err("damaged").found().contains("damaged"));
    }
    write(dir.path(), "a.avro", &container(&schema, &[(0, vec![2])]));
    assert!(refusal(dir.path()).found().contains("damaged"), "bytes of no row");
    let inside = fields(r#"{"name": "list", "type": {"type": "array", "items": "null"}}"#);
    write(dir.path(), "a.avro", &container(&inside, &[(1, vec![0])]));
    assert_eq!(refusal(dir.path()).place(), Some("raw/a.avro, column list"));
}

#[test]
fn only_the_columns_that_are_asked_for_are_decoded() {
    let dir = tempfile::tempdir().expect("a folder");
    let ctx = context(dir.path().to_path_buf());
    // A type is defined in a field that is not asked for, and named in one that is.
    let schema = fields(
        r#"{"name": "who", "type": {"type": "record", "name": "w", "fields": [
             {"name": "name", "type": "string"},
             {"name": "kind", "type": {"type": "enum", "name": "k", "symbols": ["p", "q"]}}]}},
           {"name": "id", "type": "long"},
           {"name": "all", "type": {"type": "array", "items": "w"}},
           {"name": "kind", "type": ["null", "a.b.k"]}"#,
    );
    let mut bytes = Vec::new();
    for id in 0..3 {
        // A text that is none: nobody looks at it.
        bytes.extend_from_slice(b"\x02\xff\x00");
        long(&mut bytes, id);
        bytes.extend_from_slice(b"\x02\x02x\x02\x00");
        bytes.extend_from_slice(if id == 1 { b"\x00" } else { b"\x02\x02" });
    }
    write(dir.path(), "a.avro", &container(&schema, &[(3, bytes)]));
    let asked = |names: &[&str]| {
        let columns = Some(names.iter().map(|&name| name.to_owned()).collect());
        open(dir.path(), &ReadRequest { columns, ..request() }).expect("opens")
    };
    let scan = asked(&["kind", "all", "id"]);
    let found = batches(&*scan, &ctx).expect("reads");
    assert_eq!(found[0].column(0).as_string::<i32>().iter().collect::<Vec<_>>(), [Some("q"), None, Some("q")]);
    let inside = found[0].column(1).as_list::<i32>().values().as_struct().clone();
    assert_eq!(inside.column(1).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["q", "q", "q"]);
    assert_eq!(found[0].column(2).as_primitive::<Int64Type>().values(), &[0, 1, 2]);
    assert_eq!(batches(&*asked(&["id"]), &ctx).expect("reads")[0].num_columns(), 1);
    assert!(batches(&*asked(&["who"]), &ctx).is_err(), "and here somebody does");
}

#[test]
fn rows_that_are_large_only_in_memory_are_admitted_by_what_they_become() {
    let dir = tempfile::tempdir().expect("a folder");
    let ctx = context(dir.path().to_path_buf());
    // A byte each, and 4 KiB once it is decoded.
    let schema = fields(
        r#"{"name": "id", "type": "int"}, {"name": "b", "type": ["null", {"type": "fixed", "name": "f", "size": 4096}]}"#,
    );
    let of = |rows: u64| (rows, b"\x02\x00".repeat(usize::try_from(rows).expect("few")));
    write(dir.path(), "a.avro", &container(&schema, &[of(20_000)]));
    let scan = open(dir.path(), &request()).expect("opens");
    let error = batches(&*scan, &ctx).expect_err("too large");
    assert!(error.found().starts_with("an Avro block of 157 MiB"), "{error:?}");
    let narrow = ReadRequest { columns: Some(vec!["id".into()]), ..request() };
    let scan = open(dir.path(), &narrow).expect("opens");
    assert_eq!(batches(&*scan, &ctx).expect("fits").iter().map(RecordBatch::num_rows).sum::<usize>(), 20_000);
    // Small blocks are put together only as far as what they become is a batch.
    write(dir.path(), "a.avro", &container(&schema, &vec![of(50); 400]));
    let scan = open(dir.path(), &ReadRequest { readers: 1, ..request() }).expect("opens");
    let found = batches(&*scan, &ctx).expect("fits");
    let largest = found.iter().map(hygge_core::cut::Cut::size).max().expect("some");
    assert!(largest <= 2 << 20, "{largest}");
}

#[test]
fn the_fuzzing_corpus_of_avro_holds() {
    replay("avro", "any.avro", |root| AvroHome::new(root, "any.avro"), Said::Counted, (20, 10));
}
