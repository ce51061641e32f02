//! The store's own tables: the last commit of each place, and its receipts.

use hygge_core::place::PlaceId;
use hygge_core::receipt::{RECEIPTS_KEPT, Receipt};
use hygge_core::{Error, Result};
use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::fault::explain;

/// The head of every place, and the newest receipts.
const MAKE: &str = "\
CREATE TABLE IF NOT EXISTS _hygge_places(place TEXT PRIMARY KEY NOT NULL, seq INTEGER NOT NULL, run TEXT NOT NULL, owner TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _hygge_receipts(place TEXT NOT NULL, seq INTEGER NOT NULL, receipt TEXT NOT NULL, PRIMARY KEY(place, seq));";

/// How a place is called in the store's own tables. The path of the file is no part of it: a database can be moved.
fn name(place: &PlaceId) -> String {
    place.path.join("/")
}

fn exists(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row(
        "SELECT count(*) = 2 FROM sqlite_schema WHERE name IN ('_hygge_places', '_hygge_receipts')",
        [],
        |r| r.get(0),
    )
}

/// The number of the last commit; 0 where there is none.
pub(super) fn seq(conn: &Connection, place: &PlaceId) -> rusqlite::Result<u64> {
    if !exists(conn)? {
        return Ok(0);
    }
    let seq: Option<i64> =
        conn.query_row("SELECT seq FROM _hygge_places WHERE place = ?1", [name(place)], |r| r.get(0)).optional()?;
    Ok(seq.unwrap_or(0).unsigned_abs())
}

/// The receipt of the last commit.
pub(super) fn last(conn: &Connection, place: &PlaceId, shown: &str) -> Result<Option<Receipt>> {
    let told = |e| explain(e, "read", shown);
    if !exists(conn).map_err(told)? {
        return Ok(None);
    }
    let text: Option<Option<String>> = conn
        .query_row(
            "SELECT r.receipt FROM _hygge_places p LEFT JOIN _hygge_receipts r ON r.place = p.place AND r.seq = p.seq
             WHERE p.place = ?1",
            [name(place)],
            |r| r.get(0),
        )
        .optional()
        .map_err(told)?;
    match text {
        None => Ok(None),
        Some(Some(text)) => Receipt::from_json(&text).map(Some).map_err(|why| why.at(place)),
        Some(None) => Err(Error::refused(format!("the last receipt of {place} is gone from _hygge_receipts"))
            .next("restore the database from a backup, or let the flow settle in another table")),
    }
}

/// Leaves a receipt, inside the transaction that publishes the rows.
pub(super) fn leave(conn: &Connection, place: &PlaceId, receipt: &Receipt, text: &str) -> rusqlite::Result<()> {
    conn.execute_batch(MAKE)?;
    let (place, seq) = (name(place), i64::try_from(receipt.seq).unwrap_or(i64::MAX));
    conn.execute(
        "INSERT INTO _hygge_places VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT(place) DO UPDATE SET seq = excluded.seq, run = excluded.run, owner = excluded.owner",
        params![place, seq, receipt.run, receipt.owner.to_string()],
    )?;
    conn.execute("INSERT INTO _hygge_receipts VALUES (?1, ?2, ?3)", params![place, seq, text])?;
    let kept = i64::try_from(RECEIPTS_KEPT).unwrap_or(i64::MAX);
    conn.execute(
        "DELETE FROM _hygge_receipts WHERE place = ?1 AND seq <= ?2",
        params![place, seq.saturating_sub(kept)],
    )?;
    Ok(())
}
