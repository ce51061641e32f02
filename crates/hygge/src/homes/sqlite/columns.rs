//! The type of each column: chosen by a person, declared, or observed.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::context::Context;
use hygge_core::event::Note;
use hygge_core::{Error, Part, Result};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::shape::Shape;
use crate::sqlite::connect::Interrupter;
use crate::sqlite::declared::{Declared, meaning};
use crate::sqlite::decode::{EXACT_INTEGERS, decoder};
use crate::sqlite::fault::{explain, explain_or_cancelled};
use crate::sqlite::names::{list, nearest, yaml};
use crate::sqlite::tables::{self, Column};

/// The key of a field's metadata under which the declared type is kept.
pub const TYPE_KEY: &str = "hygge:sqlite_type";

/// The types that a person chose.
pub(super) struct Types<'a> {
    pub(super) chosen: &'a BTreeMap<String, DataType>,
    /// See [`super::SqliteHomeConfig::many_tables`].
    pub(super) many_tables: bool,
}

impl Types<'_> {
    /// Of a column: what is said of this table alone wins.
    fn of(&self, shape: &Shape, column: &str) -> Option<&DataType> {
        let named = |name: &str| {
            let exact = self.chosen.get(name);
            exact.or_else(|| self.chosen.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, t)| t))
        };
        let table = shape.name.as_ref().filter(|_| self.many_tables);
        table.and_then(|table| named(&format!("{table}.{column}"))).or_else(|| named(column))
    }

    /// Every name must be that of a column: a type for a misspelt one would be none.
    ///
    /// # Errors
    /// Refused, naming the column that may be meant.
    pub(super) fn check(&self, conn: &Connection, shape: &Shape) -> Result<()> {
        let here = |name: &str| {
            let table = shape.name.as_ref().filter(|_| self.many_tables);
            shape.column(name).is_some()
                || table.is_some_and(|table| shape.columns.iter().any(|c| is_of(name, table, &c.name)))
        };
        let mut elsewhere = None;
        for name in self.chosen.keys().filter(|name| !here(name)) {
            let others: &Vec<(String, String)> = match &elsewhere {
                Some(others) => others,
                None => elsewhere.insert(if self.many_tables { all_columns(conn, shape)? } else { Vec::new() }),
            };
            if others.iter().any(|(table, column)| column.eq_ignore_ascii_case(name) || is_of(name, table, column)) {
                continue;
            }
            let dotted: Vec<String> = others.iter().map(|(table, column)| format!("{table}.{column}")).collect();
            let known = shape.columns.iter().map(|c| c.name.as_str());
            let known =
                known.chain(others.iter().map(|(_, column)| column.as_str())).chain(dotted.iter().map(String::as_str));
            let error =
                Error::refused(format!("there is no column `{name}`, to which `columns:` gives a type")).at(&shape.at);
            return Err(match nearest(name, known) {
                Some(near) => error.next(format!("write `{near}` under `columns:`, if that was meant")),
                None => error.next("take it out of `columns:`, or write the name of a column"),
            });
        }
        Ok(())
    }
}

/// Whether a name is `table.column`, in small letters or capitals.
fn is_of(name: &str, table: &str, column: &str) -> bool {
    name.len() == table.len() + 1 + column.len() && name.eq_ignore_ascii_case(&format!("{table}.{column}"))
}

/// Every column of every table and view, with its table.
fn all_columns(conn: &Connection, shape: &Shape) -> Result<Vec<(String, String)>> {
    let told = |e| explain(e, "read", &shape.at);
    let mut out = Vec::new();
    for (table, _) in tables::catalogue(conn).map_err(told)? {
        let (columns, _) = tables::columns(conn, &table).map_err(told)?;
        out.extend(columns.into_iter().map(|column| (table.clone(), column.name)));
    }
    Ok(out)
}

/// The columns that are read, with their types.
pub(super) struct Typed {
    pub(super) schema: SchemaRef,
    /// For each: whether its type was chosen rather than declared.
    pub(super) lenient: Vec<bool>,
    pub(super) notes: Vec<Note>,
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
    chosen_types: &Types<'_>,
    ctx: &Context,
) -> Result<Typed> {
    let mut notes = Vec::new();
    let mut types: Vec<Option<(DataType, bool)>> = Vec::with_capacity(chosen.len());
    for column in chosen {
        types.push(match (chosen_types.of(shape, &column.name), meaning(column.declared.as_deref())) {
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
            notes.extend(note.map(Note::from));
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
