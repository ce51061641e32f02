//! Values into typed columns: the second of two passes over a block, column by column, with one way of reading each.

mod nested;
mod typed;
mod weight;

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Decimal256Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_schema::{DataType, Field, Fields, TimeUnit};
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

pub(crate) use self::nested::in_quotes;
use self::nested::{Lists, Maps, Structs};
use self::typed::{Booleans, Empty, Hex, Numbers, Specials, Texts, Times};
pub(crate) use self::weight::{Scales, fixed_bytes, positions};
use super::keys::ESCAPED;
use super::lexer::Wrong;
use crate::files::cell::reading::{Clock, Days, DaysInMillis, Decimals, Doubles, Moments, Singles, Whole};

/// Where the values of one column lie in a block.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    /// What positions point into.
    pub bytes: &'a [u8],
    /// Of each row, where each value begins and ends, as [`super::keys::Members::find`] leaves them.
    pub slots: &'a [u32],
    /// Positions of one row.
    pub stride: usize,
    /// Which of them is the value's beginning.
    pub first: usize,
}

/// One value.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    /// Its text, a string with its quotes.
    pub(crate) text: &'a [u8],
    /// Where it begins in the block.
    pub(crate) begin: usize,
    /// Whether it is a text with escapes.
    pub(crate) escaped: bool,
}

impl<'a> Values<'a> {
    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.slots.len() / self.stride.max(1)
    }

    /// The values, none where there is none or it is `null`.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<Value<'a>>> + use<'a> {
        let Self { bytes, slots, stride, first } = *self;
        slots.chunks_exact(stride.max(1)).map(move |row| {
            let (begin, end) = (row[first] as usize, row[first + 1]);
            let escaped = end & ESCAPED != 0;
            let text = bytes.get(begin..(end & !ESCAPED) as usize).unwrap_or_default();
            // Nothing else begins so.
            if text.is_empty() || text[0] == b'n' { None } else { Some(Value { text, begin, escaped }) }
        })
    }
}

/// A value that is not what its column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The row, counted in the block or, from [`ColumnBuilder::finish`], in the batch.
    pub row: usize,
    /// The way from the column to the value: keys, and `[]` for items.
    pub path: Vec<String>,
    /// What is wrong.
    pub what: Unfit,
}

/// What a value is where another was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// A value of the kind that is told, where the type that is told was expected.
    Value {
        /// What it is, in words.
        found: &'static str,
        /// What was expected.
        expected: DataType,
    },
    /// An object with a key that is told.
    Object {
        /// What is wrong with it.
        what: Wrong,
        /// The key, where it has to do with one.
        key: String,
    },
    /// A text that is not UTF-8.
    Utf8,
}

impl Misfit {
    pub(crate) fn at(row: usize, what: Unfit) -> Self {
        Self { row, path: Vec::new(), what }
    }

    pub(crate) fn below(mut self, step: &str) -> Self {
        self.path.insert(0, step.to_owned());
        self
    }
}

/// A column in the making.
pub trait ColumnBuilder: Send {
    /// Takes the values of one column of a block.
    ///
    /// # Errors
    /// The first row whose value does not fit. What was taken of the block is then undefined.
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit>;

    /// About how many bytes the values since the last [`Self::finish`] take.
    fn held(&self) -> usize;

    /// All values since the last call.
    ///
    /// # Errors
    /// The first row whose text is not UTF-8.
    fn finish(&mut self) -> Result<ArrayRef, Misfit>;
}

/// What a type does not say: which columns of text hold the exact JSON of their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Form {
    /// The values themselves.
    #[default]
    Values,
    /// Texts that are the JSON of whatever stands there.
    Json,
    /// Of each child of the type.
    Nested(Vec<Form>),
}

impl Form {
    fn child(&self, at: usize) -> &Self {
        match self {
            Self::Nested(children) => children.get(at).unwrap_or(&Self::Values),
            _ => &Self::Values,
        }
    }
}

/// Whether values of the type can be read from JSON.
#[must_use]
pub fn is_readable(data_type: &DataType) -> bool {
    builder(data_type, &Form::Values, true).is_ok()
}

