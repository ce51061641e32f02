//! Adds one column's cell hashes to the rows, a tight loop for each way a value can be carried.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, BinaryType, BinaryViewType, ByteArrayType, ByteViewType, Date32Type, Date64Type, Decimal32Type,
    Decimal64Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalYearMonthType, LargeBinaryType, LargeUtf8Type,
    RunEndIndexType, StringViewType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type, Utf8Type,
};
use arrow_array::{Array, ArrayAccessor};
use arrow_buffer::ArrowNativeType as _;
use arrow_data::{ByteView, MAX_INLINE_VIEW_LEN};
use arrow_schema::{DataType, IntervalUnit, TimeUnit, UnionFields};

use super::decimal::Scaled;
use super::hash::ColumnKey;
use super::kind::nanoseconds;
use crate::{Error, Result};

/// Adds the hash of each cell of `array` to its row's lanes.
pub(super) fn add_column(lanes: &mut [u64], key: ColumnKey, array: &dyn Array) -> Result<()> {
    use DataType as T;
    match array.data_type() {
        T::Null => {
            for row in lanes {
                add(row, key.null());
            }
        }
        T::Boolean => accessed(lanes, key, array, &array.as_boolean(), |v| key.word(u64::from(v))),
        T::Int8 => ints::<Int8Type>(lanes, key, array),
        T::Int16 => ints::<Int16Type>(lanes, key, array),
        T::Int32 => ints::<Int32Type>(lanes, key, array),
        T::Int64 => ints::<Int64Type>(lanes, key, array),
        T::UInt8 => ints::<UInt8Type>(lanes, key, array),
        T::UInt16 => ints::<UInt16Type>(lanes, key, array),
        T::UInt32 => ints::<UInt32Type>(lanes, key, array),
        T::UInt64 => native::<UInt64Type>(lanes, key, array, |v| key.wide(i128::from(v))),
        T::Float16 => native::<Float16Type>(lanes, key, array, |v| key.word(float_bits(f64::from(v)))),
        T::Float32 => native::<Float32Type>(lanes, key, array, |v| key.word(float_bits(f64::from(v)))),
        T::Float64 => native::<Float64Type>(lanes, key, array, |v| key.word(float_bits(v))),
        T::Decimal32(_, s) => decimals::<Decimal32Type>(lanes, key, array, *s),
        T::Decimal64(_, s) => decimals::<Decimal64Type>(lanes, key, array, *s),
        T::Decimal128(_, s) => decimals::<Decimal128Type>(lanes, key, array, *s),
        T::Decimal256(_, s) => {
            let scaled = Scaled::new(*s, key.factor());
            native::<Decimal256Type>(lanes, key, array, |v| scaled.element256(v));
        }
        T::Date32 => ints::<Date32Type>(lanes, key, array),
        T::Date64 => native::<Date64Type>(lanes, key, array, |v| key.wide(i128::from(v.div_euclid(86_400_000)))),
        T::Time32(TimeUnit::Second) => scaled::<Time32SecondType>(lanes, key, array, TimeUnit::Second),
        T::Time32(_) => scaled::<Time32MillisecondType>(lanes, key, array, TimeUnit::Millisecond),
        T::Time64(TimeUnit::Microsecond) => scaled::<Time64MicrosecondType>(lanes, key, array, TimeUnit::Microsecond),
        T::Time64(_) => scaled::<Time64NanosecondType>(lanes, key, array, TimeUnit::Nanosecond),
        T::Timestamp(unit, _) => match unit {
            TimeUnit::Second => scaled::<TimestampSecondType>(lanes, key, array, *unit),
            TimeUnit::Millisecond => scaled::<TimestampMillisecondType>(lanes, key, array, *unit),
            TimeUnit::Microsecond => scaled::<TimestampMicrosecondType>(lanes, key, array, *unit),
            TimeUnit::Nanosecond => scaled::<TimestampNanosecondType>(lanes, key, array, *unit),
        },
        T::Duration(unit) => match unit {
            TimeUnit::Second => scaled::<DurationSecondType>(lanes, key, array, *unit),
            TimeUnit::Millisecond => scaled::<DurationMillisecondType>(lanes, key, array, *unit),
            TimeUnit::Microsecond => scaled::<DurationMicrosecondType>(lanes, key, array, *unit),
            TimeUnit::Nanosecond => scaled::<DurationNanosecondType>(lanes, key, array, *unit),
        },
        T::Interval(unit) => intervals(lanes, key, array, *unit),
        T::Utf8 => bytes::<Utf8Type>(lanes, key, array),
        T::LargeUtf8 => bytes::<LargeUtf8Type>(lanes, key, array),
        T::Utf8View => views::<StringViewType>(lanes, key, array),
        T::Binary => bytes::<BinaryType>(lanes, key, array),
        T::LargeBinary => bytes::<LargeBinaryType>(lanes, key, array),
        T::BinaryView => views::<BinaryViewType>(lanes, key, array),
        T::FixedSizeBinary(_) => accessed(lanes, key, array, &array.as_fixed_size_binary(), |v| key.bytes(v)),
        T::Dictionary(..) => dictionary(lanes, key, array)?,
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) | T::ListView(_) | T::LargeListView(_) | T::Map(..) => {
            lists(lanes, key, array)?;
        }
        T::RunEndEncoded(ends, _) => match ends.data_type() {
            T::Int16 => runs::<Int16Type>(lanes, key, array)?,
            T::Int32 => runs::<Int32Type>(lanes, key, array)?,
            _ => runs::<Int64Type>(lanes, key, array)?,
        },
        T::Union(fields, _) => union(lanes, key, fields, array)?,
        T::Struct(_) => {
            let hashes = struct_hashes(key, array)?;
            for (i, row) in lanes.iter_mut().enumerate() {
                add(row, if array.is_null(i) { key.null() } else { hashes[i] });
            }
        }
    }
    Ok(())
}

