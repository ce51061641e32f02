//! How large rows become where they are written out: where a word of a dictionary, a run or a view stands for many of
//! them, a few bytes can be gigabytes to whoever does.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int16Type, Int32Type, Int64Type, RunEndIndexType};
use arrow_array::{Array, OffsetSizeTrait, RecordBatch};
use arrow_schema::DataType;

/// How many rows from `from` on, at most `most` and at least one, take no more than `limit` bytes, and how many bytes
/// those are.
pub(super) fn fitting(rows: &RecordBatch, from: usize, most: usize, limit: usize) -> (usize, usize) {
    let bytes = |to: usize| {
        let each = rows.columns().iter().map(|column| unfolded(column, from, to, limit));
        each.fold(0, usize::saturating_add)
    };
    let all = bytes(from + most);
    if all <= limit || most <= 1 {
        return (most, all);
    }
    // Some fit, and all do not.
    let (mut fits, mut exceeds) = (1, most);
    while exceeds - fits > 1 {
        let half = fits + (exceeds - fits) / 2;
        if bytes(from + half) <= limit {
            fits = half;
        } else {
            exceeds = half;
        }
    }
    (fits, bytes(from + fits))
}

/// About how many bytes the rows take when each holds its own. Counting ends where they are more than `enough`.
fn unfolded(array: &dyn Array, from: usize, to: usize, enough: usize) -> usize {
    use DataType as T;
    let rows = to.saturating_sub(from);
    let sum = |each: &dyn Fn(usize) -> usize| {
        let mut sum: usize = 0;
        for row in (from..to).filter(|row| array.is_valid(*row)) {
            sum = sum.saturating_add(each(row));
            if sum > enough {
                break;
            }
        }
        sum
    };
    let span = |values: &dyn Array, from: usize, to: usize| unfolded(values, from, to, enough);
    match array.data_type() {
        T::Null => 0,
        T::Boolean => rows.div_ceil(8),
        T::Utf8 => offsets(array.as_string::<i32>().value_offsets(), from, to).2,
        T::LargeUtf8 => offsets(array.as_string::<i64>().value_offsets(), from, to).2,
        T::Binary => offsets(array.as_binary::<i32>().value_offsets(), from, to).2,
        T::LargeBinary => offsets(array.as_binary::<i64>().value_offsets(), from, to).2,
        T::FixedSizeBinary(width) => rows * usize::try_from(*width).unwrap_or(0),
        T::Utf8View => sum(&|row| array.as_string_view().value(row).len() + 16),
        T::BinaryView => sum(&|row| array.as_binary_view().value(row).len() + 16),
        T::Dictionary(..) => {
            // Only these rows: the keys are copied.
            let part = array.slice(from, rows);
            let packed = part.as_any_dictionary();
            let (keys, values) = (packed.keys(), packed.values());
            if values.is_empty() {
                return 0;
            }
            let words = packed.normalized_keys();
            sum(&|row| {
                let word = words[row - from];
                if keys.is_valid(row - from) { span(values, word, word + 1) } else { 0 }
            })
        }
        T::RunEndEncoded(ends, _) => match ends.data_type() {
            T::Int16 => sum(&run::<Int16Type>(array, enough)),
            T::Int32 => sum(&run::<Int32Type>(array, enough)),
            _ => sum(&run::<Int64Type>(array, enough)),
        },
        T::List(_) => list(array.as_list::<i32>().values(), array.as_list::<i32>().value_offsets(), (from, to), enough),
        T::LargeList(_) => {
            list(array.as_list::<i64>().values(), array.as_list::<i64>().value_offsets(), (from, to), enough)
        }
        T::Map(..) => list(array.as_map().entries(), array.as_map().value_offsets(), (from, to), enough),
        T::FixedSizeList(_, width) => {
            let width = usize::try_from(*width).unwrap_or(0);
            span(array.as_fixed_size_list().values(), from * width, to * width)
        }
        T::ListView(_) => {
            let list = array.as_list_view::<i32>();
            sum(&|row| view(list.value_offsets()[row], list.value_sizes()[row], &|a, b| span(list.values(), a, b)))
        }
        T::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            sum(&|row| view(list.value_offsets()[row], list.value_sizes()[row], &|a, b| span(list.values(), a, b)))
        }
        T::Struct(_) => {
            let each = array.as_struct().columns().iter().map(|column| span(column, from, to));
            each.fold(0, usize::saturating_add)
        }
        T::Union(..) => {
            let union = array.as_union();
            sum(&|row| {
                let at = union.value_offset(row);
                span(union.child(union.type_id(row)), at, at + 1)
            })
        }
        other => rows * other.primitive_width().unwrap_or(16),
    }
}

/// The values of some rows: from where to where, and how many bytes those and the offsets are.
fn offsets<O: OffsetSizeTrait>(offsets: &[O], from: usize, to: usize) -> (usize, usize, usize) {
    let (begin, end) = (offsets[from].as_usize(), offsets[to].as_usize());
    (begin, end, end - begin + (to - from) * size_of::<O>())
}

