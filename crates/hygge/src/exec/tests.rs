//! The laws of the contract on programs, and streams that are none.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{Endianness, MessageHeader, MetadataVersion};
use hygge_core::conformance::{
    HomeUnderTest, Row, StoreUnderTest, batch, home_laws, rows, rows_of, schema, store_laws,
};
use hygge_core::home::{Home, Source};
use hygge_core::simple::UnstagedStore;
use hygge_core::store::Store;

use super::*;
use crate::config::{Argument, Exec};
use crate::homes::exec::ExecHome;
use crate::stores::exec::ExecStore;

fn exec(command: &[&str]) -> Exec {
    let argument = |text: &&str| Argument { text: (*text).to_owned(), written: None };
    Exec { command: command.iter().map(argument).collect(), env: Vec::new(), replaces: false }
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &schema()).expect("a stream");
    for batch in batches {
        writer.write(batch).expect("written");
    }
    writer.finish().expect("ended");
    writer.into_inner().expect("bytes")
}

/// `cat` of a file that holds a stream.
struct Cat {
    folder: tempfile::TempDir,
    home: ExecHome,
}

impl HomeUnderTest for Cat {
    fn home(&self) -> &dyn Home {
        &self.home
    }

    fn source(&self) -> Source {
        Source::Whole { entity: None }
    }

    fn fill(&self, rows: &[Row]) {
        let batches: Vec<_> = rows.chunks(700).map(batch).collect();
        std::fs::write(self.folder.path().join("rows.arrows"), stream(&batches)).expect("written");
    }

    fn follows_id(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        listing(self.folder.path())
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }
}

fn listing(folder: &Path) -> String {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("listed")
        .flatten()
        .map(|entry| format!("{:?} {}", entry.file_name(), entry.metadata().map_or(0, |meta| meta.len())))
        .collect();
    names.sort();
    names.join("\n")
}

#[test]
fn a_program_that_writes_keeps_the_laws_of_homes() {
    home_laws(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let home = ExecHome::new(folder.path(), &exec(&["cat", "rows.arrows"]), None);
        Cat { folder, home }
    });
}

/// Python that keeps the rows it takes in a file.
struct Kept {
    folder: tempfile::TempDir,
    replaces: bool,
}

const KEEPS: &str = r#"
import json, sys
import pyarrow as pa
rows = 0
with pa.ipc.open_stream(sys.stdin.buffer) as stream, open("kept.ndjson", sys.argv[1]) as out:
    for batch in stream:
        out.writelines(json.dumps([row["id"], row["name"]]) + "\n" for row in batch.to_pylist())
        rows += batch.num_rows
print(json.dumps({"rows": rows}))
"#;

impl StoreUnderTest for Kept {
    fn store(&self) -> Arc<dyn Store> {
        let python = std::env::var("HYGGE_TEST_PYTHON").expect("HYGGE_TEST_PYTHON is set by ./test");
        let mode = if self.replaces { "w" } else { "a" };
        let program = Exec { replaces: self.replaces, ..exec(&[&python, "-c", KEEPS, mode]) };
        Arc::new(UnstagedStore::new(ExecStore::new(self.folder.path(), &program, None)))
    }

    fn visible(&self) -> Option<Vec<Row>> {
        let text = std::fs::read_to_string(self.folder.path().join("kept.ndjson")).ok()?;
        Some(text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect())
    }

    fn lose_lock(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        listing(self.folder.path())
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }
}

#[test]
fn a_program_that_reads_keeps_the_laws_of_stores_without_staging() {
    for replaces in [false, true] {
        store_laws(|| Kept { folder: tempfile::tempdir().expect("a folder"), replaces });
    }
}

/// Where rows are read and written in two threads, the one would wait for the other for as long as a program hangs.
#[test]
fn a_store_that_panics_ends_a_program_that_hangs() {
    use hygge_core::coordinator::{RunOptions, run};
    use hygge_core::flow::{Entities, EntitySpec, FlowSpec, Missing, Outcome, Settling, Verify};
    use hygge_core::receipt::Owner;
    use hygge_core::simple::SimpleStore;

    let folder = tempfile::tempdir().expect("a folder");
    let rows = stream(&[batch(&rows(0, 20))]);
    std::fs::write(folder.path().join("rows.arrows"), &rows[..rows.len() - 8]).expect("written");
    let program = exec(&["sh", "-c", "cat rows.arrows; sleep 600"]);
    let panics = |_: &RecordBatch| -> hygge_core::Result<()> { panic!("nobody expects this") };
    let spec = EntitySpec {
        owner: Owner { project: "p".into(), flow: "f".into(), entity: None },
        formerly: None,
        home: Arc::new(ExecHome::new(folder.path(), &program, None)),
        source: Source::Whole { entity: None },
        columns: None,
        filter: None,
        store: Arc::new(SimpleStore::replacing("panics", "panics", panics)),
        settling: Settling::Replace,
        incremental: false,
        cursor: None,
        key: Vec::new(),
        full: false,
        force: false,
        every_run: false,
        batch_rows: 16,
        readers: None,
        verify: Verify::Counted,
        missing: Missing::Error,
        adopt: false,
        retries: 0,
        // Else it would end with the program.
        timeout: Some(std::time::Duration::from_mins(5)),
    };
    let flow = FlowSpec { name: "f".into(), depends_on: Vec::new(), entities: Entities::Listed(vec![spec]) };
    let ctx = hygge_core::conformance::context(folder.path().to_path_buf());
    let report = run(&ctx, &[flow], RunOptions { concurrency: 2, fail_fast: false }, None);
    let Some(Outcome::Failed(error)) = report.ended.first().map(|ended| &ended.outcome) else { panic!("it failed") };
    assert!(error.found().contains("nobody expects this"), "{error:?}");
}

