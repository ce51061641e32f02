//! The batch that was hashed last on this thread, so that the very same memory is not hashed again.
//!
//! A split is read and written by turns on one thread. Where the writer is given the arrays that the home made, and not
//! others made from them, hashing them again would tell nothing: an array cannot change once it is made. What is hashed
//! again is all that was cut, filtered, cast or copied on the way.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use arrow_array::{Array, RecordBatch};

use super::RowHash;

/// A batch, without keeping it alive.
struct Last {
    /// As long as these are here, no other array can have the address of one of them.
    columns: Vec<Weak<dyn Array>>,
    rows: usize,
    sum: RowHash,
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// The sum of the rows of `batch`, if it has the very arrays that were hashed last, in the same order.
pub(super) fn known(batch: &RecordBatch) -> Option<RowHash> {
    LAST.with_borrow(|last| {
        let last = last.as_ref()?;
        let same = last.rows == batch.num_rows()
            && last.columns.len() == batch.num_columns()
            && last
                .columns
                .iter()
                .zip(batch.columns())
                .all(|(last, column)| std::ptr::addr_eq(last.as_ptr(), Arc::as_ptr(column)));
        same.then_some(last.sum)
    })
}

/// Remembers the sum of the rows of a batch.
pub(super) fn remember(batch: &RecordBatch, sum: RowHash) {
    let columns = batch.columns().iter().map(Arc::downgrade).collect();
    LAST.set(Some(Last { columns, rows: batch.num_rows(), sum }));
}
