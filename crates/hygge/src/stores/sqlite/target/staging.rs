//! The hidden table of a load's transaction: made at its start, brought into the final one at its end.

use arrow_schema::Schema;
use hygge_core::{Error, Result};
use rusqlite::Connection;

use super::{Target, Way, create};
use crate::sqlite::names::{grouped, list, quoted};

impl Target {
    /// The hidden table of the transaction.
    pub(in super::super) fn stage(&self) -> String {
        quoted(&format!("_hygge_stage_{}", &blake3::hash(self.table.as_bytes()).to_hex()[..16]))
    }

    /// Where writers insert, quoted.
    pub(in super::super) fn into(&self) -> String {
        match self.way {
            Way::Alone | Way::Behind(_) => quoted(&self.table),
            Way::StagedAppend | Way::StagedMerge | Way::StagedInOrder => self.stage(),
        }
    }

    /// Statements at the start of the transaction.
    pub(in super::super) fn begin(&self, schema: &Schema) -> Result<Vec<String>> {
        let mut out = self.before.clone();
        let key: &[String] = match self.way {
            Way::StagedAppend | Way::StagedInOrder => &[],
            Way::StagedMerge => &self.key,
            Way::Alone | Way::Behind(_) => return Ok(out),
        };
        out.push(format!("DROP TABLE IF EXISTS {}", self.stage()));
        out.push(create(&self.stage(), schema, key)?);
        Ok(out)
    }

    /// Brings staged rows in, at the end of the transaction; there are `rows` of them.
    pub(in super::super) fn bring_in(
        &self,
        conn: &Connection,
        schema: &Schema,
        rows: u64,
        shown: &str,
        told: impl Fn(rusqlite::Error) -> Error,
    ) -> Result<()> {
        let columns = || schema.fields().iter().map(|f| f.name().as_str());
        let mut each_counts = true;
        let order_and_conflict = match self.way {
            Way::Alone | Way::Behind(_) => return Ok(()),
            Way::StagedAppend => String::new(),
            Way::StagedMerge | Way::StagedInOrder => {
                let order = if self.way == Way::StagedInOrder { by_rowid(schema) } else { String::new() };
                let key = list(self.key.iter().map(String::as_str));
                let set: Vec<String> = columns()
                    .filter(|c| !self.key.iter().any(|k| k.eq_ignore_ascii_case(c)))
                    .map(|c| format!("{0} = excluded.{0}", quoted(c)))
                    .collect();
                // Where the key is all there is of a row, one that is there already is neither added nor changed.
                each_counts = !set.is_empty();
                let action = if each_counts { format!("UPDATE SET {}", set.join(", ")) } else { "NOTHING".to_owned() };
                format!("{order} ON CONFLICT ({key}) DO {action}")
            }
        };
        // OR ABORT: what the table says ON CONFLICT (IGNORE, REPLACE) would let rows vanish without a word.
        let insert = format!(
            "INSERT OR ABORT INTO {} ({1}) SELECT {1} FROM {2} WHERE 1{order_and_conflict}",
            quoted(&self.table),
            list(columns()),
            self.stage()
        );
        let changed = conn.execute(&insert, []).map_err(&told)? as u64;
        if each_counts && changed != rows {
            return Err(Error::failed(format!(
                "{} rows were to settle in {}, and SQLite took {}: nothing was written",
                grouped(rows),
                self.table,
                grouped(changed)
            ))
            .at(shown)
            .next("let the flow settle in another table"));
        }
        Ok(())
    }

    /// Whether rows come by way of the hidden table.
    pub(in super::super) fn is_staged(&self) -> bool {
        matches!(self.way, Way::StagedAppend | Way::StagedMerge | Way::StagedInOrder)
    }

    /// The rows of the table that staged ones go by, for a FROM: those that these will change, and those that settled once
    /// they are brought in.
    pub(in super::super) fn counterparts(&self) -> String {
        let names: Vec<String> = (0..self.identity.len()).map(|n| quoted(&format!("_hygge_id_{n}"))).collect();
        let pairs = || self.identity.iter().map(|column| quoted(column)).zip(&names);
        let ids: Vec<String> = pairs().map(|(column, name)| format!("{column} AS {name}")).collect();
        let table = quoted(&self.table);
        // The staged value alone decides how the two compare, and takes the affinity of the other: so SQLite can look it up.
        let same: Vec<String> = pairs().map(|(column, name)| format!("+_hygge_s.{name} = {table}.{column}")).collect();
        let once = if self.way == Way::StagedInOrder { "DISTINCT " } else { "" };
        // CROSS: a load may be small, and the table large.
        format!(
            "(SELECT {once}{} FROM {}) AS _hygge_s CROSS JOIN {table} ON {}",
            ids.join(", "),
            self.stage(),
            same.join(" AND ")
        )
    }

    /// The last staged row of each key, for a FROM; none where no name is left for the id of a row, which tells.
    pub(in super::super) fn last_of_each(&self, schema: &Schema) -> Option<String> {
        let (stage, rowid) = (self.stage(), rowid_of(schema)?);
        let key = list(self.key.iter().map(String::as_str));
        Some(format!("{stage} WHERE {rowid} IN (SELECT max({rowid}) FROM {stage} GROUP BY {key})"))
    }

    /// Takes the hidden table away.
    pub(in super::super) fn drop_stage(&self, conn: &Connection) -> rusqlite::Result<()> {
        if self.is_staged() { conn.execute_batch(&format!("DROP TABLE {}", self.stage())) } else { Ok(()) }
    }
}

/// The name by which the id of a row of the hidden table can be had.
fn rowid_of(schema: &Schema) -> Option<&'static str> {
    let is_column = |id: &str| schema.fields().iter().any(|f| f.name().eq_ignore_ascii_case(id));
    ["rowid", "_rowid_", "oid"].into_iter().find(|id| !is_column(id))
}

/// Puts rows of the hidden table in the order in which they came.
fn by_rowid(schema: &Schema) -> String {
    // Without a name for it: a scan of a table goes by it, too.
    rowid_of(schema).map_or_else(String::new, |rowid| format!(" ORDER BY {rowid}"))
}
