//! Where rows live now.

pub mod csv;
pub mod files;
pub mod json;
mod lookback;
pub mod parquet;
mod skipped;
pub mod sqlite;
mod typed;
