//! What the SQLite home and the SQLite store share: the file, connections, names, types, and rows on their way into
//! columns.

pub mod declared;

pub(crate) mod cells;
pub(crate) mod connect;
pub(crate) mod dates;
pub(crate) mod decode;
pub(crate) mod fault;
pub(crate) mod file;
pub(crate) mod names;
pub(crate) mod stream;
pub(crate) mod tables;
