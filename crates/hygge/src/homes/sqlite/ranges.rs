//! Ranges of row ids (or of an integer key) that hold about equally many rows.
//!
//! Nothing is counted in large tables: a few looks at evenly spread ids tell how dense the rows lie and how wide they
//! are. A wrong guess costs balance, never a row.

use hygge_core::Result;
use hygge_core::context::Context;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use crate::sqlite::fault::explain_or_cancelled;
use crate::sqlite::names::quoted;

/// How many places are looked at.
const LOOKS: usize = 16;

/// How many rows are looked at in each.
const LOOK_ROWS: usize = 64;

/// Up to this span of ids the rows are simply counted.
const COUNTED_SPAN: u64 = 50_000;

/// What is looked at.
pub(super) struct Look<'a> {
    pub(super) conn: &'a Connection,
    pub(super) at: &'a str,
    pub(super) from: &'a str,
    /// The integer that orders the rows: a rowid's name, or a column.
    pub(super) id: &'a str,
    /// The columns that will be read, as SQL.
    pub(super) columns: &'a str,
    /// The condition that rows must meet, as SQL; `1` for all.
    pub(super) filter: &'a str,
    pub(super) ctx: &'a Context,
}

/// The rows between two ids, as far as can be told cheaply.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    low: i64,
    high: i64,
    /// About how many rows lie in each of equally wide parts.
    parts: Vec<f64>,
    /// About how many bytes a row takes.
    pub(super) row_bytes: u64,
}

impl Spread {
    /// About how many rows there are.
    pub(super) fn rows(&self) -> u64 {
        rounded(self.parts.iter().sum())
    }

    fn width(&self) -> i128 {
        i128::from(self.high) - i128::from(self.low) + 1
    }

