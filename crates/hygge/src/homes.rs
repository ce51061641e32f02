//! Where rows live now.

pub mod csv;
mod lookback;
pub mod parquet;
pub mod sqlite;
