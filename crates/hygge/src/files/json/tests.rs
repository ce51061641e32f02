use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use hygge_core::Error;
use hygge_core::budget::Budget;
use hygge_core::context::{Cancellation, Context, SplitContext, SystemClock};
use hygge_core::event::Silent;
use hygge_core::home::BatchStream as _;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::blocks::{Blocks, Ending, Layout, Next};
use super::columns::Form;
use super::complaint::Complaints;
use super::infer::{Objects, Telling};
use super::keys::{ESCAPED, Keys, Members};
use super::lexer::{Wrong, pass, unescape};
use super::piece::{Kind, Piece};
use super::render::text_into;
use super::stream::{JsonStream, Reading};
use crate::files::codec::{Codec, Said};
use crate::files::listing::PinnedFile;

pub(crate) fn split(rows: usize, memory: usize) -> SplitContext {
    let budget = Budget::new(memory, 4).expect("enough");
    let run = Context {
        run: "run".into(),
        root: Arc::new("/".into()),
        budget: Arc::clone(&budget),
        cancel: Cancellation::default(),
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
    };
    let share = budget.share(&run.cancel).expect("a share");
    SplitContext { run, share, attempt: 1, batch_rows: rows, bytes_read: Arc::default() }
}

fn pieced(dir: &Path, text: &[u8], kind: Kind) -> Piece {
    let path = dir.join("rows.json");
    std::fs::write(&path, text).expect("writes");
    Piece::whole(PinnedFile::pin(&path, "rows.json".into()).expect("is there"), (Codec::Plain, Said::Name), kind)
        .expect("is text")
}

/// The type of every column, told from all rows.
fn reading(piece: &Piece) -> Result<Reading, Error> {
    let mut objects = Objects::default();
    let mut blocks = piece.sample(u64::MAX, 1 << 20)?;
    let complaints = Complaints::default();
    let mut rows = 0;
    loop {
        let mut look = |bytes: &[u8], at: usize| objects.look::<false>(bytes, at);
        match blocks.next(usize::MAX, &mut look, &mut |_| Ok(())).expect("reads") {
            Next::Rows(more) => rows += more as u64,
            Next::Bad(bad) => return Err(complaints.bad(piece, rows + 1, blocks.bytes(), blocks.row_begin(), bad)),
            Next::End | Next::TooLarge { .. } => break,
        }
    }
    let told: Vec<_> = objects.iter().map(|(key, seen)| (key, seen.told(Telling::default()))).collect();
    let fields: Vec<Field> = told.iter().map(|(key, told)| Field::new(*key, told.data_type.clone(), true)).collect();
    Ok(Reading {
        schema: Arc::new(Schema::new(fields)),
        strict: vec![true; told.len()].into(),
        forms: told.into_iter().map(|(_, told)| told.form).collect(),
        unread: Arc::new([]),
        others: false,
        complaints,
    })
}

fn read_by(reading: &Reading, piece: &Piece) -> Result<RecordBatch, Error> {
    let mut stream = JsonStream::new(reading.clone(), vec![piece.clone()], &split(3, 64 << 20))?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next()? {
        batches.push(batch.rows);
    }
    Ok(arrow_select::concat::concat_batches(&reading.schema, &batches)?)
}

fn read(text: &str, kind: Kind) -> Result<(Reading, RecordBatch), Error> {
    let dir = tempfile::tempdir().expect("a folder");
    let piece = pieced(dir.path(), text.as_bytes(), kind);
    let reading = reading(&piece)?;
    let rows = read_by(&reading, &piece)?;
    Ok((reading, rows))
}

/// Each row as `serde_json` reads what we write of it.
pub(crate) fn values_of(rows: &RecordBatch, forms: &[Form]) -> Vec<Map<String, Value>> {
    let mut out = vec![Map::new(); rows.num_rows()];
    for ((array, field), form) in rows.columns().iter().zip(rows.schema().fields()).zip(forms) {
        let mut rendered = crate::files::cell::writing::Rendered::default();
        super::render::render(array, &mut rendered).expect("renders");
        for (row, out) in out.iter_mut().enumerate() {
            let value = serde_json::from_slice(rendered.of(row)).expect("is JSON");
            out.insert(field.name().clone(), plain(value, form));
        }
    }
    out
}