#[inline]
fn add(row: &mut u64, cell: u64) {
    *row = row.wrapping_add(cell);
}

fn to_usize(n: i64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// One loop without NULLs, one with.
#[inline]
fn native<T: ArrowPrimitiveType>(
    lanes: &mut [u64],
    key: ColumnKey,
    array: &dyn Array,
    hash: impl Fn(T::Native) -> u64,
) {
    let array = array.as_primitive::<T>();
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => {
            for (row, &value) in lanes.iter_mut().zip(array.values()) {
                add(row, hash(value));
            }
        }
        Some(nulls) => {
            for ((row, &value), valid) in lanes.iter_mut().zip(array.values()).zip(nulls) {
                add(row, if valid { hash(value) } else { key.null() });
            }
        }
    }
}

fn ints<T: ArrowPrimitiveType>(lanes: &mut [u64], key: ColumnKey, array: &dyn Array)
where
    T::Native: Into<i64>,
{
    native::<T>(lanes, key, array, |v| key.word(v.into().cast_unsigned()));
}

fn scaled<T: ArrowPrimitiveType>(lanes: &mut [u64], key: ColumnKey, array: &dyn Array, unit: TimeUnit)
where
    T::Native: Into<i64>,
{
    let factor = nanoseconds(unit);
    native::<T>(lanes, key, array, |v| key.wide(i128::from(v.into()) * factor));
}

#[inline]
fn accessed<A: ArrayAccessor>(
    lanes: &mut [u64],
    key: ColumnKey,
    array: &dyn Array,
    values: &A,
    hash: impl Fn(A::Item) -> u64,
) {
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => {
            for (i, row) in lanes.iter_mut().enumerate() {
                add(row, hash(values.value(i)));
            }
        }
        Some(nulls) => {
            for (i, row) in lanes.iter_mut().enumerate() {
                add(row, if nulls.is_valid(i) { hash(values.value(i)) } else { key.null() });
            }
        }
    }
}

/// Texts and bytes, one behind the other.
fn bytes<T: ByteArrayType>(lanes: &mut [u64], key: ColumnKey, array: &dyn Array) {
    let array = array.as_bytes::<T>();
    let all = array.value_data();
    let nulls = array.nulls().filter(|n| n.null_count() > 0);
    for (i, (row, offsets)) in lanes.iter_mut().zip(array.value_offsets().windows(2)).enumerate() {
        let (from, to) = (offsets[0].as_usize(), offsets[1].as_usize());
        // One loop for both: what hashes a text is put into it only where it is there once.
        let null = nulls.is_some_and(|nulls| nulls.is_null(i));
        add(row, if null { key.null() } else { key.bytes_within(all, from, to - from) });
    }
}

