//! What SQLite's error codes mean, in plain words and with the right answer to "may it be tried again?".

use hygge_core::context::Cancellation;
use hygge_core::shell::argument;
use hygge_core::{Error, Retry};
use rusqlite::ErrorCode;

use super::names::nearest;

/// Tells a SQLite error of the database `shown` while `doing` something (`read`, `write to`, `open`).
pub(crate) fn explain(error: rusqlite::Error, doing: &str, shown: &str) -> Error {
    let busy = "wait until the other program has ended, then run again";
    let told = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::transient(format!("cannot {doing} {shown}: another program holds it locked")).next(busy)
        }
        Some(ErrorCode::FileLockingProtocolFailed) => {
            Error::transient(format!("cannot {doing} {shown}: its lock could not be taken in time")).next(busy)
        }
        Some(ErrorCode::DiskFull) => Error::failed(format!("cannot {doing} {shown}: the disk is full"))
            .next("free some space, then run again: what had settled before is untouched"),
        Some(ErrorCode::DatabaseCorrupt) => Error::failed(format!("cannot {doing} {shown}: the database is damaged"))
            .next(format!("look at it with  {}  and restore it from a backup", integrity_check(shown))),
        Some(ErrorCode::NotADatabase) => not_a_database(shown),
        Some(ErrorCode::ReadOnly) => Error::failed(format!("cannot {doing} {shown}: it may only be read"))
            .next(format!("give the user that runs hygge the right to write {shown} and its folder")),
        Some(ErrorCode::CannotOpen) => Error::failed(format!("cannot open {shown}"))
            .next(format!("check that {shown} and its folder can be read and written by the user that runs hygge")),
        Some(ErrorCode::PermissionDenied) => Error::failed(format!("cannot {doing} {shown}: permission denied"))
            .next(format!("give the user that runs hygge the right to {doing} {shown}")),
        Some(ErrorCode::SystemIoFailure) => {
            Error::failed(format!("cannot {doing} {shown}: the disk answered with an error"))
                .next("check the disk and its file system, then run again")
        }
        Some(ErrorCode::OutOfMemory) => Error::failed(format!("cannot {doing} {shown}: no memory is left")),
        Some(ErrorCode::TooBig) => {
            Error::failed(format!("cannot {doing} {shown}: a value is larger than SQLite can hold"))
        }
        Some(ErrorCode::OperationInterrupted) => Error::transient(format!("{shown}: a statement was interrupted")),
        Some(ErrorCode::SchemaChanged) => {
            Error::moved_on(format!("cannot {doing} {shown}: its tables changed meanwhile"))
        }
        _ => Error::failed(format!("cannot {doing} {shown}: {}", message(&error))),
    };
    match error {
        rusqlite::Error::SqlInputError { error, .. } => told.because(error),
        error => told.because(error),
    }
}

/// The command that tells what is damaged, as a shell takes it; `shown` may go on with the table (`shop.db, table users`).
fn integrity_check(shown: &str) -> String {
    let file = shown.split(", table ").next().unwrap_or(shown);
    let file = file.split(", query").next().unwrap_or(file);
    format!("sqlite3 {} 'PRAGMA integrity_check'", argument(file))
}

/// As [`explain`], but an interruption that was asked for is told as such.
pub(crate) fn explain_or_cancelled(error: rusqlite::Error, doing: &str, shown: &str, cancel: &Cancellation) -> Error {
    if let Err(cancelled) = cancel.check() {
        return cancelled;
    }
    explain(error, doing, shown)
}

/// A file that is something else.
pub(crate) fn not_a_database(shown: &str) -> Error {
    Error::refused(format!("{shown} is not a SQLite database (or it is encrypted)"))
        .next(format!("check that {shown} is the file you mean"))
}

/// Tells what is wrong with SQL that a person wrote as `part` (`where`, `query`); `columns` serve to guess what was meant.
pub(crate) fn bad_sql(error: rusqlite::Error, part: &str, shown: &str, columns: &[&str], tables: &[&str]) -> Error {
    if error.sqlite_error_code().is_some_and(|code| code != ErrorCode::Unknown) {
        return explain(error, "read", shown);
    }
    // Only the sentence: the error itself would show the statement, and with it what a person compares with.
    let text = message(&error);
    let guess = |missing: &str, from: &[&str]| nearest(missing, from.iter().copied()).map(str::to_owned);
    let advice = if let Some(name) = text.strip_prefix("no such column: ") {
        // `"pric" - should this be a string literal in single-quotes?`, or `t.pric`.
        let name = name.split(" - ").next().unwrap_or(name).trim_matches('"');
        let bare = name.rsplit('.').next().unwrap_or(name);
        guess(bare, columns).map(|c| format!("did you mean the column `{c}`?"))
    } else if let Some(name) = text.strip_prefix("no such table: ") {
        guess(name, tables).map(|t| format!("did you mean the table `{t}`?"))
    } else {
        None
    };
    let advice = advice.unwrap_or_else(|| format!("correct `{part}:`; it is SQL as SQLite takes it"));
    Error::refused(format!("SQLite does not understand `{part}:`: {text}")).at(shown).next(advice)
}

/// Whether waiting may help.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Makes an error of looking at a database before anything moved a refusal, unless it may pass.
pub(crate) fn before_anything(error: Error) -> Error {
    if error.retry() == Retry::Never && error.kind() == hygge_core::ErrorKind::Failed {
        error.as_refusal()
    } else {
        error
    }
}

/// SQLite's own sentence.
pub(crate) fn message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
