//! The SQLite home.
