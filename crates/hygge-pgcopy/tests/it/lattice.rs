//! Every type of PostgreSQL read, every type of Arrow written; what is found is written into the tables of the documentation.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use hygge_pgcopy::{
    Catalogue, Column, Encoder, Intervals, Limits, ReadPlan, Source, Unfit, WritePlan, declarations, quoted,
};
use hygge_testing::postgres::Server;

use crate::asked::{catalogue, columns, decode, stream};
use crate::cases::{Case, cases};
use crate::families::{BEFORE, Family, families};
use crate::oracle::{targets, write};

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

/// What a server tells of a table, and how its columns are read.
struct Told {
    columns: Vec<Column>,
    catalogue: Catalogue,
}

impl Told {
    fn of(server: &Server, table: &str) -> Self {
        let columns = columns(server, table);
        let wanted: Vec<_> = columns.iter().map(|column| (column.type_oid, column.typmod)).collect();
        Self { columns, catalogue: catalogue(server, &wanted) }
    }

    /// The plan for some of them, changed.
    fn plan(&self, names: &[&str], change: impl Fn(&mut Column)) -> ReadPlan {
        let chosen = self.columns.iter().filter(|column| names.contains(&column.name.as_str()));
        let mut chosen: Vec<Column> = chosen.cloned().collect();
        chosen.iter_mut().for_each(change);
        ReadPlan::new(&self.catalogue, &chosen).expect("all can be carried")
    }
}

fn first(plan: &ReadPlan, stream: &[u8]) -> hygge_pgcopy::Result<RecordBatch> {
    decode(plan, stream, Limits::default()).map(|batches| batches.into_iter().next().expect("rows"))
}

/// The types as the table tells of them.
fn read(server: &Server) -> String {
    let families = families();
    let families: Vec<&Family> = families.iter().filter(|family| !ALIKE.contains(&family.name)).collect();
    let list: Vec<String> = families.iter().map(|f| format!("{} {}", quoted(f.name), f.declared)).collect();
    server.run(&format!("CREATE TABLE t ({})", list.join(", ")));
    let told = Told::of(server, "t");
    let mut table = String::from("| PostgreSQL | Arrow | arrives | does not fit |\n|---|---|---|---|\n");
    for family in families {
        let plan = told.plan(&[family.name], |_| ());
        let planned = &plan.columns()[0];
        let arrives = match (&planned.source, planned.exact_text) {
            (Source::Plain, false) => "as it is",
            (_, true) => "as exact text",
            (source, false) => panic!("{}: {source:?} is no exact text", family.name),
        };
        let beyond = BEYOND.iter().find(|(name, _)| *name == family.name).map_or(&[][..], |(_, values)| values);
        assert!(planned.unfit.is_some() || beyond.is_empty(), "{} holds all", family.name);
        for (what, value) in beyond {
            does_not_fit(server, &told, family, what, value);
        }
        let not: Vec<&str> = beyond.iter().map(|(what, _)| *what).collect();
        let arrow = bare(plan.schema().field(0).data_type());
        let line = format!("| {} | {} | {arrives} | {} |", code(&planned.declared), code(&arrow), not.join(", "));
        let _ = writeln!(table, "{}", line.replace("|  |", "| |"));
    }
    table
}

/// A value is an error, NULL or text, as it is declared.
fn does_not_fit(server: &Server, told: &Told, family: &Family, what: &str, value: &str) {
    let name = quoted(family.name);
    let copy = format!("TRUNCATE t; COPY t ({name}) FROM STDIN");
    server.copy_in(&copy, format!("{value}\n").as_bytes()).expect("the server takes the value");
    let plan = |unfit: Unfit| told.plan(&[family.name], |column| column.unfit = unfit);
    let rows = stream(server, "t", &plan(Unfit::Error));
    let error = first(&plan(Unfit::Error), &rows).expect_err(what);
    assert!(error.to_string().starts_with(&format!("row 1, column {}: ", family.name)), "{what}: {error}");
    assert_eq!(first(&plan(Unfit::Null), &rows).expect("decodes").num_rows(), 1, "{what}");
    let text = plan(Unfit::Text);
    assert_eq!(text.schema().field(0).data_type(), &DataType::Utf8);
    let batch = first(&text, &stream(server, "t", &text)).expect("decodes");
    let shown = crate::asked::shown(server, &format!("SELECT {name} FROM t"));
    assert_eq!(crate::shown::value(batch.column(0).as_ref(), 0), shown[0][0], "{what}");
}

