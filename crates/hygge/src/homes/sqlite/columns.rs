//! The type of each column: chosen by a person, declared, or observed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::context::Context;
use hygge_core::{Error, Part, Result};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::shape::Shape;
use crate::sqlite::connect::Interrupter;
use crate::sqlite::declared::{Declared, meaning};
use crate::sqlite::decode::{EXACT_INTEGERS, decoder};
use crate::sqlite::fault::explain_or_cancelled;
use crate::sqlite::names::{list, nearest, yaml};
use crate::sqlite::tables::Column;

/// The key of a field's metadata under which the declared type is kept.
pub const TYPE_KEY: &str = "hygge:sqlite_type";

/// The columns that are read, with their types.
pub(super) struct Typed {
    pub(super) schema: SchemaRef,
    /// For each: whether its type was chosen rather than declared.
    pub(super) lenient: Vec<bool>,
    pub(super) notes: Vec<String>,
}

/// The columns that the request names, in its order; all where it names none.
pub(super) fn chosen<'a>(shape: &'a Shape, columns: Option<&[String]>) -> Result<Vec<&'a Column>> {
    let Some(names) = columns else { return Ok(shape.columns.iter().collect()) };
    if names.is_empty() {
        return Err(Error::refused("`columns:` names no column")
            .at(&shape.at)
            .next("leave it out to read all of them"));
    }
    let mut out: Vec<&Column> = Vec::with_capacity(names.len());
    for name in names {
        let column = shape.require(name, "columns")?;
        if out.contains(&column) {
            return Err(Error::refused(format!("`columns:` names `{name}` twice")).at(&shape.at));
        }
        out.push(column);
    }
    Ok(out)
}

/// Decides the types.
pub(super) fn typed(
    conn: &Connection,
    shape: &Shape,
    chosen: &[&Column],
    overrides: &BTreeMap<String, DataType>,
    ctx: &Context,
) -> Result<Typed> {
    let mut notes = Vec::new();
    for name in overrides.keys() {
        if shape.column(name).is_none() {
            let near = nearest(name, shape.columns.iter().map(|c| c.name.as_str()));
            let guess = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            notes.push(format!("`columns:` gives a type to `{name}`, but {} has no such column{guess}", shape.at));
        }
    }
    let ordered = |column: &Column| {
        let exact = overrides.get(&column.name);
        exact.or_else(|| overrides.iter().find(|(n, _)| n.eq_ignore_ascii_case(&column.name)).map(|(_, t)| t))
    };
    let mut types: Vec<Option<(DataType, bool)>> = Vec::with_capacity(chosen.len());
    for column in chosen {
        types.push(match (ordered(column), meaning(column.declared.as_deref())) {
            (Some(data_type), _) => {
                if decoder(data_type, true, true).is_none() {
                    return Err(Error::refused(format!("SQLite values cannot be read as {data_type}"))
                        .at(format!("{}, column {}", shape.at, column.name))
                        .next_set(Part::Home, format!("columns: {{{}: text}}", yaml(&column.name))));
                }
                Some((data_type.clone(), true))
            }
            (None, Declared::Type(data_type)) => Some((data_type, false)),
            (None, Declared::Observed) => None,
        });
    }
    let unknown: Vec<usize> = (0..types.len()).filter(|&i| types[i].is_none()).collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = unknown.iter().map(|&i| chosen[i].name.as_str()).collect();
        let seen = observe(conn, shape, &names, ctx)?;
        for (&i, seen) in unknown.iter().zip(seen) {
            let (data_type, note) = seen.data_type(&shape.at, &chosen[i].name)?;
            notes.extend(note);
            types[i] = Some((data_type, true));
        }
    }
    let mut fields = Vec::with_capacity(chosen.len());
    let mut lenient = Vec::with_capacity(chosen.len());
    for (column, decided) in chosen.iter().zip(types) {
        let (data_type, chosen) = decided.unwrap_or((DataType::Utf8, true));
        let mut field = Field::new(&column.name, data_type, !column.not_null);
        if let Some(declared) = &column.declared {
            field = field.with_metadata([(TYPE_KEY.to_owned(), declared.clone())].into());
        }
        fields.push(field);
        lenient.push(chosen);
    }
    Ok(Typed { schema: Arc::new(Schema::new(fields)), lenient, notes })
}

/// The storage classes that a column holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of classes")]
struct Seen {
    integer: bool,
    real: bool,
    text: bool,
    blob: bool,
    /// A whole number that a real number cannot hold.
    beyond: bool,
}

impl Seen {
    fn data_type(self, at: &str, column: &str) -> Result<(DataType, Option<String>)> {
        Ok((
            match self {
                Self { blob: true, integer: false, real: false, text: false, .. } => DataType::Binary,
                Self { blob: true, .. } => {
                    return Err(Error::refused("blobs and other values stand in a column without a declared type")
                        .at(format!("{at}, column {column}"))
                        .next_set(Part::Home, format!("columns: {{{}: binary}}", yaml(column))));
                }
                // A real number and a large whole number meet exactly only as text.
                Self { text: true, .. } | Self { real: true, beyond: true, .. } => DataType::Utf8,
                Self { real: true, .. } => DataType::Float64,
                Self { integer: true, .. } => DataType::Int64,
                Self { .. } => {
                    let note = format!("{column} has no declared type and no value yet: it is taken as text");
                    return Ok((DataType::Utf8, Some(note)));
                }
            },
            None,
        ))
    }
}

/// One pass over all rows (whatever the flow's filter, so that types do not change with it).
fn observe(conn: &Connection, shape: &Shape, names: &[&str], ctx: &Context) -> Result<Vec<Seen>> {
    let told = |e| explain_or_cancelled(e, "read", &shape.at, &ctx.cancel);
    let _interrupter = Interrupter::new(conn, &ctx.cancel);
    let sql = format!("SELECT {} FROM {}", list(names.iter().copied()), shape.from);
    let mut statement = conn.prepare(&sql).map_err(told)?;
    let mut rows = statement.query([]).map_err(told)?;
    let mut seen = vec![Seen::default(); names.len()];
    while let Some(row) = rows.next().map_err(told)? {
        for (i, seen) in seen.iter_mut().enumerate() {
            match row.get_ref(i).map_err(told)? {
                ValueRef::Null => {}
                ValueRef::Integer(v) => {
                    seen.integer = true;
                    seen.beyond |= v.unsigned_abs() > EXACT_INTEGERS;
                }
                ValueRef::Real(_) => seen.real = true,
                ValueRef::Text(_) => seen.text = true,
                ValueRef::Blob(_) => seen.blob = true,
            }
        }
    }
    Ok(seen)
}