/// Texts that are JSON as what they say.
fn plain(value: Value, form: &Form) -> Value {
    match (value, form) {
        (Value::String(text), Form::Json) => serde_json::from_str(&text).expect("is JSON"),
        (Value::Array(items), Form::Nested(forms)) => {
            items.into_iter().map(|item| plain(item, forms.first().unwrap_or(&Form::Values))).collect()
        }
        (Value::Object(map), Form::Nested(forms)) => {
            map.into_iter().zip(forms).map(|((key, value), form)| (key, plain(value, form))).collect()
        }
        (value, _) => value,
    }
}

/// Without members that are null, and with one form of each number.
fn bare(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), bare(v))).collect(),
        Value::Array(items) => items.iter().map(bare).collect(),
        Value::Number(n) if n.is_f64() && n.as_f64().is_some_and(|v| v.fract() == 0.0 && v.abs() < 1e15) => {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
            let n = n.as_f64().unwrap_or_default() as i64;
            json!(n)
        }
        other => other.clone(),
    }
}

fn nasty() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u0041\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\udc00\"",
        "\"\\x\"",
        "\"\\\"\"",
        "1",
        "-",
        "0",
        "-0",
        "01",
        ".5",
        "1.5",
        "5.",
        "e",
        "1e5",
        "1E+5",
        "1e",
        "null",
        "nul",
        "true",
        "false",
        " ",
        "\n",
        "\t",
        "\"",
        "\\",
        "\"\u{1}\"",
        "é",
        "\"é, and a text longer than eight bytes\"",
        "NaN",
    ]);
    prop::collection::vec(token, 1..9).prop_map(|tokens| tokens.concat())
}

/// Values without numbers that cannot be compared, and without texts that look like times.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000_i64..1000).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // With few digits, since serde_json rounds others twice.
        (-8_000_000..8_000_000_i32).prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
        "[a-z\"\\\\\n\u{1}é😀/]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c\"é]{1,2}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn row() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(("[a-d]", value()), 0..5).prop_map(|members| members.into_iter().collect())
}

fn is_json(text: &str) -> bool {
    match serde_json::from_str::<Value>(text) {
        Ok(_) => true,
        Err(error) if error.to_string().contains("number out of range") => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
        }
        Err(_) => false,
    }
}

fn is_passed(text: &str) -> bool {
    let text = format!("{}\n", text.trim_start_matches([' ', '\n', '\t', '\r']));
    match pass::<false>(text.as_bytes(), 0, 0) {
        Ok(passed) => text.as_bytes()[passed.end..].trim_ascii().is_empty(),
        Err(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn json_is_what_serde_takes(text in nasty()) {
        prop_assert_eq!(is_passed(&text), is_json(&text), "{}", text);
    }

    #[test]
    fn json_with_a_mistake_is_what_serde_takes(value in value(), at: prop::sample::Index, with in nasty(), take in 0_usize..3) {
        let mut text: Vec<char> = value.to_string().chars().collect();
        let at = at.index(text.len());
        let end = (at + take).min(text.len());
        text.splice(at..end, with.chars());
        let text: String = text.into_iter().collect();
        prop_assert_eq!(is_passed(&text), is_json(&text), "{}", text);
    }

    #[test]
    fn texts_are_written_and_read_as_serde_does(text: String) {
        let mut ours = Vec::new();
        text_into(text.as_bytes(), &mut ours);
        prop_assert_eq!(serde_json::from_slice::<String>(&ours).unwrap(), text.clone());
        let theirs = serde_json::to_vec(&text).unwrap();
        prop_assert_eq!(&ours, &theirs);
        let mut back = Vec::new();
        unescape(&theirs[1..theirs.len() - 1], &mut back);
        prop_assert_eq!(back, text.as_bytes());
    }

    #[test]
    fn rows_are_read_as_serde_reads_them(rows in prop::collection::vec(row(), 1..9), way in 0..4) {
        let each: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect();
        let (text, kind) = match way {
            0 => (each.join("\n"), Kind::Lines),
            1 => (format!("\u{feff}{}\r\n\n", each.join(" \r\n")), Kind::Any),
            2 => (format!(" [{}]\n", each.join(" , ")), Kind::Any),
            _ => (serde_json::to_string_pretty(&rows).unwrap(), Kind::Any),
        };
        if rows.iter().all(Map::is_empty) {
            return Ok(());
        }
        let (reading, found) = read(&text, kind).expect("reads");
        let found = values_of(&found, &reading.forms);
        prop_assert_eq!(found.len(), rows.len());
        for (found, row) in found.into_iter().zip(rows) {
            prop_assert_eq!(bare(&Value::Object(found)), bare(&Value::Object(row)));
        }
    }

    #[test]
    fn blocks_of_any_size_find_the_same(
        rows in prop::collection::vec(row(), 0..6),
        mistake in prop::option::of((any::<prop::sample::Index>(), nasty())),
        array: bool,
        block in 1_usize..40,
        most in 1_usize..4,
    ) {
        let each: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect();
        let mut text = if array { format!("[{}]", each.join(",\n")) } else { each.join("\n") };
        if let Some((at, with)) = mistake {
            let all: Vec<char> = text.chars().collect();
            let at = at.index(all.len() + 1);
            text = all[..at].iter().copied().chain(with.chars()).chain(all[at..].iter().copied()).collect();
        }
        for layout in [Layout::Lines, Layout::Free, Layout::Array] {
            let whole = found(text.as_bytes(), layout, 1 << 16, usize::MAX);
            prop_assert_eq!(found(text.as_bytes(), layout, block, most), whole, "{:?} {}", layout, text);
        }
    }
}

/// Yields a few bytes at a time, and is interrupted now and then.
struct Dripping(Vec<u8>, usize);

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(5) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = buffer.len().min(self.0.len()).min(self.1 % 4 + 1);
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0.drain(..n);
        Ok(n)
    }
}

