//! The Parquet home.
