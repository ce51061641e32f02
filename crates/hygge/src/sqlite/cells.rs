//! A running statement, row by row and cell by cell.
//!
//! For a text `rusqlite` asks four times by way of the statement: for the number of columns, the type, the bytes, their
//! length. Asking the statement once for the value, and the value for the rest, spares a tenth of the CPU from SQLite to
//! Parquet, measured. That takes the one piece of unsafe code for SQLite's rows, and it is here.

use std::ffi::c_int;
use std::ptr::{NonNull, null_mut};
use std::slice::from_raw_parts;

use hygge_core::{Error, Result};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, Rows, Statement, ffi};

/// A statement with its parameters.
pub(crate) struct Prepared<'c> {
    statement: Statement<'c>,
    /// The same statement; none where it is not the connection's only one, as beside the statements of a full-text table.
    raw: Option<Raw>,
}

impl<'c> Prepared<'c> {
    /// Compiles a statement and binds values to its `?1`, `?2` …
    pub(crate) fn new(conn: &'c Connection, sql: &str, params: &[Value]) -> rusqlite::Result<Self> {
        let mut statement = conn.prepare(sql)?;
        for (i, value) in params.iter().enumerate() {
            statement.raw_bind_parameter(i + 1, value)?;
        }
        let raw = Raw::of(conn, &statement);
        Ok(Self { statement, raw })
    }

    /// Starts it from the beginning.
    pub(crate) fn run(&mut self) -> Running<'_> {
        Running { raw: self.raw, rows: self.statement.raw_query() }
    }
}

/// A statement that has been started.
pub(crate) struct Running<'s> {
    rows: Rows<'s>,
    raw: Option<Raw>,
}

impl<'s> Running<'s> {
    /// The next row, if there is one.
    #[inline]
    pub(crate) fn next(&mut self) -> rusqlite::Result<Option<Cells<'_, 's>>> {
        let raw = self.raw;
        Ok(self.rows.next()?.map(|row| Cells { row, raw }))
    }
}

/// The row that a statement is at; nothing else can be done with the statement while this is held.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'r, 's> {
    row: &'r Row<'s>,
    raw: Option<Raw>,
}

impl<'r> Cells<'r, '_> {
    /// The value of a column, counted from 0.
    #[inline]
    pub(crate) fn get(self, column: usize) -> Result<ValueRef<'r>> {
        let value = match self.raw {
            Some(raw) => raw.value(column, self.row),
            None => self.row.get_ref(column).ok(),
        };
        value.ok_or_else(|| Error::bug("SQLite did not give a value of the row that it is at"))
    }
}

/// A statement by its address.
#[derive(Clone, Copy)]
struct Raw {
    statement: NonNull<ffi::sqlite3_stmt>,
    columns: c_int,
}

#[expect(unsafe_code, reason = "measured: a tenth of the CPU from SQLite to Parquet")]
impl Raw {
    /// The address of `statement`, if it is the connection's only one: `rusqlite` tells no address, but SQLite lists them.
    fn of(conn: &Connection, statement: &Statement<'_>) -> Option<Self> {
        let columns = c_int::try_from(statement.column_count()).ok()?;
        // SAFETY: The connection is open for as long as it is borrowed, and no thread but this one can use it, as it is not
        // `Sync`. The list is walked from its start to its second entry, with nothing in between that could change it.
        let (first, second) = unsafe {
            let first = ffi::sqlite3_next_stmt(conn.handle(), null_mut());
            (first, NonNull::new(first).map(|first| ffi::sqlite3_next_stmt(conn.handle(), first.as_ptr())))
        };
        // `statement` is in the list, whatever else is: `Prepared` has just compiled it on this connection.
        match (NonNull::new(first), second.and_then(NonNull::new)) {
            (Some(statement), None) => Some(Self { statement, columns }),
            _ => None,
        }
    }