/// The values of `a` and `b` of every row, and how the rows ended.
fn found(text: &[u8], layout: Layout, block: usize, most: usize) -> (Vec<[Vec<u8>; 2]>, Option<Wrong>) {
    let mut blocks = Blocks::new(Box::new(Dripping(text.to_vec(), 0)), layout, Ending::Whole, block, 1 << 20);
    let mut members = Members { keys: Keys::new(["a", "b"]), others: true };
    let mut out = Vec::new();
    loop {
        let (mut slots, mut whole) = (Vec::new(), 0);
        let mut find = |bytes: &[u8], at: usize| {
            slots.truncate(whole);
            slots.resize(whole + 4, 0);
            let here = &mut slots[whole..];
            let end = match layout {
                Layout::Lines => members.find::<true>(bytes, at, 1, here),
                _ => members.find::<false>(bytes, at, 1, here),
            }?;
            whole += 4;
            Ok(end)
        };
        let next = blocks.next(most, &mut find, &mut |_| Ok(())).expect("reads");
        match next {
            Next::Rows(rows) => {
                assert_eq!(rows * 4, whole);
                assert!(rows > 0 && rows <= most);
                let text = |begin: u32, end: u32| blocks.bytes()[begin as usize..(end & !ESCAPED) as usize].to_vec();
                out.extend(slots[..whole].chunks(4).map(|row| [text(row[0], row[1]), text(row[2], row[3])]));
            }
            Next::End => return (out, None),
            Next::Bad(bad) => return (out, Some(bad.what)),
            Next::TooLarge { .. } => panic!("the limit is far"),
        }
    }
}

#[test]
fn faults_are_told_with_row_and_key() {
    let shown = |text: &str, kind: Kind| match read(text, kind) {
        Ok(_) => "reads".to_owned(),
        Err(error) => format!("{error} | {:?}", error.advice().expect("an advice")),
    };
    let lines = |text: &str| shown(text, Kind::Lines);
    let mut all = String::new();
    for text in [
        "{\"a\":1}\n{\"a\":1,\"b\":{\"c\":nul}}\n",
        "{\"a\":1}\n\n{\"a\":NaN}\n",
        "{\"a\":1",
        "{\"a\":\"x\n\"}\n",
        "{\n\"a\":1}\n",
        "{\"a\":1,\"a\":2}\n",
        "{\"b\":{\"a\":1,\"a\":2}}\n",
        "{\"a\":\"\\ud800\"}\n",
        "{\"a\":\"\\q\"}\n",
        "{\"a\":\"\t\"}\n",
        "{\"a\":\"cut\n",
        "[{\"a\":1}]\n",
        "{\"a\":1} {\"a\":2}\n",
        "{\"a\":1},\n{\"a\":2}\n",
        "{\"a\":1}\n\u{feff}{\"a\":2}\n",
        "{\"a\":1}\n\0\0\0\0",
        "7\n",
        "{'a':1}\n",
        "{\"a\":1,}\n",
    ] {
        all.push_str(&lines(text));
        all.push('\n');
    }
    for text in ["[{\"a\":1}", "[{\"a\":1}] x", "[{\"a\":1},]", "[1]", "[{\"a\":1}{\"a\":2}]"] {
        all.push_str(&shown(text, Kind::Any));
        all.push('\n');
    }
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    all.push_str(&lines(&deep));
    insta::assert_snapshot!(all);
}

