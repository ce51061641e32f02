//! What the server renders, and what the codec reads, are the same; whatever the size of the pieces.

use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use hygge_pgcopy::{Column, Encoder, Format, Limits, Target, Unfit, WritePlan, quoted};
use hygge_testing::postgres::Server;

use crate::asked::{catalogue, columns, decode, escaped, plan, settings, shown, stream};
use crate::families::{BEFORE, Family, families};
use crate::seeded::{Chance, soak};
use crate::shown::{float, value};

/// Rows of a table, and how many tables: ten million rows of each family at full size.
fn size() -> (u64, u64) {
    if soak() { (20_000, 500) } else { (2_000, 1) }
}

/// A table with a column of each family; its first rows hold what has been trouble to somebody.
pub(crate) fn fill(server: &Server, table: &str, families: &[Family], rows: u64, chance: &mut Chance) {
    let columns: Vec<String> = families.iter().map(|f| format!("{} {}", quoted(f.name), f.declared)).collect();
    server.run(&format!("DROP TABLE IF EXISTS {table}; CREATE UNLOGGED TABLE {table} ({})", columns.join(", ")));
    let mut text = String::new();
    for row in 0..usize::try_from(rows).expect("few") {
        for (at, family) in families.iter().enumerate() {
            if at > 0 {
                text.push('\t');
            }
            match family.known.get(row) {
                Some(known) => escaped(Some(known), &mut text),
                None if chance.one_in(8) => escaped(None, &mut text),
                None => escaped(Some(&(family.make)(chance)), &mut text),
            }
        }
        text.push('\n');
    }
    server
        .copy_in(&format!("{}COPY {table} FROM STDIN", settings()), text.as_bytes())
        .expect("the server takes the values");
}

/// Compares what was decoded with what the server shows, cell by cell.
pub(crate) fn compare(families: &[Family], batches: &[RecordBatch], told: &[Vec<Option<String>>]) {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, told.len(), "as many rows");
    let mut row = 0;
    for batch in batches {
        for at in 0..batch.num_rows() {
            for ((column, family), expected) in batch.columns().iter().zip(families).zip(&told[row]) {
                let mut expected = expected.clone();
                if matches!(column.data_type(), DataType::Float32 | DataType::Float64) {
                    expected = expected.map(|text| float(&text, column.data_type()));
                }
                assert_eq!(value(column.as_ref(), at), expected, "{} in row {row}", family.name);
            }
            row += 1;
        }
    }
}

fn questions(families: &[Family]) -> String {
    let list: Vec<String> = families.iter().map(|f| f.shown.replace("{}", &quoted(f.name))).collect();
    list.join(", ")
}

#[test]
fn what_is_read_is_what_the_server_shows() {
    let server = Server::start(&[]);
    server.run(BEFORE);
    let families = families();
    let (rows, tables) = size();
    for round in 0..tables {
        fill(&server, "t", &families, rows, &mut Chance::new(round));
        let plan = plan(&server, "t", |_| ());
        let batches = decode(&plan, &stream(&server, "t", &plan), Limits::default()).expect("decodes");
        let told = shown(&server, &format!("SELECT {} FROM t ORDER BY ctid", questions(&families)));
        assert!(batches.iter().flat_map(RecordBatch::columns).all(|column| column.null_count() < column.len()));
        compare(&families, &batches, &told);
    }
}

/// The columns of a table as targets, with what a server tells of their types.
pub(crate) fn write_plan(server: &Server, table: &str, schema: &arrow_schema::SchemaRef) -> WritePlan {
    let columns = columns(server, table);
    let wanted: Vec<_> = columns.iter().map(|column| (column.type_oid, column.typmod)).collect();
    WritePlan::new(&catalogue(server, &wanted), schema, &targets(&columns)).expect("all can be written")
}

/// Columns that are read as columns that are written.
pub(crate) fn targets(columns: &[Column]) -> Vec<Target> {
    let target =
        |c: &Column| Target { name: c.name.clone(), type_oid: c.type_oid, typmod: c.typmod, nullable: c.nullable };
    columns.iter().map(target).collect()
}

/// Writes batches into a table.
pub(crate) fn write(server: &Server, table: &str, plan: &WritePlan, batches: &[RecordBatch]) {
    let mut encoder = Encoder::new(plan);
    let mut bytes = Vec::new();
    for batch in batches {
        assert!(encoder.batch(batch).expect("the same schema").write(&mut bytes, usize::MAX).expect("all fit"));
    }
    encoder.finish(&mut bytes);
    let settings = plan.settings().iter().map(|(name, value)| format!("SET {name} = '{value}';"));
    let format = if plan.format() == Format::Binary { "BINARY" } else { "TEXT" };
    let copy = format!("{}COPY {table} FROM STDIN (FORMAT {format})", settings.collect::<Vec<_>>().concat());
    server.copy_in(&copy, &bytes).expect("the server takes what is written");
}

fn there_and_back(families: &[Family], format: Format, change: fn(&mut Column)) {
    let server = Server::start(&[]);
    server.run(BEFORE);
    let (rows, tables) = size();
    for round in 0..tables {
        fill(&server, "t", families, rows, &mut Chance::new(1_000_000 + round));
        let plan = plan(&server, "t", change);
        let batches = decode(&plan, &stream(&server, "t", &plan), Limits::default()).expect("decodes");
        server.run("DROP TABLE IF EXISTS back; CREATE UNLOGGED TABLE back (LIKE t)");
        let writing = write_plan(&server, "back", &plan.schema());
        assert_eq!(writing.format(), format);
        write(&server, "back", &writing, &batches);
        let all = |table: &str| shown(&server, &format!("SELECT * FROM {table} ORDER BY ctid"));
        let (before, after) = (all("t"), all("back"));
        assert_eq!(before.len(), after.len());
        for (row, (before, after)) in before.iter().zip(&after).enumerate() {
            for ((before, after), family) in before.iter().zip(after).zip(families) {
                assert_eq!(before, after, "{} in row {row}", family.name);
            }
        }
    }
}

#[test]
fn what_is_written_is_what_was_read() {
    let families: Vec<Family> = families().into_iter().filter(|family| !family.by_its_text).collect();
    there_and_back(&families, Format::Binary, |_| ());
}

#[test]
fn what_is_written_beside_a_type_without_binary_form_is_what_was_read() {
    there_and_back(&families(), Format::Text, |_| ());
}

#[test]
fn what_is_written_of_columns_that_are_carried_as_text_is_what_was_read() {
    there_and_back(&families(), Format::Text, |column| column.unfit = Unfit::Text);
}