/// Texts and bytes by views: the short ones lie in the views, with zeros behind them.
fn views<T: ByteViewType>(lanes: &mut [u64], key: ColumnKey, array: &dyn Array) {
    let array = array.as_byte_view::<T>();
    let buffers = array.data_buffers();
    let nulls = array.nulls().filter(|n| n.null_count() > 0);
    for (i, (row, &view)) in lanes.iter_mut().zip(array.views()).enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "its length")]
        let length = view as u32;
        let cell = if nulls.is_some_and(|nulls| nulls.is_null(i)) {
            key.null()
        } else if length <= MAX_INLINE_VIEW_LEN {
            key.padded(length, view >> 32)
        } else {
            let view = ByteView::from(view);
            key.bytes_within(&buffers[view.buffer_index as usize], view.offset as usize, length as usize)
        };
        add(row, cell);
    }
}

/// One NaN, one zero.
#[inline]
fn float_bits(v: f64) -> u64 {
    if v.is_nan() {
        f64::NAN.to_bits()
    } else if v == 0.0 {
        0
    } else {
        v.to_bits()
    }
}

fn decimals<T: ArrowPrimitiveType>(lanes: &mut [u64], key: ColumnKey, array: &dyn Array, scale: i8)
where
    T::Native: Into<i128>,
{
    let scaled = Scaled::new(scale, key.factor());
    native::<T>(lanes, key, array, |v| scaled.element(v.into()));
}

fn intervals(lanes: &mut [u64], key: ColumnKey, array: &dyn Array, unit: IntervalUnit) {
    let parts = |months: i64, days: i64, nanoseconds: i128| {
        let start = key.word(months.cast_unsigned());
        key.chain(key.chain(start, key.word(days.cast_unsigned())), key.wide(nanoseconds))
    };
    match unit {
        IntervalUnit::YearMonth => {
            native::<IntervalYearMonthType>(lanes, key, array, |v| parts(i64::from(v), 0, 0));
        }
        IntervalUnit::DayTime => native::<IntervalDayTimeType>(lanes, key, array, |v| {
            parts(0, i64::from(v.days), i128::from(v.milliseconds) * 1_000_000)
        }),
        IntervalUnit::MonthDayNano => native::<IntervalMonthDayNanoType>(lanes, key, array, |v| {
            parts(i64::from(v.months), i64::from(v.days), i128::from(v.nanoseconds))
        }),
    }
}

/// Hashes each distinct value once, then follows the keys; where there are more values than rows, as when a few rows were
/// cut from many, those of the rows alone.
fn dictionary(lanes: &mut [u64], key: ColumnKey, array: &dyn Array) -> Result<()> {
    let dictionary = array.as_any_dictionary();
    let values = dictionary.values();
    if values.len() > lanes.len() {
        let taken = arrow_select::take::take(values.as_ref(), dictionary.keys(), None)?;
        return add_column(lanes, key, taken.as_ref());
    }
    let mut hashes = vec![0; values.len()];
    add_column(&mut hashes, key, values.as_ref())?;
    if values.is_empty() {
        for row in lanes {
            add(row, key.null());
        }
        return Ok(());
    }
    for ((i, row), code) in lanes.iter_mut().enumerate().zip(dictionary.normalized_keys()) {
        add(row, if array.is_null(i) { key.null() } else { hashes[code] });
    }
    Ok(())
}

