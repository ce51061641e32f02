//! The JSON format: finding values, reading them into columns, and writing columns as objects.
//!
//! What is taken as JSON is RFC 8259, and nothing beside it: no comments, no trailing commas, no `NaN`. A row is an
//! object. Rows stand one on a line (`ndjson`), one behind the other, or in an array; a line end inside a row is refused
//! where rows stand on lines, so that a line end is always the end of a row there.

pub mod blocks;
pub mod columns;
pub mod complaint;
pub mod format;
pub mod infer;
pub mod keys;
pub mod lexer;
pub mod piece;
pub mod render;
pub mod stream;

#[cfg(test)]
pub(crate) mod tests;