    /// The value of a column of the row that the statement is at; none where there is no such column or no memory.
    #[inline]
    fn value<'r>(self, column: usize, _at: &'r Row<'_>) -> Option<ValueRef<'r>> {
        let column = c_int::try_from(column).ok().filter(|column| *column < self.columns)?;
        // SAFETY: The statement lives: `_at` is borrowed from the `Rows` of the very `Statement` that `Raw::of` was given
        // (`Prepared`, `Running` and `Cells` hand the two on together, and nothing else can make them), and `Rows` borrows
        // that. A value lives until the statement makes its next step or is reset, which need that borrow to end; of the
        // calls below none changes the kind of a value but for want of memory, and text and blob are asked for before their length, as SQLite
        // demands, which converts text of UTF-16 where it stands. SQLite calls such a value unprotected, not to be read
        // while another thread uses the connection: none can, as this thread holds it and it is not `Sync`; of another
        // thread's calls only `sqlite3_interrupt` is made, which sets a flag. A length belongs to what the address before it
        // points at, and no address (an empty blob, or no memory) is never read. Zeros that SQLite has no memory to write
        // out become NULL, of length 0: so the kind of a blob without address is asked for again.
        unsafe {
            let value = ffi::sqlite3_column_value(self.statement.as_ptr(), column);
            Some(match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_NULL => ValueRef::Null,
                ffi::SQLITE_INTEGER => ValueRef::Integer(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_value_double(value)),
                ffi::SQLITE_TEXT => {
                    let text = NonNull::new(ffi::sqlite3_value_text(value).cast_mut())?;
                    let length = usize::try_from(ffi::sqlite3_value_bytes(value)).ok()?;
                    ValueRef::Text(from_raw_parts(text.as_ptr(), length))
                }
                ffi::SQLITE_BLOB => {
                    let blob = NonNull::new(ffi::sqlite3_value_blob(value).cast_mut().cast::<u8>());
                    match (blob, usize::try_from(ffi::sqlite3_value_bytes(value)).ok()?) {
                        (Some(blob), length) => ValueRef::Blob(from_raw_parts(blob.as_ptr(), length)),
                        (None, 0) if ffi::sqlite3_value_type(value) == ffi::SQLITE_BLOB => ValueRef::Blob(&[]),
                        (None, _) => return None,
                    }
                }
                _ => return None,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY_KIND: &str =
        "SELECT NULL, 7, -9223372036854775808, 1.5, 9e999, '', 'hygge 🕯', x'', x'00ff', zeroblob(3), ?1";

    fn conn(encoding: &str) -> Connection {
        let conn = Connection::open_in_memory().expect("a database");
        conn.pragma_update(None, "encoding", encoding).expect("an encoding");
        conn.execute_batch("CREATE TABLE t (a)").expect("a table");
        conn
    }

    fn row(prepared: &mut Prepared<'_>, columns: usize) -> Vec<Value> {
        let mut rows = prepared.run();
        let row = rows.next().expect("a step").expect("a row");
        (0..columns).map(|column| row.get(column).expect("a value").try_into().expect("UTF-8")).collect()
    }

    #[test]
    fn values_are_the_same_by_both_ways() {
        for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
            let conn = conn(encoding);
            let params = [Value::Text("bound".into())];
            let mut alone = Prepared::new(&conn, EVERY_KIND, &params).expect("a statement");
            let mut beside = Prepared::new(&conn, EVERY_KIND, &params).expect("a statement");
            assert!(alone.raw.is_some(), "the connection's only statement is known");
            assert!(beside.raw.is_none(), "one of two is not");
            let values = row(&mut alone, 11);
            assert_eq!(values, row(&mut beside, 11), "{encoding}");
            assert_eq!(values[6], Value::Text("hygge 🕯".into()), "{encoding}");
            assert_eq!(values[9], Value::Blob(vec![0; 3]), "{encoding}");
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_an_error_and_no_null() {
        let conn = conn("UTF-8");
        let mut alone = Prepared::new(&conn, "SELECT 1", &[]).expect("a statement");
        let mut beside = Prepared::new(&conn, "SELECT 1", &[]).expect("a statement");
        for prepared in [&mut alone, &mut beside] {
            let mut rows = prepared.run();
            let row = rows.next().expect("a step").expect("a row");
            assert!(row.get(1).is_err() && row.get(usize::MAX).is_err());
        }
    }

    #[test]
    fn a_statement_that_is_compiled_again_by_sqlite_goes_on() {
        let conn = conn("UTF-8");
        conn.execute_batch("INSERT INTO t VALUES ('kept')").expect("a row");
        let mut prepared = Prepared::new(&conn, "SELECT a FROM t", &[]).expect("a statement");
        conn.execute_batch("ALTER TABLE t ADD COLUMN b").expect("another schema");
        assert!(prepared.raw.is_some());
        assert_eq!(row(&mut prepared, 1), [Value::Text("kept".into())]);
    }
}
