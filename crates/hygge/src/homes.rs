//! Where rows live now.

pub mod arrow;
pub mod avro;
pub mod csv;
pub mod exec;
pub mod files;
pub mod json;
mod lookback;
pub mod parquet;
mod skipped;
pub mod sqlite;
mod typed;
pub mod xlsx;
