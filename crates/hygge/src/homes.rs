//! Where rows live now.

pub mod csv;
pub mod exec;
pub mod files;
mod lookback;
pub mod parquet;
mod skipped;
pub mod sqlite;
mod typed;
