//! A home of one's own: `cargo run --example custom_home -- -C examples/custom_home.yml go`
use std::process::ExitCode;
use std::sync::Arc;

use hygge::extend::arrow_array::{RecordBatch, RecordBatchIterator, record_batch};
use hygge::extend::arrow_schema::{self, ArrowError};
use hygge::extend::{ReadBatches, Reader, Registry, Result, Setting, SimpleHome};
use serde::Deserialize;

/// What stands below `type: squares` in the YAML.
#[derive(Deserialize)]
struct Squares {
    to: i64,
}

impl ReadBatches for Squares {
    fn read_batches(&self) -> Result<Reader> {
        let schema = squares(0..0)?.schema();
        let to = self.to;
        // Lazily: a batch is made when the store asks for it.
        let batches = (1..=to).step_by(1_000).map(move |from| squares(from..(from + 1_000).min(to + 1)));
        Ok(Box::new(RecordBatchIterator::new(batches, schema)))
    }
}

fn squares(numbers: std::ops::Range<i64>) -> Result<RecordBatch, ArrowError> {
    let numbers: Vec<i64> = numbers.collect();
    let squares: Vec<i64> = numbers.iter().map(|n| n * n).collect();
    record_batch!(("n", Int64, numbers), ("square", Int64, squares))
}

fn main() -> ExitCode {
    let registry = Registry::default().home("squares", |set: Setting<Squares>| {
        Ok(Arc::new(SimpleHome::new("squares", format!("squares to {}", set.options.to), set.options)))
    });
    hygge::cli::run(registry)
}