fn list<O: OffsetSizeTrait>(values: &dyn Array, of: &[O], (from, to): (usize, usize), enough: usize) -> usize {
    let (begin, end, _) = offsets(of, from, to);
    unfolded(values, begin, end, enough).saturating_add((to - from) * size_of::<O>())
}

fn view<O: OffsetSizeTrait>(offset: O, size: O, span: &dyn Fn(usize, usize) -> usize) -> usize {
    span(offset.as_usize(), offset.as_usize() + size.as_usize()).saturating_add(2 * size_of::<O>())
}

fn run<R: RunEndIndexType>(array: &dyn Array, enough: usize) -> impl Fn(usize) -> usize {
    let runs = array.as_run::<R>();
    move |row| {
        let at = runs.get_physical_index(row);
        unfolded(runs.values(), at, at + 1, enough)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{
        ArrayRef, DictionaryArray, Int32Array, ListArray, ListViewArray, RunArray, StringArray, StringViewArray,
        StructArray,
    };
    use arrow_buffer::{OffsetBuffer, ScalarBuffer};
    use arrow_schema::Field;

    use super::*;

    const LONG: usize = 1_000;

    fn words() -> StringArray {
        StringArray::from(vec!["", &"x".repeat(LONG)])
    }

    /// A hundred rows of which every other one shows the long word, which lies there once.
    fn folded() -> Vec<(&'static str, ArrayRef)> {
        let keys: Int32Array = (0..100).map(|i| i % 2).collect();
        let dictionary = Arc::new(DictionaryArray::<Int32Type>::new(keys.clone(), Arc::new(words())));
        let ends: Int32Array = (1..=100).collect();
        let views: Vec<String> = (0..100).map(|i| "x".repeat(LONG * (i % 2))).collect();
        let one: ArrayRef = dictionary.clone();
        let item = Arc::new(Field::new("item", one.data_type().clone(), true));
        let lists = ListArray::new(Arc::clone(&item), OffsetBuffer::from_lengths([1; 100]), Arc::clone(&one), None);
        let texts = Arc::new(Field::new("item", DataType::Utf8, true));
        let shown = ScalarBuffer::<i32>::from(vec![0; 100]);
        let sizes: ScalarBuffer<i32> = (0..100).map(|i| (i % 2) * 2).collect::<Vec<_>>().into();
        let list_views = ListViewArray::new(texts, shown, sizes, Arc::new(words()), None);
        let inner = Field::new("d", one.data_type().clone(), true);
        vec![
            ("dictionary", one.clone()),
            ("runs", Arc::new(RunArray::try_new(&ends, &one).expect("runs"))),
            ("views", Arc::new(StringViewArray::from_iter_values(views))),
            ("lists", Arc::new(lists)),
            ("list views", Arc::new(list_views)),
            ("structs", Arc::new(StructArray::new(vec![inner].into(), vec![one], None))),
        ]
    }

    #[test]
    fn rows_that_lie_folded_are_cut_by_what_they_show() {
        for (name, column) in folded() {
            for column in [Arc::clone(&column), column.slice(10, 80)] {
                let rows = RecordBatch::try_from_iter([("x", Arc::clone(&column))]).expect("a batch");
                // Ten long words, each with little beside it.
                let (n, bytes) = fitting(&rows, 4, 60, 10 * LONG + 900);
                assert!((19..=21).contains(&n), "{name}: {n} rows");
                assert!((10 * LONG..=10 * LONG + 900).contains(&bytes), "{name}: {bytes}");
                let (n, bytes) = fitting(&rows, 5, 60, 10);
                assert!((n, bytes) >= (1, LONG), "{name}: one row is the least");
                assert_eq!(fitting(&rows, 0, 80, 1 << 30).0, 80, "{name}");
            }
        }
    }

    #[test]
    fn what_is_null_takes_nothing() {
        let nulls = DictionaryArray::<Int32Type>::new(Int32Array::new_null(50), Arc::new(words()));
        let none = DictionaryArray::<Int32Type>::new(Int32Array::new_null(50), Arc::new(StringArray::new_null(0)));
        let columns: [(&str, ArrayRef); 2] = [("nulls", Arc::new(nulls)), ("none", Arc::new(none))];
        let rows = RecordBatch::try_from_iter(columns).expect("a batch");
        assert_eq!(fitting(&rows, 0, 50, 10), (50, 0));
    }

    #[test]
    fn columns_count_together_and_large_rows_do_not_hide_among_small_ones() {
        let plain = |row: usize| "x".repeat(if row == 30 { 9 * LONG } else { 0 });
        let plain: ArrayRef = Arc::new(StringArray::from_iter_values((0..100).map(plain)));
        for (name, column) in folded() {
            let rows = RecordBatch::try_from_iter([("x", column), ("plain", Arc::clone(&plain))]).expect("a batch");
            let (n, bytes) = fitting(&rows, 24, 60, 10 * LONG + 900);
            assert_eq!(n, 6, "{name}: {bytes}, three long words, and the fourth with the long text");
            assert_eq!(fitting(&rows, 30, 60, LONG).0, 1, "{name}");
        }
    }
}
