//! Where rows live now.

pub mod csv;
mod lookback;
pub mod parquet;
mod skipped;
pub mod sqlite;
mod typed;
