//! Where rows live now.

pub mod csv;
pub mod parquet;
pub mod sqlite;
