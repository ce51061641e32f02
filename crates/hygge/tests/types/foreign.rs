//! Parquet as its many writers leave it: read whole, or refused by name.

use std::path::Path;
use std::sync::Arc;

use hygge::homes::parquet::ParquetHome;
use hygge_core::flow::{Outcome, verify_entity};
use hygge_core::home::Source;
use hygge_core::{Error, ErrorKind};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::judge::{Judge, keep, python, repository};
use crate::matrix::{folder, read, run, spec};
use crate::stores::Asked;

fn home(root: &Path, name: &str) -> Asked {
    (Arc::new(ParquetHome::new(root, name)), Source::Whole { entity: None })
}

/// The folder with the files of `tests/judge/make_parquet.py`.
fn written_by_others() -> tempfile::TempDir {
    let dir = folder();
    let made = python()
        .arg(repository().join("tests/judge/make_parquet.py"))
        .arg(dir.path())
        .output()
        .expect("the Python of HYGGE_TEST_PYTHON starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    dir
}

fn refusal(root: &Path, name: &str) -> Error {
    let error = read(root, &home(root, name)).expect_err(name);
    assert_eq!(error.kind(), ErrorKind::Refused, "{name}: {error:?}");
    assert!(error.advice().is_some(), "{name}: {error:?}");
    error
}

#[test]
fn files_of_other_writers_are_read_value_by_value() {
    let dir = written_by_others();
    let root = dir.path();
    let mut judge = Judge::new();
    let mut faults = Vec::new();
    let mut files = 0;
    let mut names: Vec<String> = std::fs::read_dir(root)
        .expect("lists")
        .map(|e| e.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    for name in names.iter().filter_map(|name| name.strip_suffix(".arrow")) {
        files += 1;
        match read(root, &home(root, &format!("{name}.parquet"))) {
            Ok(rows) => {
                let found = root.join("found.arrow_file");
                keep(&rows, &found);
                let says =
                    judge.says(&root.join(format!("{name}.arrow")), &format!("arrow:{}", found.display()), false);
                if says != "same" {
                    faults.push(format!("{name}: {says}"));
                }
            }
            Err(error) => faults.push(format!("{name}: {error:?}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(files > 35, "only {files} files");

    for sealed in ["sealed.parquet", "sealed-columns.parquet"] {
        let error = refusal(root, sealed);
        assert!(error.found().starts_with("the file is encrypted"), "{error:?}");
        assert_eq!(error.place(), Some(sealed));
    }
    let months = refusal(root, "interval.parquet");
    assert_eq!(months.place(), Some("column span"));
    assert!(months.found().contains("INTERVAL"), "{months:?}");
    let both = refusal(root, "int96-both/*.parquet");
    assert_eq!(both.place(), Some("column at"));
    assert!(both.found().contains("INT96"), "{both:?}");
    // A column that is not asked for stands in nobody's way.
    let (home, source) = home(root, "int96-both/*.parquet");
    let mut request = hygge_core::home::ReadRequest::all(source);
    request.columns = Some(vec!["id".into()]);
    let ctx = hygge_core::conformance::context(root.to_path_buf());
    assert!(home.open(&ctx, &request).is_ok());
}

/// What older writers (Hive, Avro, Thrift, protobuf) wrote: lists of two levels, repeated fields without a list around
/// them, decimals in bytes, maps by their old name, text that only the old annotation tells.
const OLD: &str = "message old {
    required int64 id;
    optional group two_levels (LIST) { repeated int32 array; }
    optional group tuples (LIST) { repeated group tuples_tuple { required int32 x; } }
    optional group bag (LIST) { repeated group bag { optional int32 array_element; } }
    repeated int32 bare;
    optional group map (MAP_KEY_VALUE) { repeated group map { required binary key (UTF8); optional int32 value; } }
    optional binary in_bytes (DECIMAL(20,3));
    optional fixed_len_byte_array(5) in_fixed (DECIMAL(11,2));
    optional int32 in_int32 (DECIMAL(9,2));
    optional int64 in_int64 (DECIMAL(18,4));
    optional binary text (UTF8);
    optional binary word (ENUM);
    optional binary json (JSON);
    optional int32 at_ms (TIME_MILLIS);
    optional int64 at_us (TIMESTAMP_MICROS);
}";

#[test]
fn shapes_of_older_writers_are_read_as_pyarrow_reads_them() {
    let dir = folder();
    let root = dir.path();
    let path = root.join("old.parquet");
    let schema = Arc::new(parquet::schema::parser::parse_message_type(OLD).expect("a schema"));
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let file = std::fs::File::create(&path).expect("made");
    let mut writer = SerializedFileWriter::new(file, schema, properties).expect("begins");
    let mut group = writer.next_row_group().expect("a row group");
    // Each of three rows: two items, NULL, none.
    macro_rules! column {
        ($t:ty, $values:expr, $defined:expr, $repeated:expr) => {{
            let mut column = group.next_column().expect("fits").expect("a column");
            let (defined, repeated): (Option<&[i16]>, Option<&[i16]>) = ($defined, $repeated);
            column.typed::<$t>().write_batch(&$values, defined, repeated).expect("writes");
            column.close().expect("closes");
        }};
    }
    let bytes = |values: &[&[u8]]| values.iter().map(|v| ByteArray::from(v.to_vec())).collect::<Vec<_>>();
    let lists: (Option<&[i16]>, Option<&[i16]>) = (Some(&[2, 2, 0, 1]), Some(&[0, 1, 0, 0]));
    let some: Option<&[i16]> = Some(&[1, 0, 1]);
    column!(Int64Type, [0, 1, 2], None, None);
    column!(Int32Type, [1, 2], lists.0, lists.1);
    column!(Int32Type, [3, 4], lists.0, lists.1);
    column!(Int32Type, [5], Some(&[3, 2, 0, 1]), lists.1);
    column!(Int32Type, [6, 7], Some(&[1, 1, 0, 0]), lists.1);
    column!(ByteArrayType, bytes(&[b"a", b"b"]), lists.0, lists.1);
    column!(Int32Type, [8], Some(&[3, 2, 0, 1]), lists.1);
    column!(ByteArrayType, bytes(&[b"\x01\x00", b"\xff"]), some, None);
    let fixed: Vec<FixedLenByteArray> =
        bytes(&[b"\0\0\0\0\x6e", b"\xff\xff\xff\xff\xfb"]).into_iter().map(Into::into).collect();
    column!(FixedLenByteArrayType, fixed, some, None);
    column!(Int32Type, [110, -5], some, None);
    column!(Int64Type, [i64::from(i32::MAX) * 1000, -5], some, None);
    column!(ByteArrayType, bytes(&["𝄞".as_bytes(), b""]), some, None);
    column!(ByteArrayType, bytes(&[b"even", b"odd"]), some, None);
    column!(ByteArrayType, bytes(&[b"{}", b"[1]"]), some, None);
    column!(Int32Type, [86_399_999, 0], some, None);
    column!(Int64Type, [-1, 1], some, None);
    group.close().expect("closes");
    writer.close().expect("closes");

    let rows = read(root, &home(root, "old.parquet")).expect("reads");
    let types: Vec<String> = rows.schema().fields().iter().map(|f| f.data_type().to_string()).collect();
    assert_eq!(rows.num_rows(), 3);
    assert_eq!(types[6..10], ["Decimal128(20, 3)", "Decimal128(11, 2)", "Decimal128(9, 2)", "Decimal128(18, 4)"]);
    assert!(types[1..5].iter().all(|found| found.starts_with("List(")), "{types:?}");
    let found = root.join("found.arrow_file");
    keep(&rows, &found);
    assert_eq!(Judge::new().says(&found, &format!("parquet:{}", path.display()), false), "same");
}

/// Files come one by one; what can be read in either unit is read in that of the first load.
#[test]
fn the_unit_of_int96_stays_that_of_the_first_load() {
    let made = written_by_others();
    for (first, second, unit) in [("int96-far", "int96", "Timestamp(µs)"), ("int96", "int96-spark", "Timestamp(ns)")] {
        let dir = folder();
        let root = dir.path();
        let put = |name: &str| {
            // Of the columns only those that all have.
            let script = "import sys, pyarrow.parquet as p; t = p.read_table(sys.argv[1], coerce_int96_timestamp_unit='us'); \
                          c = 'at' if 'at' in t.column_names else 'us'; \
                          p.write_table(t.select(['id', c]).rename_columns(['id', 'at']).slice(3 if sys.argv[3] else 0), sys.argv[2], \
                          use_deprecated_int96_timestamps=True, store_schema=False)";
            let from = made.path().join(format!("{name}.parquet"));
            std::fs::create_dir_all(root.join("in")).expect("a folder");
            let later = if name == second { "later" } else { "" };
            let to = root.join("in").join(format!("{name}.parquet"));
            let ran = python().args(["-c", script]).args([&from, &to]).arg(later).output().expect("runs");
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        };
        let store = Arc::new(hygge::stores::files::FileStore::new(
            root,
            "lake",
            Arc::new(hygge::files::parquet::ParquetFormat::default()),
        ));
        let mut spec = spec(home(root, "in").0, store);
        spec.settling = hygge_core::flow::Settling::Append;
        for name in [first, second] {
            put(name);
            let Outcome::Settled(settled) = run(root, &spec) else { panic!("{name} did not settle") };
            assert_eq!(settled.receipt.schema.field(1).data_type().to_string(), unit, "{name}");
        }
        let ctx = hygge_core::conformance::context(root.to_path_buf());
        assert!(verify_entity(&ctx, &spec).expect("reads").holds());
    }
}
