//! Where rows settle.

pub mod exec;
pub mod files;
pub(crate) mod leave_out;
pub(crate) mod plain;
pub mod sqlite;
