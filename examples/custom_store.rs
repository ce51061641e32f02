//! A store of one's own: `cargo run --example custom_store -- -C examples/custom_store.yml go`
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use hygge::extend::arrow_array::RecordBatch;
use hygge::extend::{Error, Registry, Result, Setting, SimpleStore, WriteBatches};
use serde::Deserialize;

/// What stands below `type: journal` in the YAML.
#[derive(Deserialize)]
struct Options {
    path: String,
}

/// Writes how many rows came, a line for each batch.
struct Journal(PathBuf);

impl WriteBatches for Journal {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let io = |error| Error::io("write", &self.0, error);
        let mut file = File::options().create(true).append(true).open(&self.0).map_err(io)?;
        writeln!(file, "{} rows of {} columns", batch.num_rows(), batch.num_columns()).map_err(io)
    }
}

fn main() -> ExitCode {
    let registry = Registry::default().store("journal", |set: Setting<Options>| {
        Ok(Arc::new(SimpleStore::new("journal", &set.options.path, Journal(set.path(&set.options.path)))))
    });
    hygge::cli::run(registry)
}
