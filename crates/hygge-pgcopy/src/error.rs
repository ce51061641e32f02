//! What goes wrong: where, what was found, and what to do about it.

use std::fmt;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A column that cannot be carried, found before anything was.
    Refused,
    /// A value that its column cannot hold exactly.
    Value,
    /// Bytes that no server sends.
    Stream,
    /// A call that the state of a decoder or encoder does not allow: a mistake of the caller's.
    Misuse,
}

/// An error that names the row and the column. Never holds a value.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    row: Option<u64>,
    column: Option<String>,
    found: String,
    advice: Option<String>,
}

impl Error {
    fn new(kind: ErrorKind, found: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, row: None, column: None, found: found.into(), advice: None }))
    }

    pub(crate) fn refused(column: &str, found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Refused, found).of(column)
    }

    pub(crate) fn value(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Value, found)
    }

    pub(crate) fn stream(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Stream, found)
    }

    pub(crate) fn misuse(found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Misuse, found)
    }

    #[must_use]
    pub(crate) fn row(mut self, row: u64) -> Self {
        self.0.row = Some(row);
        self
    }

    #[must_use]
    pub(crate) fn of(mut self, column: impl Into<String>) -> Self {
        self.0.column = Some(column.into());
        self
    }

    #[must_use]
    pub(crate) fn next(mut self, advice: impl Into<String>) -> Self {
        self.0.advice = Some(advice.into());
        self
    }

    /// What sort of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The row, counted from 1 within its stream.
    #[must_use]
    pub fn row_number(&self) -> Option<u64> {
        self.0.row
    }

    /// The column's name.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// What was found, without the place.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.0.found
    }

    /// One thing to do, as an imperative sentence without a full stop.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.advice.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.row, &self.0.column) {
            (Some(row), Some(column)) => write!(f, "row {row}, column {column}: ")?,
            (Some(row), None) => write!(f, "row {row}: ")?,
            (None, Some(column)) => write!(f, "column {column}: ")?,
            (None, None) => {}
        }
        f.write_str(&self.0.found)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        match &self.0.advice {
            Some(advice) => write!(f, " [{advice}]"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// What is wrong with one value, told by whoever looked at it; the place is added by whoever knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Sound, but the column cannot hold it exactly.
    Unfit(&'static str),
    /// Nothing that a server would send.
    Malformed(&'static str),
}

pub(crate) type Fit<T> = std::result::Result<T, Misfit>;
