//! How far to read: the bound of this scan, fixed in its state, and the checks that keep a cursor honest.
//!
//! Only SQLite compares values here: they are bound in the storage class that they were found in.

use arrow_schema::DataType;
use hygge_core::context::Context;
use hygge_core::event::Note;
use hygge_core::home::{CursorSpec, Future, NullCursor, ReadRequest, Rewound};
use hygge_core::watermark::{Bound, EDGE_LIMIT};
use hygge_core::{Error, Part, Result};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::shape::Shape;
use crate::homes::skipped::left_out;
use crate::sqlite::connect::Interrupter;
use crate::sqlite::dates::parse_moment;
use crate::sqlite::declared::{Declared, meaning};
use crate::sqlite::fault::explain_or_cancelled;
use crate::sqlite::names::{grouped, quoted, yaml};
use crate::sqlite::tables::Column;

mod lookback;

/// The storage class of a cursor's values. Whole and real numbers compare with each other, so they are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Number,
    Text,
}

impl Class {
    fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
        }
    }

    /// A value of the class from its exact text.
    pub(super) fn value(self, text: &str) -> Result<Value> {
        let broken =
            || Error::refused("the watermark in the receipt is no number").next_anew("to settle everything anew");
        match self {
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Number => match text.parse::<i64>() {
                Ok(n) => Ok(Value::Integer(n)),
                Err(_) => text.parse::<f64>().map(Value::Real).map_err(|_| broken()),
            },
        }
    }
}

/// What the cursor asks of this scan.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    pub(super) column: String,
    pub(super) class: Class,
    /// The end of this scan.
    pub(super) bound: Bound,
    /// The end of the last one.
    pub(super) old: Option<Bound>,
    /// Rows above the old end, where there is one.
    pub(super) new_rows: Option<u64>,
}

/// What the cursor column looks like in this state.
struct Ends {
    greatest: Option<String>,
    class: Option<Class>,
    nulls: u64,
}

/// The place of the rows in SQL.
struct Rows<'a> {
    conn: &'a Connection,
    shape: &'a Shape,
    filter: Option<&'a str>,
    column: String,
    ctx: &'a Context,
}

impl Rows<'_> {
    fn filter(&self) -> String {
        self.filter.map_or(String::new(), |f| format!(" AND ({f}\n)"))
    }

    /// A count or a yes or no, of `SELECT` and a condition on the cursor `c`.
    fn ask(&self, sql: &str, values: &[Value]) -> Result<u64> {
        let sql = sql
            .replace("{c}", &quoted(&self.column))
            .replace("{rows}", &self.shape.from)
            .replace("{filter}", &self.filter());
        self.conn
            .query_row(&sql, params_from_iter(values), |row| row.get::<_, i64>(0))
            .map(i64::unsigned_abs)
            .map_err(|e| explain_or_cancelled(e, "read", &self.shape.at, &self.ctx.cancel))
    }

    fn ends(&self, never_null: bool) -> Result<Ends> {
        let told = |e| explain_or_cancelled(e, "read", &self.shape.at, &self.ctx.cancel);
        let (c, rows, filter) = (quoted(&self.column), &self.shape.from, self.filter());
        // With an index each end is one step; without, one pass finds all three.
        let sql = if self.shape.is_indexed(self.conn, &self.column).map_err(told)? {
            let nulls = if never_null {
                "0".to_owned()
            } else {
                format!("(SELECT count(*) FROM {rows} WHERE {c} IS NULL{filter})")
            };
            format!(
                "SELECT (SELECT min({c}) FROM {rows} WHERE {c} IS NOT NULL{filter}), \
                 (SELECT max({c}) FROM {rows} WHERE {c} IS NOT NULL{filter}), {nulls}"
            )
        } else {
            format!("SELECT min({c}), max({c}), count(*) - count({c}) FROM {rows} WHERE 1{filter}")
        };
        let at = || format!("{}, column {}", self.shape.at, self.column);
        let mut statement = self.conn.prepare(&sql).map_err(told)?;
        let mut found = statement.query([]).map_err(told)?;
        let row = found.next().map_err(told)?.ok_or_else(|| Error::bug("an aggregate gave no row"))?;
        let class = |value: ValueRef<'_>| match value {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(_) | ValueRef::Real(_) => Ok(Some(Class::Number)),
            ValueRef::Text(_) => Ok(Some(Class::Text)),
            ValueRef::Blob(_) => {
                Err(Error::refused("blobs stand in the watermark's column, and have no order that can be kept")
                    .at(at())
                    .next("choose another column for `watermark:`"))
            }
        };
        let (least, greatest) = (row.get_ref(0).map_err(told)?, row.get_ref(1).map_err(told)?);
        let (low, high) = (class(least)?, class(greatest)?);
        if low != high {
            return Err(Error::refused("numbers and text stand in the watermark's column, and have no common order")
                .at(at())
                .next("make them one kind, or choose another column for `watermark:`"));
        }
        let greatest = match greatest {
            ValueRef::Null | ValueRef::Blob(_) => None,
            ValueRef::Integer(n) => Some(n.to_string()),
            // The shortest text that is this number and no other.
            ValueRef::Real(n) => Some(format!("{n:?}")),
            ValueRef::Text(text) => Some(
                std::str::from_utf8(text)
                    .map_err(|_| {
                        Error::refused("the watermark's greatest value is not UTF-8")
                            .at(at())
                            .next("choose another column for `watermark:`")
                    })?
                    .to_owned(),
            ),
        };
        Ok(Ends { greatest, class: high, nulls: row.get::<_, i64>(2).map_err(told)?.unsigned_abs() })
    }
}