/// Every way in which items are kept, one behind the other.
fn lists(lanes: &mut [u64], key: ColumnKey, array: &dyn Array) -> Result<()> {
    use DataType as T;
    match array.data_type() {
        T::List(_) => {
            let list = array.as_list::<i32>();
            nested_list(lanes, key, array, list.values().as_ref(), |i| {
                let o = list.value_offsets();
                (o[i].unsigned_abs() as usize, o[i + 1].unsigned_abs() as usize)
            })?;
        }
        T::LargeList(_) => {
            let list = array.as_list::<i64>();
            nested_list(lanes, key, array, list.values().as_ref(), |i| {
                let o = list.value_offsets();
                (to_usize(o[i]), to_usize(o[i + 1]))
            })?;
        }
        T::FixedSizeList(_, size) => {
            let list = array.as_fixed_size_list();
            let size = size.unsigned_abs() as usize;
            nested_list(lanes, key, array, list.values().as_ref(), |i| (i * size, (i + 1) * size))?;
        }
        T::Map(..) => {
            let map = array.as_map();
            nested_list(lanes, key, array, map.entries(), |i| {
                let o = map.value_offsets();
                (o[i].unsigned_abs() as usize, o[i + 1].unsigned_abs() as usize)
            })?;
        }
        T::ListView(_) => {
            let list = array.as_list_view::<i32>();
            nested_list(lanes, key, array, list.values().as_ref(), |i| {
                let from = list.value_offsets()[i].unsigned_abs() as usize;
                (from, from + list.value_sizes()[i].unsigned_abs() as usize)
            })?;
        }
        T::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            nested_list(lanes, key, array, list.values().as_ref(), |i| {
                let from = to_usize(list.value_offsets()[i]);
                (from, from + to_usize(list.value_sizes()[i]))
            })?;
        }
        other => return Err(Error::bug(format!("{other} is no list"))),
    }
    Ok(())
}

/// Hashes each run of the rows once.
fn runs<R: RunEndIndexType>(lanes: &mut [u64], key: ColumnKey, array: &dyn Array) -> Result<()> {
    let runs = array.as_run::<R>();
    if lanes.is_empty() {
        return Ok(());
    }
    let (first, last) = (runs.get_physical_index(0), runs.get_physical_index(lanes.len() - 1));
    let mut hashes = vec![0; last + 1 - first];
    add_column(&mut hashes, key, runs.values().slice(first, last + 1 - first).as_ref())?;
    for (i, row) in lanes.iter_mut().enumerate() {
        add(row, hashes[runs.get_physical_index(i) - first]);
    }
    Ok(())
}

/// Which of the types a value has is part of it.
fn union(lanes: &mut [u64], key: ColumnKey, fields: &UnionFields, array: &dyn Array) -> Result<()> {
    let union = array.as_union();
    for (id, _) in fields.iter() {
        let child = union.child(id);
        let mut hashes = vec![0; child.len()];
        add_column(&mut hashes, key, child.as_ref())?;
        for (i, row) in lanes.iter_mut().enumerate().filter(|(i, _)| union.type_id(*i) == id) {
            add(row, key.chain(key.word(u64::from(id.unsigned_abs())), hashes[union.value_offset(i)]));
        }
    }
    Ok(())
}

fn nested_list(
    lanes: &mut [u64],
    key: ColumnKey,
    array: &dyn Array,
    values: &dyn Array,
    range: impl Fn(usize) -> (usize, usize),
) -> Result<()> {
    // Rows that were cut from many drag the items of all along; only their own are hashed.
    let (mut first, mut last) = (usize::MAX, 0);
    for (from, to) in (0..lanes.len()).filter(|&i| array.is_valid(i)).map(&range).filter(|(from, to)| from < to) {
        (first, last) = (first.min(from), last.max(to));
    }
    let first = first.min(last);
    let mut items = vec![0; last - first];
    add_column(&mut items, key, values.slice(first, last - first).as_ref())?;
    for (i, row) in lanes.iter_mut().enumerate() {
        if array.is_null(i) {
            add(row, key.null());
            continue;
        }
        let (from, to) = range(i);
        let mut hash = key.word((to - from) as u64);
        if from < to {
            for item in &items[from - first..to - first] {
                hash = key.chain(hash, *item);
            }
        }
        add(row, hash);
    }
    Ok(())
}

fn struct_hashes(key: ColumnKey, array: &dyn Array) -> Result<Vec<u64>> {
    let array = array.as_struct();
    let mut hashes = vec![key.word(array.num_columns() as u64); array.len()];
    for column in array.columns() {
        let mut cells = vec![0; array.len()];
        add_column(&mut cells, key, column.as_ref())?;
        for (hash, cell) in hashes.iter_mut().zip(cells) {
            *hash = key.chain(*hash, cell);
        }
    }
    Ok(hashes)
}
