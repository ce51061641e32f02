//! Where rows settle.

pub mod files;
pub mod sqlite;