/// The column that the flow's cursor is: the one it names, or the single-column integer key.
fn column<'a>(shape: &'a Shape, spec: &CursorSpec) -> Result<&'a Column> {
    if let Some(name) = &spec.column {
        return shape.require(name, "watermark");
    }
    let integer = |name: &str| {
        let declared = shape.column(name).and_then(|c| c.declared.as_deref());
        meaning(declared) == Declared::Type(DataType::Int64)
    };
    match shape.key.as_slice() {
        [only] if integer(only) => shape.require(only, "watermark"),
        _ => {
            let found =
                "an incremental flow needs a column that only grows, and there is no integer primary key of one column";
            Err(match growing(shape) {
                Some(name) => Error::refused(found).next_set(Part::Flow, format!("watermark: {}", yaml(name))),
                None => Error::refused(format!("{found}, nor any column of a date, a time or a whole number"))
                    .next("let every run bring all rows: without  incremental: true,  and without  --incremental  where it was typed"),
            }
            .at(&shape.at))
        }
    }
}

/// The column that most likely only grows: a time, best the one that is written with every change, else a whole number.
fn growing(shape: &Shape) -> Option<&str> {
    let of = |c: &&Column, wanted: fn(&DataType) -> bool| matches!(meaning(c.declared.as_deref()), Declared::Type(t) if wanted(&t));
    let is_time = |t: &DataType| matches!(t, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64);
    let is_whole = |t: &DataType| matches!(t, DataType::Int64 | DataType::Int32);
    let changes = |c: &&Column| ["updat", "modif", "chang"].iter().any(|word| c.name.to_lowercase().contains(word));
    let columns = || shape.columns.iter();
    let found = columns().filter(changes).find(|c| of(c, is_time));
    let found = found.or_else(|| columns().find(|c| of(c, is_time))).or_else(|| columns().find(|c| of(c, is_whole)));
    found.map(|c| c.name.as_str())
}

