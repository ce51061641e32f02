//! The CSV format: finding fields, parsing and rendering cells, and files of both.
//!
//! What is taken as CSV is RFC 4180 with a choice of separator and quote: a field that begins with the quote ends at
//! the next lone quote, two quotes in it stand for one, and it may hold separators and line ends. Beyond the RFC: lines
//! end in LF or CRLF; a quote inside an unquoted field is an ordinary character; an empty line is no record, except in
//! a file of one column, where it is a NULL.

pub mod blocks;
pub mod column;
pub mod complaint;
pub mod format;
pub mod head;
pub mod index;
pub mod piece;
pub mod render;
pub mod stream;

#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
pub(crate) mod tests;
