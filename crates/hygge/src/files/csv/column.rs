//! Cells into typed columns: the second of two passes over a block, column by column, with one way of reading each.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Decimal256Type, DurationMicrosecondType,
    DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, BooleanArray, NullArray, OffsetSizeTrait, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, NullBufferBuilder, ScalarBuffer};
use arrow_schema::{DataType, TimeUnit};
use hygge_core::{Error, Result};
use memchr::memchr;

use crate::files::cell::heap::{Heap, take_trimmed};
use crate::files::cell::reading::{Clock, Days, DaysInMillis, Decimals, Doubles, Moments, Reading, Singles, Whole};
use crate::files::cell::{self, lenient};

/// Records whose fields were found.
#[derive(Clone, Copy)]
pub struct Block<'a> {
    /// What the offsets point into.
    pub bytes: &'a [u8],
    /// As [`super::index::Indexer::index`] leaves them.
    pub offsets: &'a [u32],
    /// Offsets of one record.
    pub stride: usize,
}

impl<'a> Block<'a> {
    /// How many records.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.offsets.len() / self.stride
    }

    /// The fields of a column, with their quotes.
    #[inline]
    pub fn fields(&self, column: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        self.offsets
            .chunks_exact(self.stride)
            .map(move |record| &bytes[record[column] as usize + 1..record[column + 1] as usize])
    }

    /// One field, with its quotes.
    #[must_use]
    pub fn field(&self, row: usize, column: usize) -> &'a [u8] {
        let at = row * self.stride + column;
        &self.bytes[self.offsets[at] as usize + 1..self.offsets[at + 1] as usize]
    }
}

/// Which fields are NULL.
#[derive(Debug, Clone)]
pub struct Nulls {
    markers: Vec<Box<[u8]>>,
    /// Bit n: some marker has n bytes; the last bit stands for all longer ones.
    lengths: u64,
}

impl Nulls {
    /// The empty field, and the markers.
    #[must_use]
    pub fn new<S: AsRef<str>>(markers: &[S]) -> Self {
        let mut markers: Vec<Box<[u8]>> = markers.iter().map(|m| m.as_ref().as_bytes().into()).collect();
        markers.push(Box::default());
        let lengths = markers.iter().fold(0, |bits, m| bits | 1 << m.len().min(63));
        Self { markers, lengths }
    }

    /// Whether a field without quotes is NULL.
    #[inline]
    #[must_use]
    pub fn holds(&self, field: &[u8]) -> bool {
        self.lengths >> field.len().min(63) & 1 != 0 && (field.is_empty() || self.holds_marker(field))
    }

    fn holds_marker(&self, field: &[u8]) -> bool {
        self.markers.iter().any(|m| **m == *field)
    }
}

/// How every cell of a file is read.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The quote.
    pub quote: Option<u8>,
    /// NULLs. In columns of text and bytes only a field without quotes is NULL; in others also one with.
    pub nulls: Arc<Nulls>,
}

/// What is within the quotes of a field; the field itself where it has none. `scratch` is for fields that hold quotes.
pub fn unquoted<'a>(field: &'a [u8], quote: Option<u8>, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let Some(quote) = quote else { return field };
    let [first, inner @ .., last] = field else { return field };
    if *first != quote || *last != quote {
        return field;
    }
    let Some(mut at) = memchr(quote, inner) else { return inner };
    scratch.clear();
    let mut rest = inner;
    loop {
        // Of two quotes the first is kept.
        scratch.extend_from_slice(&rest[..=at]);
        rest = rest.get(at + 2..).unwrap_or_default();
        match memchr(quote, rest) {
            Some(next) => at = next,
            None => break,
        }
    }
    scratch.extend_from_slice(rest);
    scratch
}

/// A cell that is not what its column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Misfit {
    /// The record, counted in the block or, from [`ColumnBuilder::finish`], in the batch.
    pub row: usize,
}

/// A column in the making.
pub trait ColumnBuilder: Send {
    /// Takes the cells of one column of a block.
    ///
    /// # Errors
    /// The first record whose cell does not fit. What was taken of the block is then undefined.
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit>;

    /// All cells since the last call.
    ///
    /// # Errors
    /// The first record whose text is not UTF-8.
    fn finish(&mut self) -> Result<ArrayRef, Misfit>;
}

/// How many bytes a cell of the type takes beside its text.
#[must_use]
pub fn fixed_bytes(data_type: &DataType) -> usize {
    data_type.primitive_width().unwrap_or(4) + 1
}

/// Whether cells of the type can be read from text.
#[must_use]
pub fn is_readable(data_type: &DataType) -> bool {
    builder(data_type, false, &Rules { quote: None, nulls: Arc::new(Nulls::new::<&str>(&[])) }).is_ok()
}