/// Fixes the bound. None where there is nothing to read, and never was.
pub(super) fn resolve(
    conn: &Connection,
    shape: &Shape,
    request: &ReadRequest,
    spec: &CursorSpec,
    old: Option<&Bound>,
    ctx: &Context,
    notes: &mut Vec<Note>,
) -> Result<Option<Cursor>> {
    let column = column(shape, spec)?;
    let name = column.name.clone();
    let is_key = shape.key == [name.clone()];
    if spec.column.is_none() {
        notes.push(
            format!("by {name}: changes to old rows, and rows committed late, are not seen; set `watermark:`").into(),
        );
        if !shape.auto_increment {
            notes.push(
                format!("{name} is not AUTOINCREMENT: an id that is used again after a delete is not seen").into(),
            );
        }
    }
    let at = format!("{}, column {name}", shape.at);
    if let Some(old) = old.filter(|old| !old.column.eq_ignore_ascii_case(&name)) {
        return Err(Error::refused(format!("the watermark was kept by {}, and is now to be by {name}", old.column))
            .at(&shape.at)
            .next_anew("to settle everything anew"));
    }
    let _interrupter = Interrupter::new(conn, &ctx.cancel);
    let rows = Rows { conn, shape, filter: request.filter.as_deref(), column: name.clone(), ctx };
    let ends = rows.ends(column.not_null)?;
    nulls(&ends, spec, &name, &at, notes)?;

    let home_type = |class: Class| format!("{} {}", column.declared.as_deref().unwrap_or("untyped"), class.word());
    let (class, mut upper) = match (ends.class, ends.greatest, old) {
        (Some(class), Some(greatest), _) => {
            if let Some(old) = old.filter(|old| old.home_type != home_type(class)) {
                return Err(Error::refused(format!(
                    "the watermark's column was {} and is now {}: their values cannot be compared",
                    old.home_type,
                    home_type(class)
                ))
                .at(at)
                .next_anew("to settle everything anew"));
            }
            (class, greatest)
        }
        (.., None) => return Ok(None),
        (.., Some(old)) => {
            let class = if old.home_type.ends_with(Class::Text.word()) { Class::Text } else { Class::Number };
            (class, old.upper.clone())
        }
    };
    if let Some(old) = old {
        let reached =
            rows.ask("SELECT EXISTS (SELECT 1 FROM {rows} WHERE {c} >= ?1{filter})", &[class.value(&old.upper)?])?;
        if reached == 0 {
            if spec.rewound == Rewound::Error {
                return Err(rewound(&name, at));
            }
            notes.push(format!("{name} ends below what was read before; only rows above that are new").into());
            upper.clone_from(&old.upper);
        }
    }
    in_the_future(&upper, column, spec, ctx, &at)?;
    let mut bound = Bound {
        column: name.clone(),
        home_type: home_type(class),
        low: match &spec.lookback {
            Some(lookback) => lookback::below(&upper, class, lookback).map_err(|e| e.at(&at))?,
            None => upper.clone(),
        },
        upper,
        inclusive: true,
        // With a lookback, rows that come late below the end are what is looked for.
        unique: is_key && spec.lookback.is_none(),
    };
    if let Some(old) = old {
        // Below the old `low` nothing is remembered, so nothing may come again from there: a wider lookback grows into
        // its width.
        let wider = rows.ask("SELECT ?1 < ?2", &[class.value(&bound.low)?, class.value(&old.low)?])?;
        if wider == 1 {
            bound.low.clone_from(&old.low);
        }
    }
    // Where rows are merged by key nothing need be remembered.
    if request.exact_edge {
        ties(&rows, &mut bound, class, spec, old, &at, notes)?;
    }
    let new_rows = match old {
        Some(old) => Some(rows.ask(
            "SELECT count(*) FROM {rows} WHERE {c} > ?1 AND {c} <= ?2{filter}",
            &[class.value(&old.upper)?, class.value(&bound.upper)?],
        )?),
        None => None,
    };
    Ok(Some(Cursor { column: name, class, bound, old: old.cloned(), new_rows }))
}

