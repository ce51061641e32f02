//! Every type of PostgreSQL read, every type of Arrow written; what is found is written into the tables of the documentation.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use hygge_pgcopy::{Column, Encoder, Intervals, Limits, Source, Unfit, WritePlan, declarations};
use hygge_testing::postgres::Server;

use crate::asked::{catalogue, columns, decode, plan, stream};
use crate::cases::{Case, cases};
use crate::families::{BEFORE, Family, families};
use crate::oracle::{fill, targets, write};
use crate::seeded::Chance;

const PAGE: &str = "postgresql-types.md";

/// Values that an Arrow type cannot hold: what people call them, and how they are spelled.
const BEYOND: &[(&str, &[(&str, &str)])] = &[
    ("numeric_15_2", &[("NaN", "NaN")]),
    ("numeric_9_0", &[("NaN", "NaN")]),
    ("numeric_38_10", &[("NaN", "NaN")]),
    ("numeric_76_38", &[("NaN", "NaN")]),
    ("numeric_3_m2", &[("NaN", "NaN")]),
    ("numeric_3_7", &[("NaN", "NaN")]),
    ("date", &[("infinity", "-infinity")]),
    ("timestamp", &[("infinity", "infinity"), ("the years from 294247 on", "294276-12-31")]),
    ("timestamptz", &[("infinity", "infinity"), ("the years from 294247 on", "294276-12-31 00:00+00")]),
    ("ints", &[("other dimensions than declared", "{{1,2}}"), ("a first item that is not number 1", "[0:1]={1,2}")]),
    (
        "grid",
        &[("other dimensions than declared", "{1,2}"), ("a first item that is not number 1", "[1:1][0:1]={{1,2}}")],
    ),
    ("ranges", &[("a first item that is not number 1", "[0:0]={empty}")]),
    ("place", &[("infinity within", "(1,a,infinity,1,{},)")]),
];

/// Families that differ from another in their values alone.
const ALIKE: &[&str] = &[
    "places",
    "inner_row",
    "long_text",
    "char_1",
    "bit_64",
    "numeric_18_4",
    "numeric_5_5",
    "numeric_38_0",
    "numeric_76_3",
    "numeric_30_m20",
    "small_cents",
    "timestamp_0",
    "time_3",
];

fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// A type without what is told of its parts.
fn bare(data_type: &DataType) -> String {
    fn part(field: &Field) -> Arc<Field> {
        Arc::new(Field::new(field.name(), stripped(field.data_type()), field.is_nullable()))
    }
    fn stripped(data_type: &DataType) -> DataType {
        match data_type {
            DataType::List(item) => DataType::List(part(item)),
            DataType::Struct(parts) => DataType::Struct(parts.iter().map(|field| part(field)).collect()),
            other => other.clone(),
        }
    }
    stripped(data_type).to_string()
}

/// A type as the table tells of it.
fn read(server: &Server, family: &Family) -> String {
    fill(server, "t", std::slice::from_ref(family), 50, &mut Chance::new(3));
    let read = plan(server, "t", |_| ());
    let planned = &read.columns()[0];
    let arrives = match (&planned.source, planned.exact_text) {
        (Source::Plain, false) => "as it is",
        (_, true) => "as exact text",
        (source, false) => panic!("{}: {source:?} is no exact text", family.name),
    };
    let beyond = BEYOND.iter().find(|(name, _)| *name == family.name).map_or(&[][..], |(_, values)| values);
    assert!(planned.unfit.is_some() || beyond.is_empty(), "{} holds all", family.name);
    for (what, value) in beyond {
        server.run("TRUNCATE t");
        server.copy_in("COPY t FROM STDIN", format!("{value}\n").as_bytes()).expect("the server takes the value");
        let error = decode(&read, &stream(server, "t", &read), Limits::default()).expect_err(what);
        assert!(error.to_string().starts_with(&format!("row 1, column {}: ", family.name)), "{what}: {error}");
        // The same as NULL, and as text.
        let lenient = plan(server, "t", |column| column.unfit = Unfit::Null);
        let batches = decode(&lenient, &stream(server, "t", &lenient), Limits::default()).expect("decodes");
        assert_eq!(batches[0].num_rows(), 1, "{what}");
        let text = plan(server, "t", |column| column.unfit = Unfit::Text);
        assert_eq!(text.schema().field(0).data_type(), &DataType::Utf8);
        let batches = decode(&text, &stream(server, "t", &text), Limits::default()).expect("decodes");
        let shown = server.text(&format!("{}COPY t TO STDOUT", crate::asked::settings()));
        let shown = shown.replace("\\\\", "\\");
        assert_eq!(crate::shown::value(batches[0].column(0).as_ref(), 0).as_deref(), Some(shown.as_str()), "{what}");
    }
    let not: Vec<&str> = beyond.iter().map(|(what, _)| *what).collect();
    let arrow = bare(read.schema().field(0).data_type());
    format!("| {} | {} | {arrives} | {} |", code(&planned.declared), code(&arrow), not.join(", "))
        .replace("|  |", "| |")
}

