use std::sync::Arc;

use arrow_array::builder::{Int32Builder, ListBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, Date32Array, Decimal128Array, Decimal256Array, DictionaryArray,
    Float32Array, Float64Array, Int32Array, Int64Array, LargeStringArray, RecordBatch, RunArray, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray, UInt64Array, UnionArray,
};
use arrow_buffer::i256;
use arrow_schema::{DataType, Field, UnionFields};
use proptest::prelude::*;

use super::*;

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_from_iter(columns.into_iter().enumerate().map(|(i, c)| (format!("c{i}"), c)))
        .expect("equal lengths")
}

fn tally(batch: &RecordBatch) -> Tally {
    let mut tallier = Tallier::new(&batch.schema());
    tallier.add(batch).expect("the batch fits its own schema");
    tallier.tally()
}

fn one(array: impl Array + 'static) -> Tally {
    tally(&batch(vec![Arc::new(array)]))
}

#[test]
fn a_value_hashes_alike_however_it_is_carried() {
    assert_eq!(one(Int32Array::from(vec![1, -5, 0])), one(Int64Array::from(vec![1, -5, 0])));
    assert_eq!(one(UInt64Array::from(vec![7])), one(Int32Array::from(vec![7])));
    assert_eq!(one(StringArray::from(vec!["hygge"])), one(LargeStringArray::from(vec!["hygge"])));
    assert_eq!(
        one(StringArray::from(vec!["a longer text than fits in a view"])),
        one(StringViewArray::from(vec!["a longer text than fits in a view"]))
    );
    assert_eq!(
        one(StringArray::from(vec!["x", "y", "x"])),
        one(["x", "y", "x"].into_iter().collect::<DictionaryArray<Int32Type>>())
    );
    assert_eq!(
        one(TimestampMillisecondArray::from(vec![1_500])),
        one(TimestampMicrosecondArray::from(vec![1_500_000]))
    );
    assert_eq!(one(Float32Array::from(vec![0.5])), one(Float64Array::from(vec![0.5])));
    let scale = |v: i128, s| one(Decimal128Array::from(vec![v]).with_precision_and_scale(20, s).expect("fits"));
    assert_eq!(scale(150, 2), scale(15_000, 4));
    assert_ne!(scale(150, 2), scale(150, 3));
    assert_eq!(
        scale(150, 2),
        one(Decimal256Array::from(vec![i256::from_i128(15)]).with_precision_and_scale(40, 1).expect("fits"))
    );
}

#[test]
fn texts_of_every_length_hash_alike_wherever_they_lie() {
    let words: Vec<String> = (0..70).map(|n| "abcdefghij".chars().cycle().skip(n % 7).take(n).collect()).collect();
    let mut seen = std::collections::HashSet::new();
    for word in &words {
        let alone = one(StringArray::from(vec![word.as_str()]));
        assert!(seen.insert(alone.sum), "{} bytes hash as others did", word.len());
        assert_eq!(alone, one(StringViewArray::from(vec![word.as_str()])), "{} bytes in a view", word.len());
        assert_eq!(
            alone,
            one(LargeStringArray::from(vec!["before", word, "behind it, more than a block"]).slice(1, 1))
        );
        let views = StringViewArray::from(vec![Some("before, and not in the view"), None, Some(word)]);
        assert_eq!(alone, one(views.slice(2, 1)));
        assert_eq!(one(BinaryArray::from(vec![word.as_bytes()])), one(BinaryViewArray::from(vec![word.as_bytes()])));
        // A zero is a byte: texts are not told apart by what lies behind them alone.
        let longer = format!("{word}\0");
        assert_ne!(alone, one(StringArray::from(vec![longer.as_str()])));
    }
}

#[test]
fn decimals_of_two_columns_are_kept_apart() {
    let rows = |a: Vec<i128>, b: Vec<i128>| {
        let decimals = |v| Decimal128Array::from(v).with_precision_and_scale(15, 2).expect("fits");
        tally(&batch(vec![Arc::new(decimals(a)), Arc::new(decimals(b))]))
    };
    let right = rows(vec![100, 250], vec![7, -7]);
    assert_ne!(right, rows(vec![101, 249], vec![7, -7]), "what one row lost another has won");
    assert_ne!(right, rows(vec![107, 250], vec![0, -7]), "what one column lost another has won");
    assert_ne!(right, rows(vec![7, -7], vec![100, 250]));
    assert_ne!(right, rows(vec![100, 250], vec![-7, 7]));
}