/// A builder for columns of a type. `strict` is for types that were inferred: nothing but the form that was seen is taken.
///
/// # Errors
/// Refused for types that have no text: nested ones, intervals.
pub fn builder(data_type: &DataType, strict: bool, rules: &Rules) -> Result<Box<dyn ColumnBuilder>> {
    use DataType as T;
    macro_rules! typed {
        ($arrow:ty, $reader:expr) => {
            Ok(Box::new(Typed::<$arrow, _>::new(rules.clone(), strict, data_type.clone(), $reader)))
        };
    }
    macro_rules! whole {
        ($arrow:ty) => {
            typed!($arrow, Whole::<$arrow>(PhantomData))
        };
    }
    macro_rules! times {
        ($arrow:ty, $per_second:expr, $zone:expr) => {
            typed!($arrow, Moments { per_second: $per_second, zoned: $zone.is_some() })
        };
    }
    match data_type {
        T::Null => Ok(Box::new(Empty { rules: rules.clone(), rows: 0 })),
        T::Boolean => Ok(Box::new(Booleans {
            rules: rules.clone(),
            strict,
            values: BooleanBufferBuilder::new(0),
            nulls: NullBufferBuilder::new(0),
        })),
        T::Int8 => whole!(Int8Type),
        T::Int16 => whole!(Int16Type),
        T::Int32 => whole!(Int32Type),
        T::Int64 => whole!(Int64Type),
        T::UInt8 => whole!(UInt8Type),
        T::UInt16 => whole!(UInt16Type),
        T::UInt32 => whole!(UInt32Type),
        T::UInt64 => whole!(UInt64Type),
        T::Float32 => typed!(Float32Type, Singles),
        T::Float64 => typed!(Float64Type, Doubles),
        T::Date32 => typed!(Date32Type, Days),
        T::Date64 => typed!(Date64Type, DaysInMillis),
        T::Time32(TimeUnit::Second) => typed!(Time32SecondType, Clock { nanos_each: 1_000_000_000 }),
        T::Time32(TimeUnit::Millisecond) => typed!(Time32MillisecondType, Clock { nanos_each: 1_000_000 }),
        T::Time64(TimeUnit::Microsecond) => typed!(Time64MicrosecondType, Clock { nanos_each: 1000 }),
        T::Time64(TimeUnit::Nanosecond) => typed!(Time64NanosecondType, Clock { nanos_each: 1 }),
        T::Timestamp(TimeUnit::Second, zone) => times!(TimestampSecondType, 1, zone),
        T::Timestamp(TimeUnit::Millisecond, zone) => times!(TimestampMillisecondType, 1000, zone),
        T::Timestamp(TimeUnit::Microsecond, zone) => times!(TimestampMicrosecondType, 1_000_000, zone),
        T::Timestamp(TimeUnit::Nanosecond, zone) => times!(TimestampNanosecondType, 1_000_000_000, zone),
        T::Duration(TimeUnit::Second) => whole!(DurationSecondType),
        T::Duration(TimeUnit::Millisecond) => whole!(DurationMillisecondType),
        T::Duration(TimeUnit::Microsecond) => whole!(DurationMicrosecondType),
        T::Duration(TimeUnit::Nanosecond) => whole!(DurationNanosecondType),
        T::Decimal128(precision, scale) => {
            typed!(Decimal128Type, Decimals { precision: *precision, scale: *scale })
        }
        T::Decimal256(precision, scale) => {
            typed!(Decimal256Type, Decimals { precision: *precision, scale: *scale })
        }
        T::Utf8 => Ok(Box::new(Texts::<i32>::new(rules.clone()))),
        T::LargeUtf8 => Ok(Box::new(Texts::<i64>::new(rules.clone()))),
        T::Binary => Ok(Box::new(Hex::<i32>::new(rules.clone()))),
        T::LargeBinary => Ok(Box::new(Hex::<i64>::new(rules.clone()))),
        // The rest is read as its nearest kin and then cast, exactly.
        T::Float16 => cast_from(&T::Float32, data_type, strict, rules),
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) => {
            cast_from(&T::Decimal128(*precision, *scale), data_type, strict, rules)
        }
        T::Utf8View => cast_from(&T::Utf8, data_type, strict, rules),
        T::BinaryView | T::FixedSizeBinary(_) => cast_from(&T::Binary, data_type, strict, rules),
        T::Dictionary(_, values) => cast_from(values, data_type, strict, rules),
        other => Err(Error::refused(format!("columns of type {other} have no text in CSV"))),
    }
}

fn cast_from(from: &DataType, to: &DataType, strict: bool, rules: &Rules) -> Result<Box<dyn ColumnBuilder>> {
    if from.is_nested() || matches!(from, DataType::Dictionary(..)) {
        return Err(Error::refused(format!("columns of type {to} have no text in CSV")));
    }
    Ok(Box::new(Cast { inner: builder(from, strict, rules)?, to: to.clone() }))
}

enum Cell<N> {
    Value(N),
    Null,
    Misfit,
}