#[test]
fn misfits_are_told_with_row_and_path() {
    let dir = tempfile::tempdir().expect("a folder");
    let sample = "{\"n\":1,\"x\":0.5,\"t\":\"a\",\"d\":\"2020-01-01\",\"b\":true,\"o\":{\"k\":[{\"z\":1}]}}\n";
    let mut all = String::new();
    for row in [
        "{\"n\":\"1\"}",
        "{\"n\":1.5}",
        "{\"n\":9223372036854775808}",
        "{\"n\":-0}",
        "{\"x\":1e400}",
        "{\"x\":\"a\"}",
        "{\"x\":1.00000000000000000001}",
        "{\"t\":1}",
        "{\"d\":\"soon\"}",
        "{\"b\":1}",
        "{\"o\":1}",
        "{\"o\":{\"k\":[{\"z\":1},{\"z\":\"a\"}]}}",
        "{\"o\":{\"new\":1}}",
        "{\"o\":{\"k\":1}}",
        "{\"new\":1}",
        "{\"o\":{\"k\":[],\"k\":[]}}",
    ] {
        let piece = pieced(dir.path(), sample.as_bytes(), Kind::Lines);
        let mut reading = reading(&piece).expect("reads");
        reading.complaints.sampled = true;
        let piece = pieced(dir.path(), format!("{sample}{row}\n").as_bytes(), Kind::Lines);
        let error = read_by(&reading, &piece).expect_err("does not fit");
        writeln!(all, "{error} | {:?}", error.advice().expect("an advice")).expect("a string takes text");
    }
    let piece = pieced(dir.path(), b"{\"t\":\"a\"}\n{\"t\":\"\xff\"}\n", Kind::Lines);
    let error = reading(&piece).and_then(|reading| read_by(&reading, &piece)).expect_err("is no UTF-8");
    writeln!(all, "{error} | {:?}", error.advice().expect("an advice")).expect("a string takes text");
    insta::assert_snapshot!(all);
}

#[test]
fn a_declared_type_takes_what_it_can() {
    use arrow_schema::{DataType as T, TimeUnit};
    let dir = tempfile::tempdir().expect("a folder");
    let text = "{\"n\":\" 7 \",\"x\":\"1e3\",\"t\":{\"a\": [1]},\"d\":\"2020-01-01\",\"b\":\"yes\",\"c\":1.10}\n{\"t\":\"x\\ny\"}\n";
    let piece = pieced(dir.path(), text.as_bytes(), Kind::Lines);
    let micros = T::Timestamp(TimeUnit::Microsecond, None);
    let columns = [
        ("n", T::Int16),
        ("x", T::Float64),
        ("t", T::Utf8),
        ("d", micros),
        ("b", T::Boolean),
        ("c", T::Decimal128(9, 3)),
    ];
    let schema: SchemaRef =
        Arc::new(Schema::new(columns.into_iter().map(|(n, t)| Field::new(n, t, true)).collect::<Vec<_>>()));
    let mut reading = Reading::ours(&schema);
    reading.strict = vec![false; 6].into();
    let rows = read_by(&reading, &piece).expect("reads");
    let forms = vec![Form::Values; 6];
    let found: Vec<Value> = values_of(&rows, &forms).into_iter().map(Value::Object).collect();
    let wanted = json!([
        {"n": 7, "x": 1000.0, "t": "{\"a\": [1]}", "d": "2020-01-01T00:00:00", "b": true, "c": 1.1},
        {"n": null, "x": null, "t": "x\ny", "d": null, "b": null, "c": null},
    ]);
    assert_eq!(Value::from(found), wanted);
}

#[test]
fn a_row_that_is_too_great_is_told_before_it_is_held() {
    let dir = tempfile::tempdir().expect("a folder");
    let long = "x".repeat(9 << 20);
    let piece = pieced(dir.path(), format!("{{\"a\":1}}\n{{\"a\":\"{long}\"}}\n").as_bytes(), Kind::Lines);
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("a", arrow_schema::DataType::Utf8, true)]));
    let reading = Reading { strict: vec![false].into(), ..Reading::ours(&schema) };
    let read = |memory| {
        let mut stream = JsonStream::new(reading.clone(), vec![piece.clone()], &split(10, memory)).expect("opens");
        let mut rows = 0;
        while let Some(batch) = stream.next()? {
            rows += batch.rows.num_rows();
        }
        Ok::<_, Error>(rows)
    };
    let error = read(64 << 20).expect_err("too large");
    assert_eq!(error.place(), Some("rows.json, row 2, column a"));
    assert!(format!("{error:?}").contains("--memory 73MiB"), "{error:?}");
    assert_eq!(read(256 << 20).expect("fits"), 2);
}

