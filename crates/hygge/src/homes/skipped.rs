//! What is said of rows that a watermark cannot see.

use hygge_core::Advice;
use hygge_core::event::Note;

use crate::sqlite::names::grouped;

/// Rows without a value in the watermark's column were left out, as the flow asks by `nulls: skip`: said in every run, since
/// they will never come by themselves.
pub(super) fn left_out(rows: u64, column: &str) -> Note {
    let text = if rows == 1 {
        format!("1 row has no {column} and stays behind, as `nulls: skip` says")
    } else {
        format!("{} rows have no {column} and stay behind, as `nulls: skip` says", grouped(rows))
    };
    let next = format!("give such rows a value in {column}, or follow another column with `watermark:`");
    Note { next: Some(Advice::Do(next)), ..text.into() }
}
