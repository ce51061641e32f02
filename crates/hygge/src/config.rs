//! The configuration as written and as resolved, with the position of everything.
//!
//! A file is read in passes: YAML becomes a tree in which every value knows its line and column; `--var` and `${VAR}` change single
//! values of it; then each mapping is read against the one table of keys, from which the JSON Schema comes, too. What is
//! wrong is collected rather than thrown, so that a person sees all of it at once.

mod ad_hoc;
mod connection;
mod custom;
mod entity;
mod environment;
mod fields;
mod flow;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod home;
mod inline;
mod keys;
mod kinds;
mod load;
mod local;
mod mode;
mod order;
mod overrides;
mod part;
mod problem;
mod question;
mod resolved;
mod root;
mod schema;
mod shape;
mod source;
mod spot;
mod store;
pub(crate) mod units;
mod yaml;

#[cfg(test)]
mod tests;

pub use ad_hoc::AdHoc;
pub use environment::Environment;
pub(crate) use home::names_tsv;
pub use kinds::{
    Area, Argument, ArrowPacking, ArrowStore, Below, ColumnTypes, CsvHome, CsvStore, CustomHome, CustomStore, Exec,
    FilesHome, HeaderAt, HomeConfig, HomePath, Infer, JsonHome, JsonStore, ParquetCodec, ParquetHome, ParquetStore,
    Partitions, SqliteHome, SqliteStore, StoreConfig, XlsxHome,
};
pub use load::Locate;
pub use part::is_own_type;
pub use problem::Problem;
pub use resolved::{DEFAULT_BATCH_ROWS, Entities, Entity, Flow, LogLevel, NamedHome, Project, RootOptions};
pub use schema::{schema_json, schema_json_with};
pub use source::{Pos, mask};
pub use spot::{Spot, Spots};
pub use units::{column_type, duration, size};

/// The tree, for those who read values of their own out of it.
pub(crate) mod tree {
    pub(crate) use super::problem::{any_of, nearest};
    pub(crate) use super::source::Pos;
    pub(crate) use super::yaml::{Name, Node, Scalar, Value};
}