#[test]
fn runs_views_and_unions_hash_as_what_they_hold() {
    let texts = StringArray::from(vec![Some("a"), Some("a"), None]);
    let ends = Int32Array::from(vec![2, 3]);
    let runs = RunArray::<Int32Type>::try_new(&ends, &StringArray::from(vec![Some("a"), None])).expect("two runs");
    assert_eq!(one(runs.clone()), one(texts.clone()));
    assert_eq!(one(runs.slice(1, 2)), one(texts.slice(1, 2)));
    let mut list = ListBuilder::new(Int32Builder::new());
    list.append_value([Some(1), None]);
    list.append_null();
    list.append_value([]);
    let list = list.finish();
    let item = || Arc::new(Field::new("item", DataType::Int32, true));
    for view in [DataType::ListView(item()), DataType::LargeListView(item())] {
        let view = arrow_cast::cast(&list, &view).expect("a view of lists");
        assert_eq!(tally(&batch(vec![view])), one(list.clone()));
    }
    let fields =
        UnionFields::from_fields(vec![Field::new("n", DataType::Int32, true), Field::new("m", DataType::Int32, true)]);
    let union = |ids: [i8; 2], n: i32, dense: bool| {
        let children: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![n, 2])), Arc::new(Int32Array::from(vec![n, 2]))];
        let offsets = dense.then(|| vec![0, 1].into());
        one(UnionArray::try_new(fields.clone(), ids.to_vec().into(), offsets, children).expect("a union"))
    };
    assert_eq!(union([0, 1], 1, true), union([0, 1], 1, false));
    assert_ne!(union([0, 1], 1, true), union([1, 1], 1, true), "the type is part of the value");
    assert_ne!(union([0, 1], 1, true), union([0, 1], 7, true));
}

#[test]
fn rows_cut_from_many_hash_as_they_did_among_them() {
    let mut list = ListBuilder::new(Int32Builder::new());
    for i in 0..20 {
        list.append_option((i % 5 != 0).then(|| (0..i % 4).map(|n| Some(n + i)).collect::<Vec<_>>()));
    }
    let list: ArrayRef = Arc::new(list.finish());
    let item = Arc::new(Field::new("item", DataType::Int32, true));
    let view = arrow_cast::cast(&list, &DataType::ListView(item)).expect("a view of lists");
    let texts: Vec<Option<String>> = (0..20).map(|i| (i % 6 != 0).then(|| format!("text {}", i % 13))).collect();
    let texts: DictionaryArray<Int32Type> = texts.iter().map(Option::as_deref).collect();
    let ends = Int32Array::from(vec![3, 4, 11, 20]);
    let values = StringArray::from(vec![Some("a"), None, Some("b"), Some("c")]);
    let runs = RunArray::<Int32Type>::try_new(&ends, &values).expect("four runs");
    let rows = batch(vec![list, view, Arc::new(texts), Arc::new(runs)]);
    let whole = tally(&rows);
    for step in [1, 3, 7] {
        let cuts = (0..20).step_by(step).map(|from| tally(&rows.slice(from, step.min(20 - from))));
        assert_eq!(cuts.fold(Tally::default(), Tally::plus), whole, "{step} rows at a time");
    }
}

#[test]
fn there_is_one_nan_and_one_zero() {
    assert_eq!(one(Float64Array::from(vec![0.0])), one(Float64Array::from(vec![-0.0])));
    assert_eq!(one(Float64Array::from(vec![f64::NAN])), one(Float64Array::from(vec![-f64::NAN])));
    assert_ne!(one(Float64Array::from(vec![f64::INFINITY])), one(Float64Array::from(vec![f64::NEG_INFINITY])));
}

#[test]
fn null_empty_and_zero_differ() {
    assert_ne!(one(StringArray::from(vec![Some("")])), one(StringArray::from(vec![None::<&str>])));
    assert_ne!(one(Int32Array::from(vec![Some(0)])), one(Int32Array::from(vec![None])));
    let list = |items: Option<Vec<i32>>| {
        let mut builder = ListBuilder::new(Int32Builder::new());
        builder.append_option(items.map(|v| v.into_iter().map(Some)));
        one(builder.finish())
    };
    assert_ne!(list(None), list(Some(vec![])));
    assert_ne!(list(Some(vec![1, 2])), list(Some(vec![2, 1])));
}