    /// The ids that cut the rows into `n` parts of about equal size: fewer where ids would repeat.
    pub(super) fn cuts(&self, n: u64) -> Vec<i64> {
        let total: f64 = self.parts.iter().sum();
        let part_width = to_f64(self.width()) / to_f64(self.parts.len() as i128);
        let mut cuts = Vec::new();
        let (mut before, mut part) = (0.0, 0);
        for k in 1..n {
            let target = total * to_f64(i128::from(k)) / to_f64(i128::from(n));
            while part + 1 < self.parts.len() && before + self.parts[part] < target {
                before += self.parts[part];
                part += 1;
            }
            let within =
                if self.parts[part] > 0.0 { ((target - before) / self.parts[part]).clamp(0.0, 1.0) } else { 0.0 };
            let offset = i128::from(rounded((to_f64(part as i128) + within) * part_width));
            let cut = i128::from(self.low) + offset;
            if let Ok(cut) = i64::try_from(cut)
                && cut > self.low
                && cut <= self.high
                && cuts.last().is_none_or(|last| cut > *last)
            {
                cuts.push(cut);
            }
        }
        cuts
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn to_f64(n: i128) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate; the cast saturates")]
fn rounded(n: f64) -> u64 {
    n.round() as u64
}

impl Look<'_> {
    fn told(&self, error: rusqlite::Error) -> hygge_core::Error {
        explain_or_cancelled(error, "read", self.at, &self.ctx.cancel)
    }

    /// The least and the greatest id; none where there is no row, or where an id is no integer.
    pub(super) fn ends(&self) -> Result<Option<(i64, i64)>> {
        let (id, from) = (self.id, self.from);
        let sql = format!("SELECT (SELECT min({id}) FROM {from}), (SELECT max({id}) FROM {from})");
        let ends = self.conn.query_row(&sql, [], |row| {
            Ok(match (row.get_ref(0)?, row.get_ref(1)?) {
                (ValueRef::Integer(low), ValueRef::Integer(high)) => Some((low, high)),
                _ => None,
            })
        });
        ends.map_err(|e| self.told(e))
    }

    /// Looks at the rows between two ids.
    pub(super) fn spread(&self, low: i64, high: i64) -> Result<Spread> {
        let width = i128::from(high) - i128::from(low) + 1;
        let mut bytes = Bytes::default();
        if width <= i128::from(COUNTED_SPAN) {
            // What is small is counted, so that the plan can tell the number of rows.
            let (id, from, filter) = (self.id, self.from, self.filter);
            let sql = format!("SELECT count(*) FROM {from} WHERE {id} BETWEEN ?1 AND ?2 AND ({filter})");
            let rows: i64 = self.conn.query_row(&sql, params![low, high], |r| r.get(0)).map_err(|e| self.told(e))?;
            self.look(low, high, &mut bytes)?;
            let parts = vec![to_f64(i128::from(rows))];
            return Ok(Spread { low, high, parts, row_bytes: bytes.mean() });
        }
        let mut parts = Vec::with_capacity(LOOKS);
        for i in 0..LOOKS as i128 {
            let from = i128::from(low) + width * i / LOOKS as i128;
            let to = i128::from(low) + width * (i + 1) / LOOKS as i128 - 1;
            let (Ok(from), Ok(to)) = (i64::try_from(from), i64::try_from(to)) else { continue };
            let (met, seen_to) = self.look(from, to, &mut bytes)?;
            let part = to_f64(i128::from(to) - i128::from(from) + 1);
            parts.push(match seen_to {
                // The part went on beyond what was looked at.
                Some(seen_to) => to_f64(i128::from(met)) * part / to_f64(i128::from(seen_to) - i128::from(from) + 1),
                None => to_f64(i128::from(met)),
            });
        }
        Ok(Spread { low, high, parts, row_bytes: bytes.mean() })
    }

    /// Looks at a few rows from `from` on, none beyond `to`: how many met the filter, and where it stopped looking,
    /// if that was before the end.
    fn look(&self, from: i64, to: i64, bytes: &mut Bytes) -> Result<(u32, Option<i64>)> {
        let (id, table, columns, filter) = (self.id, self.from, self.columns, self.filter);
        let sql = format!(
            "SELECT {id}, ({filter}), {columns} FROM {table} WHERE {id} BETWEEN ?1 AND ?2 ORDER BY {id} LIMIT {LOOK_ROWS}"
        );
        let mut statement = self.conn.prepare(&sql).map_err(|e| self.told(e))?;
        let width = statement.column_count();
        let mut rows = statement.query(params![from, to]).map_err(|e| self.told(e))?;
        let (mut seen, mut met, mut last) = (0, 0, from);
        while let Some(row) = rows.next().map_err(|e| self.told(e))? {
            seen += 1;
            last = row.get(0).map_err(|e| self.told(e))?;
            if !matches!(row.get_ref(1), Ok(ValueRef::Integer(0) | ValueRef::Null)) {
                met += 1;
            }
            bytes.rows += 1;
            for i in 2..width {
                bytes.bytes += match row.get_ref(i) {
                    Ok(ValueRef::Text(v) | ValueRef::Blob(v)) => v.len() as u64 + 4,
                    _ => 8,
                };
            }
        }
        Ok((met, (seen == LOOK_ROWS).then_some(last)))
    }
}

#[derive(Default)]
struct Bytes {
    rows: u64,
    bytes: u64,
}

impl Bytes {
    fn mean(&self) -> u64 {
        self.bytes.checked_div(self.rows).unwrap_or(0)
    }
}

/// The name of a rowid or column as SQL; a rowid's name must not be quoted, or it could be a column's.
pub(super) fn id_sql(rowid: Option<&'static str>, column: Option<&str>) -> Option<String> {
    rowid.map(str::to_owned).or_else(|| column.map(quoted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_follow_where_the_rows_are() {
        let even = Spread { low: 1, high: 1000, parts: vec![10.0; 10], row_bytes: 1 };
        assert_eq!(even.cuts(2), [501]);
        assert_eq!(even.cuts(4), [251, 501, 751]);
        let clustered =
            Spread { low: 0, high: 999, parts: vec![0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 100.0], row_bytes: 1 };
        assert_eq!(clustered.cuts(2), [950]);
        let tiny = Spread { low: 5, high: 6, parts: vec![2.0], row_bytes: 1 };
        assert_eq!(tiny.cuts(5), [6]);
        let whole = Spread { low: i64::MIN, high: i64::MAX, parts: vec![1.0, 1.0], row_bytes: 1 };
        assert_eq!(whole.cuts(2).len(), 1);
    }
}