fn nulls(ends: &Ends, spec: &CursorSpec, name: &str, at: &str, notes: &mut Vec<Note>) -> Result<()> {
    if ends.nulls == 0 {
        return Ok(());
    }
    if spec.nulls == NullCursor::Skip {
        notes.push(left_out(ends.nulls, name));
        return Ok(());
    }
    let (rows, them) = match ends.nulls {
        1 => ("1 row has".to_owned(), "it"),
        _ => (format!("{} rows have", grouped(ends.nulls)), "them"),
    };
    Err(Error::refused(format!("{rows} no {name}: an incremental flow would never see {them}"))
        .at(at)
        .next_set(Part::Flow, format!("watermark: {{column: {}, nulls: skip}}", yaml(name))))
}

fn rewound(name: &str, at: String) -> Error {
    Error::refused("the source ends below what has been read: it was restored or emptied, and new rows may hide below")
        .at(at)
        .next_anew(format!(
            "to settle everything anew, or set `watermark: {{column: {}, rewound: ignore}}` to go on above",
            yaml(name)
        ))
}

/// A time to come as the greatest value would hide every row before it.
fn in_the_future(upper: &str, column: &Column, spec: &CursorSpec, ctx: &Context, at: &str) -> Result<()> {
    let is_time = matches!(
        meaning(column.declared.as_deref()),
        Declared::Type(DataType::Date32 | DataType::Date64 | DataType::Timestamp(..))
    );
    if spec.future == Future::Allow || !is_time {
        return Ok(());
    }
    // A day of grace: a clock on the wall may be ahead of UTC.
    let limit = ctx.clock.now().timestamp().saturating_add(86_400);
    let seconds = |text: &str| {
        let moment = parse_moment(text.as_bytes())?;
        Some(moment.days.saturating_mul(86_400) + moment.ns / 1_000_000_000 - i64::from(moment.zone.unwrap_or(0)))
    };
    if seconds(upper).is_some_and(|s| s > limit) {
        return Err(Error::refused("the greatest value is a time to come: every row until then would be missed")
            .at(at)
            .next(format!(
                "correct the row, or set `watermark: {{column: {}, future: allow}}` if the column may hold such times",
                yaml(&column.name)
            )));
    }
    Ok(())
}

/// More rows at the edge than can be remembered: they are left for the next run, where that is possible.
fn ties(
    rows: &Rows<'_>,
    bound: &mut Bound,
    class: Class,
    spec: &CursorSpec,
    old: Option<&Bound>,
    at: &str,
    notes: &mut Vec<Note>,
) -> Result<()> {
    if bound.unique && spec.lookback.is_none() {
        return Ok(());
    }
    let (low, upper) = (class.value(&bound.low)?, class.value(&bound.upper)?);
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM {{rows}} WHERE {{c}} >= ?1 AND {{c}} <= ?2{{filter}} LIMIT {})",
        EDGE_LIMIT + 1
    );
    if rows.ask(&sql, &[low, upper.clone()])? <= EDGE_LIMIT as u64 {
        return Ok(());
    }
    let limit = grouped(EDGE_LIMIT as u64);
    if spec.lookback.is_some() {
        return Err(Error::refused(format!("more than {limit} rows lie within the lookback, too many to remember"))
            .at(at)
            .next("make `lookback:` shorter, or set `key:` so that rows can be merged"));
    }
    let left = Error::refused(format!("more than {limit} rows share the greatest value, too many to remember"))
        .at(at)
        .next("choose a finer column for `watermark:`, or set `key:` so that rows can be merged");
    if let Some(old) = old {
        if old.inclusive && rows.ask("SELECT ?1 = ?2", &[class.value(&old.upper)?, upper])? == 1 {
            return Err(left);
        }
    } else if rows.ask("SELECT EXISTS (SELECT 1 FROM {rows} WHERE {c} < ?1{filter})", &[upper])? == 0 {
        return Err(left);
    }
    bound.inclusive = false;
    notes.push(
        format!(
            "more than {limit} rows share the greatest {}: they are left until a greater one is there",
            bound.column
        )
        .into(),
    );
    Ok(())
}
