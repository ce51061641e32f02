//! What a server is asked, and what the codec makes of its answers.

use arrow_array::RecordBatch;
use hygge_pgcopy::{Catalogue, Column, Decoder, Limits, Oid, ReadPlan, SETTINGS};
use hygge_testing::postgres::Server;

/// The statements that set a session as the codec wants it.
pub(crate) fn settings() -> String {
    SETTINGS.map(|(name, value)| format!("SET {name} = '{value}';")).concat()
}

/// The catalogue for types of columns.
pub(crate) fn catalogue(server: &Server, wanted: &[(Oid, i32)]) -> Catalogue {
    let answer = server.text(&format!("SET search_path = '';{}", Catalogue::query(wanted)));
    Catalogue::parse(&answer).expect("the answer is read")
}

/// The columns of a table.
pub(crate) fn columns(server: &Server, table: &str) -> Vec<Column> {
    type Told = (String, Oid, i32, u32, bool);
    let told = server.text(&format!(
        "SELECT json_agg(json_build_array(attname, atttypid::int8, atttypmod, attndims, NOT attnotnull) ORDER BY attnum)
         FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
    ));
    let told: Vec<Told> = serde_json::from_str(&told).expect("JSON");
    told.into_iter()
        .map(|(name, oid, typmod, dimensions, nullable)| Column {
            dimensions,
            nullable,
            ..Column::new(name, oid, typmod)
        })
        .collect()
}

/// What the columns of a table become, some of them changed.
pub(crate) fn plan(server: &Server, table: &str, change: impl Fn(&mut Column)) -> ReadPlan {
    let mut columns = columns(server, table);
    columns.iter_mut().for_each(change);
    let wanted: Vec<_> = columns.iter().map(|column| (column.type_oid, column.typmod)).collect();
    ReadPlan::new(&catalogue(server, &wanted), &columns).expect("all can be carried")
}

/// The stream of a table in the order of its rows.
pub(crate) fn stream(server: &Server, table: &str, plan: &ReadPlan) -> Vec<u8> {
    let list = plan.select_list();
    server.bytes(&format!("{}COPY (SELECT {list} FROM {table} ORDER BY ctid) TO STDOUT (FORMAT BINARY)", settings()))
}

/// Decodes a whole stream.
pub(crate) fn decode(plan: &ReadPlan, stream: &[u8], limits: Limits) -> hygge_pgcopy::Result<Vec<RecordBatch>> {
    let mut decoder = Decoder::new(plan, limits);
    let (mut batches, mut at) = (Vec::new(), 0);
    while at < stream.len() {
        at += decoder.push(&stream[at..])?;
        if decoder.is_full() {
            batches.extend(decoder.take()?);
        }
    }
    batches.extend(decoder.finish()?);
    Ok(batches)
}

/// What the server shows of a query in its text format, cell by cell; `None` for NULL.
pub(crate) fn shown(server: &Server, query: &str) -> Vec<Vec<Option<String>>> {
    let text = server.bytes(&format!("{}COPY ({query}) TO STDOUT", settings()));
    let text = String::from_utf8(text).expect("UTF-8");
    text.lines().map(|line| line.split('\t').map(cell).collect()).collect()
}

fn cell(text: &str) -> Option<String> {
    if text == "\\N" {
        return None;
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text.chars());
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.push(match rest.next().expect("something is escaped") {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                other => other,
            }),
            other => out.push(other),
        }
    }
    Some(out)
}

/// A cell as the server takes it in its text format.
pub(crate) fn escaped(value: Option<&str>, out: &mut String) {
    let Some(value) = value else { return out.push_str("\\N") };
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
}
