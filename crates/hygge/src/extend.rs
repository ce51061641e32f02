//! hygge with homes and stores of one's own: for programs that embed it.
//!
//! Such a program registers its types by name and hands the registry to [`crate::cli::run`]; from then on `type: my_home`
//! in a `hygge.yml` means its home, in every command. Nothing is found by itself: what was not registered is not there.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use hygge::extend::arrow_array::{RecordBatchIterator, record_batch};
//! use hygge::extend::arrow_schema;
//! use hygge::extend::{Reader, Registry, Result, Setting, SimpleHome};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Greeting {
//!     word: String,
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     let registry = Registry::default().home("greeting", |set: Setting<Greeting>| {
//!         let word = set.options.word.clone();
//!         Ok(Arc::new(SimpleHome::new("greeting", &set.options.word, move || -> Result<Reader> {
//!             let rows = record_batch!(("word", Utf8, [word.as_str()]))?;
//!             Ok(Box::new(RecordBatchIterator::new([Ok(rows.clone())], rows.schema())))
//!         })))
//!     });
//!     hygge::cli::run(registry)
//! }
//! ```

mod options;
mod registry;
mod value;

#[cfg(test)]
mod tests;

pub use hygge_core::simple::{
    ReadBatches, Reader, SimpleHome, SimpleStore, Sink, Unstaged, UnstagedStore, WriteBatches,
};
/// What the traits in full speak of.
pub use hygge_core::{
    Error, ErrorKind, Part, Result, Retry, budget, conformance, context, cut, event, home, place, receipt, simple,
    split, store, tally, watermark,
};
/// The versions of Arrow that the contract speaks, and of the values that splits and receipts keep.
pub use {arrow_array, arrow_schema, serde_json};

pub use self::options::Options;
pub(crate) use self::registry::{HomeType, StoreType};
pub use self::registry::{Registry, Setting};