/// A type that can be written, and what it becomes.
struct Written {
    case: Case,
    /// The column of the table.
    column: String,
    /// What of the case fits, and what does not.
    sound: ArrayRef,
    not: Vec<String>,
}

/// Tries which values of a case fit a column.
fn tried(case: Case, plan: &WritePlan, column: String) -> Written {
    let schema = plan.schema();
    let (mut sound, mut not) = (Vec::new(), Vec::new());
    let all = case.all();
    let usual = (0..case.usual.len()).map(|row| (None, all.slice(row, 1)));
    for (what, array) in usual.chain(case.odd.iter().map(|(what, array)| (Some(*what), Arc::clone(array)))) {
        let rows = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&array)]).expect("one column");
        let mut encoder = Encoder::new(plan);
        match encoder.batch(&rows).expect("the same schema").write(&mut Vec::new(), usize::MAX) {
            Ok(_) => sound.push(array),
            Err(error) => {
                assert_eq!((error.row_number(), error.column()), (Some(1), Some(column.as_str())), "{error}");
                let found = error.found().split([',', ';']).next().unwrap_or_default();
                let what = what.unwrap_or(found).to_owned();
                if not.last() != Some(&what) {
                    not.push(what);
                }
            }
        }
    }
    let parts: Vec<&dyn Array> = sound.iter().map(AsRef::as_ref).collect();
    let sound =
        if parts.len() == 1 { Arc::clone(&sound[0]) } else { arrow_select::concat::concat(&parts).expect("one type") };
    Written { case, column, sound, not }
}