/// A list of objects of a hundred keys, most of which are not written.
fn items_of_many_keys(rows: usize, items: usize) -> String {
    let keys: Vec<String> = (0..100).map(|k| format!("\"k{k}\":{k}")).collect();
    let mut text = format!("{{\"id\":0,\"items\":[{{{}}}]}}\n", keys.join(","));
    for row in 1..rows {
        let _ = writeln!(text, "{{\"id\":{row},\"items\":[{}]}}", vec!["{}"; items].join(","));
    }
    text
}

#[test]
fn batches_stay_small_where_a_few_bytes_of_text_are_many_of_memory() {
    let dir = tempfile::tempdir().expect("a folder");
    let piece = pieced(dir.path(), items_of_many_keys(300, 300).as_bytes(), Kind::Lines);
    let reading = reading(&piece).expect("types");
    let ctx = split(10_000, 64 << 20);
    let mut stream = JsonStream::new(reading, vec![piece], &ctx).expect("opens");
    let (mut rows, mut batches) = (0, 0);
    while let Some(batch) = stream.next().expect("reads") {
        let memory = batch.rows.get_array_memory_size();
        assert!(memory < ctx.batch_bytes() * 2, "{memory} bytes in a batch of {}", ctx.batch_bytes());
        rows += batch.rows.num_rows();
        batches += 1;
    }
    assert_eq!(rows, 300);
    assert!(batches > 10, "{batches} batches");
}

#[test]
fn a_row_whose_lists_come_to_too_much_is_told_before_they_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = items_of_many_keys(2, 100_000).replace("\"id\":", "\"few\":[1,2,3],\"id\":");
    let piece = pieced(dir.path(), text.as_bytes(), Kind::Lines);
    let reading = reading(&piece).expect("types");
    let error = read_by(&reading, &piece).expect_err("too large");
    assert_eq!(error.place(), Some("rows.json, row 2, column items"));
    assert!(error.to_string().contains("a row of 163 MiB does not fit a memory budget of 64 MiB"), "{error}");
    assert!(format!("{error:?}").contains("--memory 1307MiB"), "{error:?}");
    let ctx = split(10, 1307 << 20);
    let mut stream = JsonStream::new(reading, vec![piece], &ctx).expect("opens");
    assert_eq!(stream.next().expect("reads").expect("a batch").rows.num_rows(), 2);
}

#[test]
fn what_is_not_read_is_utf_8_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("a", arrow_schema::DataType::Int64, true)]));
    let known = Reading { unread: Arc::new(["b".to_owned()]), ..Reading::ours(&schema) };
    let others = Reading { others: true, ..Reading::ours(&schema) };
    for reading in [known, others] {
        let text = b"{\"a\":1,\"b\":\"\xc3\xa9\"}\n \n{\"b\":[\"\xc3\xa9\",{\"c\":\"\xc3\"}],\"a\":2}\n".to_vec();
        let error = read_by(&reading, &pieced(dir.path(), &text, Kind::Lines)).expect_err("is no UTF-8");
        assert_eq!(error.place(), Some("rows.json, row 2, column b"));
        assert!(error.to_string().contains("no UTF-8"), "{error}");
        let array = [b"[", &text[..16], b",", &text[19..], b"]"].concat();
        let error = read_by(&reading, &pieced(dir.path(), &array, Kind::Any)).expect_err("is no UTF-8");
        assert_eq!(error.place(), Some("rows.json, row 2, column b"));
    }
}

#[test]
fn the_fuzzing_corpus_of_json_is_read_alike_in_blocks_of_any_size() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/json");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("a file").path();
        let bytes = std::fs::read(&path).expect("a file");
        count += 1;
        for layout in [Layout::Lines, Layout::Free, Layout::Array] {
            let whole = found(&bytes, layout, 1 << 16, usize::MAX);
            for block in [1, 7, 64] {
                assert_eq!(found(&bytes, layout, block, 2), whole, "{} {layout:?}", path.display());
            }
        }
        for kind in [Kind::Lines, Kind::Any] {
            let Ok(piece) =
                Piece::whole(PinnedFile::pin(&path, "a file".into()).expect("pins"), (Codec::Plain, Said::Name), kind)
            else {
                continue;
            };
            let Ok(reading) = reading(&piece) else { continue };
            if !reading.schema.fields().is_empty() {
                let _ = read_by(&reading, &piece);
            }
        }
    }
    assert!(count > 20, "the corpus has {count} files");
}