/// How an Arrow type arrives.
fn written(server: &Server, case: &Case) -> String {
    let name = code(&case.name);
    let field = Field::new("value", case.usual.data_type().clone(), true);
    let Some(declared) = declarations(&field).into_iter().next() else {
        return format!("| {name} | refused by the plan | | |");
    };
    server.run(&format!("DROP TABLE IF EXISTS w; CREATE TABLE w (value {declared})"));
    let schema = Arc::new(Schema::new(vec![field]));
    let columns = columns(server, "w");
    let wanted: Vec<_> = columns.iter().map(|column| (column.type_oid, column.typmod)).collect();
    let Ok(writing) = WritePlan::new(&catalogue(server, &wanted), &schema, &targets(&columns)) else {
        return format!("| {name} | refused by the plan | | |");
    };
    let batch =
        |array: &ArrayRef| RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(array)]).expect("one column");
    let (mut sound, mut not) = (Vec::new(), Vec::new());
    let all = case.all();
    let usual = (0..case.usual.len()).map(|row| (None, all.slice(row, 1)));
    for (what, array) in usual.chain(case.odd.iter().map(|(what, array)| (Some(*what), Arc::clone(array)))) {
        match Encoder::new(&writing).write(&batch(&array), 0, &mut Vec::new(), usize::MAX) {
            Ok(_) => sound.push(array),
            Err(error) => {
                assert_eq!((error.row_number(), error.column()), (Some(1), Some("value")), "{}: {error}", case.name);
                let found = error.found().split([',', ';']).next().unwrap_or_default();
                let what = what.unwrap_or(found).to_owned();
                if not.last() != Some(&what) {
                    not.push(what);
                }
            }
        }
    }
    let parts: Vec<&dyn Array> = sound.iter().map(AsRef::as_ref).collect();
    let all =
        if parts.len() == 1 { Arc::clone(&sound[0]) } else { arrow_select::concat::concat(&parts).expect("one type") };
    write(server, "w", &writing, &[batch(&all)]);

    let back = bare(plan(server, "w", |_| ()).schema().field(0).data_type());
    let declared = catalogue(server, &wanted).name(columns[0].type_oid, columns[0].typmod);
    let back = if back == case.usual.data_type().to_string() { "the same".to_owned() } else { code(&back) };
    let line = format!("| {name} | {} | {back} | {} |", code(&declared), not.join(", ")).replace("|  |", "| |");
    if let DataType::Duration(unit) = all.data_type() {
        // Intervals go further than their like in Arrow: the server counts.
        let told = crate::asked::shown(
            server,
            "SELECT (extract(epoch FROM value) * 1000000)::numeric(30) FROM w ORDER BY ctid",
        );
        let counts = arrow_cast::cast(&all, &DataType::Int64).expect("a count");
        for (row, told) in told.iter().enumerate() {
            let count = crate::shown::value(counts.as_ref(), row).map(|count| count.parse::<i128>().expect("a number"));
            let micros = count.map(|count| match unit {
                TimeUnit::Second => count * 1_000_000,
                TimeUnit::Millisecond => count * 1_000,
                TimeUnit::Microsecond => count,
                TimeUnit::Nanosecond => count / 1_000,
            });
            assert_eq!(told[0], micros.map(|micros| micros.to_string()), "{} in row {row}", case.name);
        }
        return line;
    }
    let read = plan(server, "w", |column: &mut Column| column.intervals = Intervals::Arrow);
    let batches = decode(&read, &stream(server, "w", &read), Limits::default()).expect("decodes");
    let found = batches[0].column(0);
    // What came is what went, in the type that it came back in.
    let asked = plain(&all);
    let same = match (asked.data_type(), found.data_type()) {
        (from, to) if from == to => asked,
        (_, to) => arrow_cast::cast(&asked, to).unwrap_or_else(|e| panic!("{}: {e}", case.name)),
    };
    assert_eq!(same.len(), found.len(), "{}", case.name);
    let wide = all.data_type().is_decimal() && *found.data_type() == DataType::Utf8;
    let compare = |array: &ArrayRef, row: usize| {
        let shown = crate::shown::value(array.as_ref(), row);
        // A decimal beyond all of Arrow's: arrow-cast writes a zero for each of a scale below zero.
        shown.map(|text| if wide && text.bytes().all(|c| c == b'0') { "0".to_owned() } else { text })
    };
    for row in 0..same.len() {
        assert_eq!(compare(found, row), compare(&same, row), "{} in row {row}", case.name);
    }
    line
}

/// Dictionaries and runs as their values.
fn plain(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Dictionary(_, values) => plain(&arrow_cast::cast(array, values).expect("its values")),
        DataType::RunEndEncoded(_, values) => arrow_cast::cast(array, values.data_type()).expect("its values"),
        _ => Arc::clone(array),
    }
}

#[test]
fn every_type_goes_there_and_back_as_the_documents_say() {
    let server = Server::start(&[]);
    server.run(BEFORE);
    let mut reading = String::from("| PostgreSQL | Arrow | arrives | does not fit |\n|---|---|---|---|\n");
    for family in families().iter().filter(|family| !ALIKE.contains(&family.name)) {
        let _ = writeln!(reading, "{}", read(&server, family));
    }
    let mut writing = String::from("| Arrow | column | comes back as | refused when it comes |\n|---|---|---|---|\n");
    for case in cases() {
        let _ = writeln!(writing, "{}", written(&server, &case));
    }
    kept(&[("home", &reading), ("store", &writing)]);
}

/// The tables stand in the page as they were found.
fn kept(tables: &[(&str, &str)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(PAGE);
    let text = std::fs::read_to_string(&path).expect("the page is there");
    let mut now = text.clone();
    for (name, table) in tables {
        let begin = format!("<!-- The table of the {name} is written by the tests. -->\n");
        let (before, rest) =
            now.split_once(&begin).unwrap_or_else(|| panic!("{PAGE} has no place for the table of the {name}"));
        let (_, after) = rest.split_once("<!-- End of the table. -->\n").expect("the table has an end");
        now = format!("{before}{begin}\n{table}\n<!-- End of the table. -->\n{after}");
    }
    if now != text {
        assert!(std::env::var_os("HYGGE_BLESS").is_some(), "HYGGE_BLESS=1 rewrites the tables of {PAGE}");
        std::fs::write(&path, now).expect("the page can be written");
    }
}