struct Typed<T: ArrowPrimitiveType, R> {
    rules: Rules,
    strict: bool,
    data_type: DataType,
    reading: R,
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType, R: Reading<T::Native>> Typed<T, R> {
    fn new(rules: Rules, strict: bool, data_type: DataType, reading: R) -> Self {
        Self { rules, strict, data_type, reading, values: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }

    /// Quoted fields, and those that only a declared type takes.
    #[cold]
    fn slowly(&self, field: &[u8]) -> Cell<T::Native> {
        let mut scratch = Vec::new();
        let text = unquoted(field, self.rules.quote, &mut scratch);
        if self.rules.nulls.holds(text) {
            return Cell::Null;
        }
        let value = self.reading.strict(text);
        let value = if value.is_none() && !self.strict { self.reading.lenient(text) } else { value };
        value.map_or(Cell::Misfit, Cell::Value)
    }
}

impl<T: ArrowPrimitiveType, R: Reading<T::Native>> ColumnBuilder for Typed<T, R> {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        self.values.reserve(block.rows());
        for (row, field) in block.fields(column).enumerate() {
            let value = if self.rules.nulls.holds(field) {
                None
            } else if let Some(value) = self.reading.strict(field) {
                Some(value)
            } else {
                match self.slowly(field) {
                    Cell::Value(value) => Some(value),
                    Cell::Null => None,
                    Cell::Misfit => return Err(Misfit { row }),
                }
            };
            self.values.push(value.unwrap_or_default());
            self.nulls.append(value.is_some());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let (values, nulls) = (take_trimmed(&mut self.values), self.nulls.finish());
        let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls);
        Ok(Arc::new(array.with_data_type(self.data_type.clone())))
    }
}

struct Booleans {
    rules: Rules,
    strict: bool,
    values: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

impl ColumnBuilder for Booleans {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        let mut scratch = Vec::new();
        for (row, field) in block.fields(column).enumerate() {
            let text = unquoted(field, self.rules.quote, &mut scratch);
            let value = if self.rules.nulls.holds(text) {
                None
            } else {
                let value = cell::boolean(text);
                let value = if value.is_none() && !self.strict { lenient::boolean(text) } else { value };
                Some(value.ok_or(Misfit { row })?)
            };
            self.values.append(value.unwrap_or_default());
            self.nulls.append(value.is_some());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(Arc::new(BooleanArray::new(self.values.finish(), self.nulls.finish())))
    }
}

struct Empty {
    rules: Rules,
    rows: usize,
}

impl ColumnBuilder for Empty {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        if let Some(row) = block.fields(column).position(|field| !self.rules.nulls.holds(field)) {
            return Err(Misfit { row });
        }
        self.rows += block.rows();
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(Arc::new(NullArray::new(std::mem::take(&mut self.rows))))
    }
}

struct Texts<O> {
    rules: Rules,
    heap: Heap<O>,
}

impl<O: OffsetSizeTrait> Texts<O> {
    fn new(rules: Rules) -> Self {
        Self { rules, heap: Heap::new() }
    }
}

impl<O: OffsetSizeTrait> ColumnBuilder for Texts<O> {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        let mut scratch = Vec::new();
        self.heap.offsets.reserve(block.rows());
        let quote = self.rules.quote;
        for field in block.fields(column) {
            if quote.is_some() && field.first().copied() == quote {
                self.heap.values.extend_from_slice(unquoted(field, quote, &mut scratch));
                self.heap.end(true);
            } else if self.rules.nulls.holds(field) {
                self.heap.end(false);
            } else {
                self.heap.values.extend_from_slice(field);
                self.heap.end(true);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        self.heap.finish_text().map_err(|row| Misfit { row })
    }
}

struct Hex<O> {
    rules: Rules,
    heap: Heap<O>,
}

impl<O: OffsetSizeTrait> Hex<O> {
    fn new(rules: Rules) -> Self {
        Self { rules, heap: Heap::new() }
    }
}

impl<O: OffsetSizeTrait> ColumnBuilder for Hex<O> {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        let mut scratch = Vec::new();
        for (row, field) in block.fields(column).enumerate() {
            let valid = !self.rules.nulls.holds(field);
            if valid && !cell::hex(unquoted(field, self.rules.quote, &mut scratch), &mut self.heap.values) {
                return Err(Misfit { row });
            }
            self.heap.end(valid);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        Ok(self.heap.finish_bytes())
    }
}

/// Reads a near kin, and casts each finished column.
struct Cast {
    inner: Box<dyn ColumnBuilder>,
    to: DataType,
}

impl ColumnBuilder for Cast {
    fn append(&mut self, block: &Block<'_>, column: usize) -> Result<(), Misfit> {
        self.inner.append(block, column)
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let options = arrow_cast::CastOptions { safe: false, ..arrow_cast::CastOptions::default() };
        let array = self.inner.finish()?;
        arrow_cast::cast_with_options(&array, &self.to, &options).map_err(|_| Misfit { row: 0 })
    }
}
