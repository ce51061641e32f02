//! Cuts batches that came as large as somebody made them into batches that fit a split's memory.

mod fit;

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::ArrowNativeType;
use arrow_schema::DataType;

use self::fit::fitting;
use crate::Result;
use crate::context::SplitContext;

/// The rows of one batch, in batches of at most [`SplitContext::batch_rows`] rows and about
/// [`SplitContext::batch_bytes`] bytes, as they are to whoever writes them out: where one value stands for many rows (in
/// a dictionary, a run, a view), it counts for each. They share the memory of the whole: nothing is copied.
pub struct Cut {
    /// None once all of it was handed on.
    rows: Option<RecordBatch>,
    at: usize,
    step: usize,
    ctx: SplitContext,
    shown: String,
    /// How many rows came before those of the batch, where rows are shown.
    before: u64,
}

impl Cut {
    /// Cuts a batch that takes `bytes`, which are asked of the budget first. `describe` says for an error whose batch it
    /// is.
    ///
    /// # Errors
    /// If the batch is larger than the budget takes at once, or the run is told to stop while it waits.
    pub fn new(rows: RecordBatch, bytes: usize, ctx: &SplitContext, describe: impl FnOnce() -> String) -> Result<Self> {
        let shown = describe();
        ctx.share.admit_batch(bytes, ctx.cancel(), || shown.clone())?;
        let by_bytes = rows.num_rows().saturating_mul(ctx.batch_bytes()) / bytes.max(1);
        let step = by_bytes.clamp(1, ctx.batch_rows);
        Ok(Self { step, ..Self::admitted(rows, 0, ctx, shown) })
    }

    /// Cuts a batch whose memory was asked for. For an error, its rows are those of `shown` behind the first `before`.
    #[must_use]
    pub fn admitted(rows: RecordBatch, before: u64, ctx: &SplitContext, shown: String) -> Self {
        Self { rows: Some(rows), at: 0, step: ctx.batch_rows.max(1), ctx: ctx.clone(), shown, before }
    }

    /// Bytes of memory that the rows of a batch take, without what the batches that it was cut from take beside.
    #[must_use]
    pub fn size(rows: &RecordBatch) -> usize {
        rows.columns().iter().map(|column| size(column)).fold(0, usize::saturating_add)
    }
}

fn size(array: &dyn Array) -> usize {
    let nulls = if array.nulls().is_some() { array.len().div_ceil(8) } else { 0 };
    let beside = match array.data_type() {
        DataType::Utf8View => views(array.as_string_view().views()),
        DataType::BinaryView => views(array.as_binary_view().views()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            part(list.values(), list.value_offsets().first(), list.value_offsets().last(), 4 * array.len())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            part(list.values(), list.value_offsets().first(), list.value_offsets().last(), 8 * array.len())
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            part(&entries, map.value_offsets().first(), map.value_offsets().last(), 4 * array.len())
        }
        DataType::FixedSizeList(..) => size(array.as_fixed_size_list().values()),
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| size(column)).sum(),
        DataType::Dictionary(..) => {
            let packed = array.as_any_dictionary();
            size(packed.keys()).saturating_add(size(packed.values()))
        }
        _ => return array.to_data().get_slice_memory_size().unwrap_or(0),
    };
    beside.saturating_add(nulls)
}

/// What views take, and the bytes that they show elsewhere.
fn views(views: &[u128]) -> usize {
    // The low half of a half is the length; up to twelve bytes lie in the view itself.
    let long = |view: &u128| usize::try_from(view & u128::from(u32::MAX)).unwrap_or(0);
    views.iter().map(|view| 16 + if long(view) > 12 { long(view) } else { 0 }).fold(0, usize::saturating_add)
}

/// The part of a list's values that its rows show, and `beside`.
fn part<O: ArrowNativeType>(values: &ArrayRef, first: Option<&O>, last: Option<&O>, beside: usize) -> usize {
    let at = |offset: Option<&O>| offset.map_or(0, |offset| offset.as_usize());
    size(&values.slice(at(first), at(last).saturating_sub(at(first)))).saturating_add(beside)
}

impl Iterator for Cut {
    type Item = Result<RecordBatch>;

    /// An error is that of a row which no budget takes ([`crate::budget::Share::admit_row`]).
    fn next(&mut self) -> Option<Result<RecordBatch>> {
        let rows = self.rows.take()?;
        let most = self.step.min(rows.num_rows() - self.at);
        if most == 0 {
            return None;
        }
        let (step, bytes) = fitting(&rows, self.at, most, self.ctx.batch_bytes());
        let row = self.before + self.at as u64 + 1;
        if let Err(error) = self.ctx.admit_row(bytes, || format!("{}, row {row}", self.shown)) {
            return Some(Err(error));
        }
        let cut = rows.slice(self.at, step);
        self.at += step;
        self.rows = (self.at < rows.num_rows()).then_some(rows);
        Some(Ok(cut))
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
            Cut::new(all.clone(), bytes, &split_context(&ctx, most), || "x".into())
                .expect("fits")
                .map(|rows| rows.expect("fits"))
                .collect()
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
    fn one_value_that_stands_for_many_rows_is_counted_with_each_of_them() {
        use arrow_array::types::Int32Type;
        use arrow_array::{DictionaryArray, Int32Array, StringArray};

        let ctx = context(PathBuf::new());
        let shown = |bytes: usize| {
            let words = StringArray::from(vec!["x".repeat(bytes)]);
            let column = DictionaryArray::<Int32Type>::new(Int32Array::from(vec![0; 100]), std::sync::Arc::new(words));
            let rows = RecordBatch::try_from_iter([("x", std::sync::Arc::new(column) as arrow_array::ArrayRef)]);
            let split = split_context(&ctx, 8_192);
            Cut::new(rows.expect("a batch"), bytes, &split, || "batch 1 of x".into()).expect("fits").next()
        };
        let one = |found: Option<Result<RecordBatch>>| found.expect("rows");
        // Of a share of 8 MiB, one may be in flight at a time.
        assert_eq!(one(shown(100 << 10)).expect("fits").num_rows(), 10);
        assert_eq!(one(shown(5 << 20)).expect("a giant row, by the reserve").num_rows(), 1);
    }

    #[test]
    fn rows_take_what_they_show_and_not_what_they_were_cut_from() {
        let texts: Vec<String> = (0..100).map(|i| format!("{i:03} {}", "x".repeat(96))).collect();
        let lists = |texts: &[String]| {
            let mut list = arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new());
            for text in texts {
                list.append_value([Some(text)]);
            }
            list.finish()
        };
        let words: Vec<&str> = texts.iter().map(String::as_str).collect();
        let columns: [(&str, ArrayRef); 4] = [
            ("text", Arc::new(arrow_array::StringArray::from_iter_values(&words))),
            ("view", Arc::new(arrow_array::StringViewArray::from_iter_values(&words))),
            ("list", Arc::new(lists(&texts))),
            (
                "word",
                Arc::new(words.iter().copied().collect::<arrow_array::DictionaryArray<arrow_array::types::Int8Type>>()),
            ),
        ];
        for (name, column) in columns {
            let ten = RecordBatch::try_from_iter([("x", column.slice(20, 10))]).expect("a batch");
            let (_, size) = fitting(&ten, 0, 10, usize::MAX);
            assert!((1_000..1_300).contains(&size), "{name} written out: {size}");
            let size = Cut::size(&ten);
            assert!(if name == "word" { size > 10_000 } else { size < 1_300 }, "{name}: {size}");
        }
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