/// How Arrow types arrive: all in one table, each in a column of its own.
fn written(server: &Server) -> String {
    let cases = cases();
    let name = |at: usize| format!("c{at}");
    let field = |at: usize, case: &Case| Field::new(name(at), case.usual.data_type().clone(), true);
    let declared: Vec<Option<String>> =
        cases.iter().enumerate().map(|(at, case)| declarations(&field(at, case)).into_iter().next()).collect();
    let list: Vec<String> = declared
        .iter()
        .enumerate()
        .filter_map(|(at, declared)| Some(format!("{} {}", name(at), declared.as_ref()?)))
        .collect();
    server.run(&format!("CREATE TABLE w ({})", list.join(", ")));
    let told = Told::of(server, "w");
    let target = |name: &str| told.columns.iter().position(|column| column.name == name);

    // Which can be written, and which of their values.
    let (mut lines, mut ready) = (Vec::new(), Vec::new());
    for (at, case) in cases.into_iter().enumerate() {
        let schema = Arc::new(Schema::new(vec![field(at, &case)]));
        let plan = target(&name(at))
            .map(|target| WritePlan::new(&told.catalogue, &schema, &targets(&told.columns[target..=target])));
        match plan {
            Some(Ok(plan)) => {
                lines.push(None);
                ready.push(tried(case, &plan, name(at)));
            }
            _ => lines.push(Some(format!("| {} | refused by the plan | | |", code(&case.name)))),
        }
    }

    // All at once, the shorter ones filled up with NULL.
    let rows = ready.iter().map(|one| one.sound.len()).max().expect("some");
    let filled = |array: &ArrayRef| {
        let nulls = new_null_array(array.data_type(), rows - array.len());
        arrow_select::concat::concat(&[array.as_ref(), nulls.as_ref()]).expect("one type")
    };
    let fields: Vec<Field> =
        ready.iter().map(|one| Field::new(&one.column, one.sound.data_type().clone(), true)).collect();
    let arrays = ready.iter().map(|one| filled(&one.sound)).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("one length");
    let into: Vec<Column> = ready.iter().filter_map(|one| Some(told.columns[target(&one.column)?].clone())).collect();
    let plan = WritePlan::new(&told.catalogue, &batch.schema(), &targets(&into)).expect("each by itself could");
    let names: Vec<&str> = ready.iter().map(|one| one.column.as_str()).collect();
    write(server, &format!("w ({})", names.join(", ")), &plan, &[batch]);

    let usual = told.plan(&names, |_| ());
    let intervals = told.plan(&names, |column| {
        // Spans may go further than their like in Arrow.
        let span = ready.iter().any(|one| one.column == column.name && is_span(one.sound.data_type()));
        column.intervals = if span { Intervals::Text } else { Intervals::Arrow };
    });
    let found = first(&intervals, &stream(server, "w", &intervals)).expect("decodes");
    let mut ready = ready.into_iter();
    for line in &mut lines {
        if line.is_none() {
            let one = ready.next().expect("as many");
            arrived(server, &one, found.column_by_name(&one.column).expect("its column"));
            let schema = usual.schema();
            let back = bare(schema.field_with_name(&one.column).expect("its column").data_type());
            let back = if back == one.case.usual.data_type().to_string() { "the same".to_owned() } else { code(&back) };
            let column = &told.columns[target(&one.column).expect("its column")];
            let declared = code(&told.catalogue.name(column.type_oid, column.typmod));
            let told = format!("| {} | {declared} | {back} | {} |", code(&one.case.name), one.not.join(", "));
            *line = Some(told.replace("|  |", "| |"));
        }
    }
    let head = "| Arrow | column | comes back as | refused when it comes |\n|---|---|---|---|\n";
    format!("{head}{}\n", lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

fn is_span(data_type: &DataType) -> bool {
    match data_type {
        DataType::Duration(_) => true,
        DataType::List(item) => is_span(item.data_type()),
        _ => false,
    }
}

/// What came is what went, in the type that it came back in; where it came back as intervals, the server counts.
fn arrived(server: &Server, one: &Written, found: &ArrayRef) {
    let (name, column) = (&one.case.name, &one.column);
    if let DataType::Duration(unit) = one.sound.data_type() {
        let told = format!("SELECT (extract(epoch FROM {column}) * 1000000)::numeric(30) FROM w ORDER BY ctid");
        let told = crate::asked::shown(server, &told);
        let counts = arrow_cast::cast(&one.sound, &DataType::Int64).expect("a count");
        for (row, told) in told.iter().enumerate().take(counts.len()) {
            let count = crate::shown::value(counts.as_ref(), row).map(|count| count.parse::<i128>().expect("a number"));
            let micros = count.map(|count| match unit {
                TimeUnit::Second => count * 1_000_000,
                TimeUnit::Millisecond => count * 1_000,
                TimeUnit::Microsecond => count,
                TimeUnit::Nanosecond => count / 1_000,
            });
            assert_eq!(told[0], micros.map(|micros| micros.to_string()), "{name} in row {row}");
        }
        return;
    }
    if is_span(one.sound.data_type()) {
        assert_eq!(found.slice(0, one.sound.len()).null_count(), one.sound.null_count(), "{name}");
        return;
    }
    let asked = plain(&one.sound);
    let same = match (asked.data_type(), found.data_type()) {
        (from, to) if from == to => asked,
        (_, to) => arrow_cast::cast(&asked, to).unwrap_or_else(|e| panic!("{name}: {e}")),
    };
    let wide = one.sound.data_type().is_decimal() && *found.data_type() == DataType::Utf8;
    let compare = |array: &ArrayRef, row: usize| {
        let shown = crate::shown::value(array.as_ref(), row);
        // A decimal beyond all of Arrow's: arrow-cast writes a zero for each of a scale below zero.
        shown.map(|text| if wide && text.bytes().all(|c| c == b'0') { "0".to_owned() } else { text })
    };
    for row in 0..same.len() {
        assert_eq!(compare(found, row), compare(&same, row), "{name} in row {row}");
    }
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
    let (reading, writing) = (read(&server), written(&server));
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