/// A builder for columns of a type. `strict` is for types that were inferred or written by us: nothing but the form that
/// was seen is taken.
///
/// # Errors
/// Refused for types that have no JSON: intervals, unions.
pub fn builder(data_type: &DataType, form: &Form, strict: bool) -> Result<Box<dyn ColumnBuilder>> {
    use DataType as T;
    macro_rules! whole {
        ($arrow:ty) => {
            Ok(Box::new(Numbers::<$arrow, _, false>::new(
                strict,
                data_type,
                Whole::<$arrow>(std::marker::PhantomData),
                |_| None,
            )))
        };
    }
    macro_rules! numbers {
        ($arrow:ty, $reader:expr) => {
            Ok(Box::new(Numbers::<$arrow, _, false>::new(strict, data_type, $reader, |_| None)))
        };
    }
    macro_rules! floats {
        ($arrow:ty, $reader:expr) => {
            Ok(Box::new(Numbers::<$arrow, _, true>::new(strict, data_type, $reader, Specials::of)))
        };
    }
    macro_rules! times {
        ($arrow:ty, $reader:expr) => {
            Ok(Box::new(Times::<$arrow, _>::new(strict, data_type, $reader)))
        };
    }
    macro_rules! moments {
        ($arrow:ty, $per_second:expr, $zone:expr) => {
            times!($arrow, Moments { per_second: $per_second, zoned: $zone.is_some() })
        };
    }
    match data_type {
        T::Null => Ok(Box::new(Empty::default())),
        T::Boolean => Ok(Box::new(Booleans::new(strict))),
        T::Int8 => whole!(Int8Type),
        T::Int16 => whole!(Int16Type),
        T::Int32 => whole!(Int32Type),
        T::Int64 => whole!(Int64Type),
        T::UInt8 => whole!(UInt8Type),
        T::UInt16 => whole!(UInt16Type),
        T::UInt32 => whole!(UInt32Type),
        T::UInt64 => whole!(UInt64Type),
        T::Float32 => floats!(Float32Type, Singles),
        T::Float64 => floats!(Float64Type, Doubles),
        T::Date32 => times!(Date32Type, Days),
        T::Date64 => times!(Date64Type, DaysInMillis),
        T::Time32(TimeUnit::Second) => times!(Time32SecondType, Clock { nanos_each: 1_000_000_000 }),
        T::Time32(TimeUnit::Millisecond) => times!(Time32MillisecondType, Clock { nanos_each: 1_000_000 }),
        T::Time64(TimeUnit::Microsecond) => times!(Time64MicrosecondType, Clock { nanos_each: 1000 }),
        T::Time64(TimeUnit::Nanosecond) => times!(Time64NanosecondType, Clock { nanos_each: 1 }),
        T::Timestamp(TimeUnit::Second, zone) => moments!(TimestampSecondType, 1, zone),
        T::Timestamp(TimeUnit::Millisecond, zone) => moments!(TimestampMillisecondType, 1000, zone),
        T::Timestamp(TimeUnit::Microsecond, zone) => moments!(TimestampMicrosecondType, 1_000_000, zone),
        T::Timestamp(TimeUnit::Nanosecond, zone) => moments!(TimestampNanosecondType, 1_000_000_000, zone),
        T::Duration(TimeUnit::Second) => whole!(DurationSecondType),
        T::Duration(TimeUnit::Millisecond) => whole!(DurationMillisecondType),
        T::Duration(TimeUnit::Microsecond) => whole!(DurationMicrosecondType),
        T::Duration(TimeUnit::Nanosecond) => whole!(DurationNanosecondType),
        T::Decimal128(precision, scale) => {
            numbers!(Decimal128Type, Decimals { precision: *precision, scale: *scale })
        }
        T::Decimal256(precision, scale) => {
            numbers!(Decimal256Type, Decimals { precision: *precision, scale: *scale })
        }
        T::Utf8 => Ok(Box::new(Texts::<i32>::new(form == &Form::Json, strict))),
        T::LargeUtf8 => Ok(Box::new(Texts::<i64>::new(form == &Form::Json, strict))),
        T::Binary => Ok(Box::new(Hex::<i32>::default())),
        T::LargeBinary => Ok(Box::new(Hex::<i64>::default())),
        T::Struct(fields) => {
            let children = children(fields, form, strict)?;
            Ok(Box::new(Structs::new(fields, children)))
        }
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) => {
            Ok(Box::new(Lists::new(data_type, builder(item.data_type(), form.child(0), strict)?)))
        }
        T::Map(entries, _) => match entries.data_type() {
            T::Struct(pair) if pair.len() == 2 => {
                let keys = builder(pair[0].data_type(), &Form::Values, strict)?;
                let values = builder(pair[1].data_type(), form.child(0), strict)?;
                Ok(Box::new(Maps::new(data_type, pair, keys, values)))
            }
            _ => Err(unreadable(data_type)),
        },
        // The rest is read as its nearest kin and then cast, exactly.
        T::Float16 => cast_from(&T::Float32, data_type, strict),
        T::Decimal32(precision, scale) | T::Decimal64(precision, scale) => {
            cast_from(&T::Decimal128(*precision, *scale), data_type, strict)
        }
        T::Utf8View => cast_from(&T::Utf8, data_type, strict),
        T::BinaryView | T::FixedSizeBinary(_) => cast_from(&T::Binary, data_type, strict),
        T::Dictionary(_, values) if !values.is_nested() && !matches!(**values, T::Dictionary(..)) => {
            cast_from(values, data_type, strict)
        }
        other => Err(unreadable(other)),
    }
}

fn unreadable(data_type: &DataType) -> Error {
    Error::refused(format!("columns of type {data_type} have no JSON"))
}

fn children(fields: &Fields, form: &Form, strict: bool) -> Result<Vec<Box<dyn ColumnBuilder>>> {
    fields.iter().enumerate().map(|(at, field)| builder(field.data_type(), form.child(at), strict)).collect()
}

fn cast_from(from: &DataType, to: &DataType, strict: bool) -> Result<Box<dyn ColumnBuilder>> {
    Ok(Box::new(Cast { inner: builder(from, &Form::Values, strict)?, to: to.clone() }))
}

/// Reads a near kin, and casts each finished column.
struct Cast {
    inner: Box<dyn ColumnBuilder>,
    to: DataType,
}

impl ColumnBuilder for Cast {
    fn append(&mut self, values: Values<'_>) -> Result<(), Misfit> {
        self.inner.append(values)
    }

    fn held(&self) -> usize {
        self.inner.held()
    }

    fn finish(&mut self) -> Result<ArrayRef, Misfit> {
        let options = arrow_cast::CastOptions { safe: false, ..arrow_cast::CastOptions::default() };
        let array = self.inner.finish()?;
        arrow_cast::cast_with_options(&array, &self.to, &options)
            .map_err(|_| Misfit::at(0, Unfit::Value { found: "a value of another size", expected: self.to.clone() }))
    }
}

/// An item of a list that was inferred.
pub(crate) fn item(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, true))
}