fn read(bytes: &[u8]) -> Result<Vec<Row>, Broken> {
    let mut stream = IpcStream::open(Cursor::new(bytes))?;
    let mut found = Vec::new();
    while let Some(message) = stream.announced()? {
        if let Some(batch) = stream.read(&message)? {
            found.extend(rows_of(&batch));
        }
    }
    assert!(!stream.has_more(), "the end is the end");
    Ok(found)
}

#[test]
fn every_beginning_of_a_stream_is_too_short() {
    let whole = stream(&[batch(&rows(0, 20)), batch(&rows(20, 30))]);
    assert_eq!(read(&whole).expect("whole"), rows(0, 30));
    assert!(matches!(read(&[]), Err(Broken::Nothing)));
    for length in 1..whole.len() {
        let broken = read(&whole[..length]).expect_err("cut");
        assert!(matches!(broken, Broken::Short(_)), "{length} of {} bytes: {broken:?}", whole.len());
    }
}

/// Whatever is changed in a stream is an error or other rows, never a panic and never memory without end.
#[test]
fn a_stream_with_a_changed_byte_is_read_or_refused() {
    let whole = stream(&[batch(&rows(0, 20))]);
    let mut refused = 0;
    for at in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            // A body that is said to be longer than the budget would be refused before it is read.
            let said = IpcStream::open(Cursor::new(&bytes)).and_then(|mut stream| stream.announced());
            if matches!(&said, Ok(Some(message)) if message.bytes > whole.len()) {
                continue;
            }
            let outcome = std::panic::catch_unwind(|| {
                let mut stream = IpcStream::open(Cursor::new(&bytes))?;
                while let Some(message) = stream.announced()? {
                    if message.bytes > bytes.len() {
                        return Err(Broken::Nothing);
                    }
                    stream.read(&message)?;
                }
                Ok(())
            });
            refused += usize::from(outcome.expect("no panic leaves the reader").is_err());
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn the_fuzzing_corpus_of_streams_is_survived() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/ipc");
    let (mut whole, mut broken) = (0, 0);
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("a file");
        let read = || -> Result<(), Broken> {
            let mut stream = IpcStream::open(Cursor::new(&bytes))?;
            while let Some(message) = stream.announced()? {
                if message.bytes.saturating_add(stream.kept_bytes()) > 1 << 20 {
                    return Err(Broken::Nothing);
                }
                for column in stream.read(&message)?.iter().flat_map(RecordBatch::columns) {
                    column.to_data().validate_full().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                }
            }
            Ok(())
        };
        match read() {
            Ok(()) => whole += 1,
            Err(_) => broken += 1,
        }
    }
    assert!(whole > 10 && broken > 10, "{whole} whole, {broken} broken");
}

/// A stream of no columns, in an order of bytes and a version of the format.
fn begun(order: Endianness, version: MetadataVersion) -> Vec<u8> {
    let mut builder = flatbuffers::FlatBufferBuilder::new();
    let fields = builder.create_vector::<flatbuffers::WIPOffset<arrow_ipc::Field<'_>>>(&[]);
    let mut schema = arrow_ipc::SchemaBuilder::new(&mut builder);
    schema.add_endianness(order);
    schema.add_fields(fields);
    let schema = schema.finish();
    let mut message = arrow_ipc::MessageBuilder::new(&mut builder);
    message.add_version(version);
    message.add_header_type(MessageHeader::Schema);
    message.add_header(schema.as_union_value());
    let message = message.finish();
    builder.finish(message, None);
    let head = builder.finished_data();
    let length = u32::try_from(head.len()).expect("short");
    let end = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    [&[0xff; 4][..], &length.to_le_bytes(), head, &end].concat()
}

/// The same words would be read as other numbers.
#[test]
fn streams_of_another_order_or_age_are_refused() {
    assert!(read(&begun(Endianness::Little, MetadataVersion::V5)).expect("sound").is_empty());
    for (bytes, says) in [
        (begun(Endianness::Big, MetadataVersion::V5), "its bytes are ordered the other way round"),
        (begun(Endianness::Little, MetadataVersion::V3), "a message is of a version that is not known"),
    ] {
        let broken = read(&bytes).expect_err("other words");
        assert!(broken.found().contains(says), "{broken:?}");
    }
}

#[test]
fn rubbish_is_told_from_a_stream() {
    for rubbish in
        ["Traceback (most recent call last):\n", "id,name\n1,x\n", "\u{0}\u{0}\u{0}\u{0}", "PAR1PAR1PAR1PAR1"]
    {
        let broken = IpcStream::open(Cursor::new(rubbish.as_bytes())).err().expect("rubbish");
        assert!(matches!(broken, Broken::Rubbish(_)), "{broken:?}");
    }
}