#[test]
fn cells_swapped_between_rows_or_columns_are_seen() {
    let pair =
        |a: Vec<i32>, b: Vec<i32>| tally(&batch(vec![Arc::new(Int32Array::from(a)), Arc::new(Int32Array::from(b))]));
    let right = pair(vec![1, 2], vec![10, 20]);
    assert_eq!(right, pair(vec![2, 1], vec![20, 10]), "the order of rows does not count");
    assert_ne!(right, pair(vec![1, 2], vec![20, 10]));
    assert_ne!(right, pair(vec![10, 20], vec![1, 2]));
}

#[test]
fn a_batch_with_other_columns_is_a_bug_not_a_hash() {
    let mut tallier = Tallier::new(&batch(vec![Arc::new(Int32Array::from(vec![1]))]).schema());
    assert!(tallier.add(&batch(vec![Arc::new(StringArray::from(vec!["1"]))])).is_err());
}

#[test]
fn the_very_same_arrays_are_known_again_and_others_are_hashed() {
    let rows = batch(vec![Arc::new(Int32Array::from(vec![1, 2])), Arc::new(StringArray::from(vec!["a", "b"]))]);
    let first = tally(&rows);
    let known = same::known(&rows).expect("hashed last");
    assert_eq!(first.sum, known);
    let swapped = batch(vec![Arc::clone(rows.column(0)), Arc::new(StringArray::from(vec!["b", "a"]))]);
    for other in [&swapped, &rows.slice(0, 1), &batch(vec![Arc::clone(rows.column(0))])] {
        assert_eq!(same::known(other), None);
    }
    assert_ne!(tally(&swapped), first);
    let elsewhere = std::thread::spawn({
        let rows = rows.clone();
        move || tally(&rows)
    });
    assert_eq!(elsewhere.join().expect("does not panic"), first, "hashed by a thread that knows nothing");
    assert_eq!(tally(&rows), first, "hashed anew behind another batch");
    let mut twice = Tallier::new(&rows.schema());
    twice.add(&rows).expect("fits");
    twice.add(&rows).expect("fits");
    assert_eq!(twice.tally(), first.plus(first), "the same batch twice is two batches");
    let dates: ArrayRef = Arc::new(Date32Array::from(vec![1, 2]));
    let mut other = Tallier::new(&batch(vec![dates]).schema());
    assert!(other.add(&rows.project(&[0]).expect("a column")).is_err());
}

#[test]
fn rows_are_told_apart_by_both_lanes() {
    let rows = batch(vec![Arc::new((0..1_000).collect::<Int64Array>())]);
    let hashes = Tallier::new(&rows.schema()).row_hashes(&rows).expect("fits");
    for lane in [0, 64] {
        let lane: std::collections::HashSet<u128> =
            hashes.iter().map(|hash| hash.0 >> lane & u128::from(u64::MAX)).collect();
        assert_eq!(lane.len(), 1_000);
    }
}

#[test]
fn the_hash_of_this_version_never_changes() {
    // Receipts keep these sums: another value here needs another HASH_VERSION.
    let rows = batch(vec![
        Arc::new(Int64Array::from(vec![Some(1), None])),
        Arc::new(StringArray::from(vec![Some("Aarhus"), Some("a text that is longer than sixteen bytes")])),
        Arc::new(Float64Array::from(vec![2.5, -1.0])),
        Arc::new(Decimal128Array::from(vec![-1_250, i128::MAX / 4]).with_precision_and_scale(38, 2).expect("fits")),
    ]);
    let text = serde_json::to_string(&tally(&rows)).expect("a tally is plain");
    assert_eq!(text, include_str!("golden.json").trim());
}

proptest! {
    #[test]
    fn the_sum_does_not_depend_on_cuts(values in prop::collection::vec((any::<i64>(), "\\PC{0,40}"), 1..60), cut in 0_usize..60) {
        let (numbers, texts): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        let whole = batch(vec![Arc::new(Int64Array::from(numbers)), Arc::new(StringArray::from(texts))]);
        let cut = cut.min(whole.num_rows());
        let mut parts = Tallier::new(&whole.schema());
        parts.add(&whole.slice(cut, whole.num_rows() - cut)).expect("fits");
        parts.add(&whole.slice(0, cut)).expect("fits");
        prop_assert_eq!(parts.tally(), tally(&whole));
    }

    #[test]
    fn one_changed_byte_changes_the_sum(text in "[a-z]{1,60}", at in 0_usize..60) {
        let at = at % text.len();
        let mut other = text.clone().into_bytes();
        other[at] ^= 1;
        let other = String::from_utf8(other).expect("still ASCII");
        prop_assert_ne!(one(StringArray::from(vec![text])), one(StringArray::from(vec![other])));
    }
}
