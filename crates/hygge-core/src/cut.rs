//! Cuts batches that came as large as somebody made them into batches that fit a split's memory.

use arrow_array::RecordBatch;

use crate::Result;
use crate::context::SplitContext;

/// The rows of one batch, in batches of at most [`SplitContext::batch_rows`] rows and about
/// [`SplitContext::batch_bytes`] bytes. They share the memory of the whole: nothing is copied.
pub struct Cut {
    rows: RecordBatch,
    at: usize,
    step: usize,
}

impl Cut {
    /// Cuts a batch that takes `bytes`, which are asked of the budget first. `describe` says for an error whose batch it
    /// is.
    ///
    /// # Errors
    /// If the batch is larger than the budget takes at once, or the run is told to stop while it waits.
    pub fn new(rows: RecordBatch, bytes: usize, ctx: &SplitContext, describe: impl FnOnce() -> String) -> Result<Self> {
        ctx.share.admit_batch(bytes, ctx.cancel(), describe)?;
        let by_bytes = rows.num_rows().saturating_mul(ctx.batch_bytes()) / bytes.max(1);
        let step = by_bytes.clamp(1, ctx.batch_rows);
        Ok(Self { rows, at: 0, step })
    }

    /// Bytes that the rows of a batch take, without what the batches that it was cut from take beside.
    #[must_use]
    pub fn size(rows: &RecordBatch) -> usize {
        let size = |column: &arrow_array::ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
        rows.columns().iter().map(size).sum()
    }
}

impl Iterator for Cut {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        let left = self.rows.num_rows() - self.at;
        let step = self.step.min(left);
        if step == 0 {
            return None;
        }
        let cut = self.rows.slice(self.at, step);
        self.at += step;
        Some(cut)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::conformance::{batch, context, rows, rows_of, split_context};

    #[test]
    fn a_batch_is_cut_by_rows_and_by_bytes_and_nothing_is_lost() {
        let ctx = context(PathBuf::new());
        let all = batch(&rows(0, 1_000));
        let cut = |bytes: usize, most: usize| -> Vec<RecordBatch> {
            Cut::new(all.clone(), bytes, &split_context(&ctx, most), || "x".into()).expect("fits").collect()
        };
        let by_rows = cut(Cut::size(&all), 300);
        assert_eq!(by_rows.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [300, 300, 300, 100]);
        assert_eq!(by_rows.iter().flat_map(rows_of).collect::<Vec<_>>(), rows(0, 1_000));
        // A batch of two mebibytes, of which one may be in flight at a time: the share of 8 MiB is cut in eight.
        let by_bytes = cut(2 << 20, 1_000);
        assert_eq!(by_bytes.len(), 2, "{:?}", by_bytes.iter().map(RecordBatch::num_rows).collect::<Vec<_>>());
        assert_eq!(cut(100, 7)[0].num_rows(), 7);
        assert!(Cut::new(all.slice(0, 0), 0, &split_context(&ctx, 7), String::new).expect("fits").next().is_none());
    }

    #[test]
    fn a_batch_beyond_the_budget_is_refused_with_the_memory_that_would_do() {
        let ctx = context(PathBuf::new());
        let split = split_context(&ctx, 100);
        let error = Cut::new(batch(&rows(0, 10)), 9 << 20, &split, || "batch 2 of x".into()).err().expect("too large");
        assert_eq!(error.place(), Some("batch 2 of x"));
        assert!(format!("{error:?}").contains("--memory 72MiB"), "{error:?}");
    }
}
