//! From SQLite's values into columns: one decoder a column, chosen once, exact or refused.

mod decimal;

use std::io::Write as _;

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, PrimitiveBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, TimeUnit};
use hygge_core::Error;
use rusqlite::types::ValueRef;

use super::dates::{parse_date, parse_moment, parse_time};

/// The whole numbers up to here are exact as 64-bit floating point.
pub(crate) const EXACT_INTEGERS: u64 = 1 << 53;

/// A value that a column cannot hold: what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit(pub(crate) &'static str);

type Fit<T> = std::result::Result<T, Misfit>;

/// Collects the values of one column.
pub(crate) trait Decode: Send {
    /// Takes a value and answers with the bytes that it takes in memory.
    fn push(&mut self, value: ValueRef<'_>) -> Fit<usize>;

    /// Gives the column and begins a new one of about `rows` rows. What is looked at for all values at once is found here.
    fn finish(&mut self, rows: usize) -> std::result::Result<ArrayRef, Late>;
}

/// What is found wrong when a column ends.
#[derive(Debug)]
pub(crate) enum Late {
    /// A row, counted from the first of the column, does not fit after all.
    Misfit(usize, Misfit),
    /// Anything else.
    Error(Error),
}

impl From<Error> for Late {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The word for what a value is.
pub(crate) fn word(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Null => "NULL",
        ValueRef::Integer(_) => "a whole number",
        ValueRef::Real(_) => "a real number",
        ValueRef::Text(_) => "text",
        ValueRef::Blob(_) => "a blob",
    }
}

/// What a column of the type takes, as a person would say it.
pub(crate) fn expected(data_type: &DataType) -> String {
    use DataType as T;
    match data_type {
        T::Boolean => "0, 1, true or false".into(),
        t if t.is_integer() => format!("a whole number ({t})"),
        T::Float16 | T::Float32 | T::Float64 => "a number".into(),
        t if t.is_decimal() => format!("a decimal number ({t})"),
        T::Date32 | T::Date64 => "a date (YYYY-MM-DD)".into(),
        T::Timestamp(_, None) => "a date and time (YYYY-MM-DD HH:MM:SS) without time zone".into(),
        T::Timestamp(_, Some(_)) => "a date and time with time zone (YYYY-MM-DD HH:MM:SS+00:00)".into(),
        T::Time32(_) | T::Time64(_) => "a time (HH:MM:SS)".into(),
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "text".into(),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "a blob".into(),
        other => other.to_string(),
    }
}

/// A decoder for columns of a type; none if there is none for it.
///
/// `lenient` says that a person (or what was observed) chose the type: then a number may become its exact text, a text
/// the number it spells, and an integer the time that it counts. Otherwise the declared type is taken at its word.
pub(crate) fn decoder(data_type: &DataType, nullable: bool, lenient: bool) -> Option<Box<dyn Decode>> {
    use DataType as T;
    macro_rules! int {
        ($t:ty) => {
            prim::<$t>(data_type, nullable, move |v| integer(v, lenient))
        };
    }
    macro_rules! stamp {
        ($t:ty, $per:expr, $zoned:expr) => {{
            let zoned = $zoned;
            prim::<$t>(data_type, nullable, move |v| moment(v, $per, zoned, lenient))
        }};
    }
    macro_rules! clock {
        ($t:ty, $per:expr) => {
            prim::<$t>(data_type, nullable, move |v| time_of_day::<<$t as ArrowPrimitiveType>::Native>(v, $per))
        };
    }
    Some(match data_type {
        T::Boolean => Box::new(Booleans { builder: BooleanBuilder::new(), nullable }),
        T::Int8 => int!(Int8Type),
        T::Int16 => int!(Int16Type),
        T::Int32 => int!(Int32Type),
        T::Int64 => int!(Int64Type),
        T::UInt8 => int!(UInt8Type),
        T::UInt16 => int!(UInt16Type),
        T::UInt32 => int!(UInt32Type),
        T::UInt64 => prim::<UInt64Type>(data_type, nullable, |v| integer(v, true)),
        T::Float32 => prim::<Float32Type>(data_type, nullable, move |v| {
            let wide = real(v, lenient)?;
            #[expect(clippy::cast_possible_truncation, reason = "what would be lost is a misfit")]
            let narrow = wide as f32;
            if f64::from(narrow).to_bits() == wide.to_bits() || wide.is_nan() {
                Ok(narrow)
            } else {
                Err(Misfit("a number that 32 bits cannot hold exactly"))
            }
        }),
        T::Float64 => prim::<Float64Type>(data_type, nullable, move |v| real(v, lenient)),
        T::Decimal128(p, s) => {
            let (p, s) = (*p, *s);
            prim::<Decimal128Type>(data_type, nullable, move |v| decimal::narrow(v, p, s))
        }
        T::Decimal256(p, s) => {
            let (p, s) = (*p, *s);
            prim::<Decimal256Type>(data_type, nullable, move |v| decimal::wide(v, p, s))
        }
        T::Date32 => prim::<Date32Type>(data_type, nullable, date),
        T::Timestamp(TimeUnit::Second, z) => stamp!(TimestampSecondType, 1, z.is_some()),
        T::Timestamp(TimeUnit::Millisecond, z) => stamp!(TimestampMillisecondType, 1_000, z.is_some()),
        T::Timestamp(TimeUnit::Microsecond, z) => stamp!(TimestampMicrosecondType, 1_000_000, z.is_some()),
        T::Timestamp(TimeUnit::Nanosecond, z) => stamp!(TimestampNanosecondType, 1_000_000_000, z.is_some()),
        T::Time32(TimeUnit::Second) => clock!(Time32SecondType, 1),
        T::Time32(_) => clock!(Time32MillisecondType, 1_000),
        T::Time64(TimeUnit::Microsecond) => clock!(Time64MicrosecondType, 1_000_000),
        T::Time64(_) => clock!(Time64NanosecondType, 1_000_000_000),
        T::Utf8 => Box::new(Texts::new(nullable, lenient)),
        T::Binary => Box::new(Blobs { builder: BinaryBuilder::new(), nullable, lenient, number: Vec::new() }),
        // The other forms of what is above are made of it, a column at a time.
        T::Null | T::LargeUtf8 | T::Utf8View => through(&T::Utf8, data_type, nullable, lenient)?,
        T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => through(&T::Binary, data_type, nullable, lenient)?,
        T::Float16 => through(&T::Float32, data_type, nullable, lenient)?,
        T::Date64 => through(&T::Date32, data_type, nullable, lenient)?,
        T::Decimal32(p, s) | T::Decimal64(p, s) => through(&T::Decimal128(*p, *s), data_type, nullable, lenient)?,
        T::Dictionary(_, values) => through(values, data_type, nullable, lenient)?,
        _ => return None,
    })
}

struct Prim<T: ArrowPrimitiveType, C> {
    builder: PrimitiveBuilder<T>,
    data_type: DataType,
    nullable: bool,
    convert: C,
}

fn prim<T: ArrowPrimitiveType>(
    data_type: &DataType,
    nullable: bool,
    convert: impl Fn(ValueRef<'_>) -> Fit<T::Native> + Send + 'static,
) -> Box<dyn Decode> {
    let builder = PrimitiveBuilder::<T>::new().with_data_type(data_type.clone());
    Box::new(Prim { builder, data_type: data_type.clone(), nullable, convert })
}

impl<T: ArrowPrimitiveType, C: Fn(ValueRef<'_>) -> Fit<T::Native> + Send> Decode for Prim<T, C> {
    fn push(&mut self, value: ValueRef<'_>) -> Fit<usize> {
        match value {
            ValueRef::Null if self.nullable => self.builder.append_null(),
            ValueRef::Null => return Err(Misfit("NULL")),
            value => self.builder.append_value((self.convert)(value)?),
        }
        Ok(size_of::<T::Native>())
    }

    fn finish(&mut self, rows: usize) -> std::result::Result<ArrayRef, Late> {
        let array = self.builder.finish();
        self.builder = PrimitiveBuilder::with_capacity(rows).with_data_type(self.data_type.clone());
        Ok(std::sync::Arc::new(array))
    }
}

struct Booleans {
    builder: BooleanBuilder,
    nullable: bool,
}

impl Decode for Booleans {
    fn push(&mut self, value: ValueRef<'_>) -> Fit<usize> {
        match value {
            ValueRef::Integer(0) => self.builder.append_value(false),
            ValueRef::Integer(1) => self.builder.append_value(true),
            ValueRef::Text(t) if t.eq_ignore_ascii_case(b"true") => self.builder.append_value(true),
            ValueRef::Text(t) if t.eq_ignore_ascii_case(b"false") => self.builder.append_value(false),
            ValueRef::Null if self.nullable => self.builder.append_null(),
            ValueRef::Integer(_) => return Err(Misfit("a whole number other than 0 and 1")),
            other => return Err(Misfit(word(other))),
        }
        Ok(1)
    }

    fn finish(&mut self, _: usize) -> std::result::Result<ArrayRef, Late> {
        Ok(std::sync::Arc::new(self.builder.finish()))
    }
}

/// Adds the text of a number: the shortest that is this number and no other, of a real one with the point that tells it
/// from a whole one.
fn exact_text(number: ValueRef<'_>, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = match number {
        ValueRef::Integer(v) => write!(out, "{v}"),
        ValueRef::Real(v) => write!(out, "{v:?}"),
        _ => Ok(()),
    };
}

/// Texts are gathered as bytes. Whether they are UTF-8 is asked for all of a column at once: that costs a fraction of asking
/// for each.
struct Texts {
    bytes: Vec<u8>,
    /// Where each ends.
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
    nullable: bool,
    lenient: bool,
}

impl Texts {
    fn new(nullable: bool, lenient: bool) -> Self {
        Self { bytes: Vec::new(), offsets: vec![0], nulls: NullBufferBuilder::new(0), nullable, lenient }
    }

    fn end(&mut self, from: usize) -> Fit<usize> {
        let end = i32::try_from(self.bytes.len()).map_err(|_| Misfit("more text than a batch can hold"))?;
        self.offsets.push(end);
        Ok(self.bytes.len() - from + size_of::<i32>())
    }
}

impl Decode for Texts {
    fn push(&mut self, value: ValueRef<'_>) -> Fit<usize> {
        let from = self.bytes.len();
        match value {
            ValueRef::Text(bytes) => self.bytes.extend_from_slice(bytes),
            ValueRef::Null if self.nullable => {
                self.nulls.append_null();
                return self.end(from);
            }
            ValueRef::Integer(_) | ValueRef::Real(_) if self.lenient => exact_text(value, &mut self.bytes),
            other => return Err(Misfit(word(other))),
        }
        self.nulls.append_non_null();
        self.end(from)
    }

    fn finish(&mut self, rows: usize) -> std::result::Result<ArrayRef, Late> {
        let next = (Vec::with_capacity(self.bytes.len()), Vec::with_capacity(rows + 1));
        let bytes = std::mem::replace(&mut self.bytes, next.0);
        let offsets = std::mem::replace(&mut self.offsets, next.1);
        self.offsets.push(0);
        let (ends, values) = (OffsetBuffer::new(offsets.into()), Buffer::from(bytes));
        match StringArray::try_new(ends.clone(), values.clone(), self.nulls.finish()) {
            Ok(array) => Ok(std::sync::Arc::new(array)),
            Err(error) => {
                let text = |pair: &[i32]| &values[pair[0].unsigned_abs() as usize..pair[1].unsigned_abs() as usize];
                let row = ends.windows(2).position(|pair| std::str::from_utf8(text(pair)).is_err());
                Err(row.map_or_else(
                    || Late::Error(error.into()),
                    |row| Late::Misfit(row, Misfit("text that is not UTF-8")),
                ))
            }
        }
    }
}

struct Blobs {
    builder: BinaryBuilder,
    nullable: bool,
    lenient: bool,
    number: Vec<u8>,
}

impl Decode for Blobs {
    fn push(&mut self, value: ValueRef<'_>) -> Fit<usize> {
        let bytes = match value {
            ValueRef::Blob(bytes) => bytes,
            ValueRef::Text(bytes) if self.lenient => bytes,
            ValueRef::Integer(_) | ValueRef::Real(_) if self.lenient => {
                self.number.clear();
                exact_text(value, &mut self.number);
                &self.number
            }
            ValueRef::Null if self.nullable => {
                self.builder.append_null();
                return Ok(size_of::<i32>());
            }
            other => return Err(Misfit(word(other))),
        };
        self.builder.append_value(bytes);
        Ok(bytes.len() + size_of::<i32>())
    }

    fn finish(&mut self, rows: usize) -> std::result::Result<ArrayRef, Late> {
        let array = self.builder.finish();
        self.builder = BinaryBuilder::with_capacity(rows, array.value_data().len());
        Ok(std::sync::Arc::new(array))
    }
}

struct Through {
    inner: Box<dyn Decode>,
    into: DataType,
}

fn through(by: &DataType, into: &DataType, nullable: bool, lenient: bool) -> Option<Box<dyn Decode>> {
    Some(Box::new(Through { inner: decoder(by, nullable, lenient)?, into: into.clone() }))
}

impl Decode for Through {
    fn push(&mut self, value: ValueRef<'_>) -> Fit<usize> {
        self.inner.push(value)
    }

    fn finish(&mut self, rows: usize) -> std::result::Result<ArrayRef, Late> {
        let array = self.inner.finish(rows)?;
        let options = CastOptions { safe: false, ..CastOptions::default() };
        if self.into == DataType::Null {
            return Ok(arrow_array::new_null_array(&DataType::Null, array.len()));
        }
        cast_with_options(array.as_ref(), &self.into, &options)
            .map_err(|e| Error::failed(format!("a column could not be read as {}", self.into)).because(e).into())
    }
}

fn spelt<T: std::str::FromStr>(text: &[u8]) -> Fit<T> {
    let text = std::str::from_utf8(text).map_err(|_| Misfit("text that is not UTF-8"))?;
    text.parse().map_err(|_| Misfit("text"))
}

fn integer<N: TryFrom<i64> + std::str::FromStr>(value: ValueRef<'_>, lenient: bool) -> Fit<N> {
    match value {
        ValueRef::Integer(v) => N::try_from(v).map_err(|_| Misfit("a whole number out of its range")),
        ValueRef::Text(text) if lenient => spelt(text),
        #[expect(clippy::cast_possible_truncation, reason = "only numbers that are whole and in range are cast")]
        ValueRef::Real(v) if lenient && v.fract() == 0.0 && v.abs() <= 9_007_199_254_740_992.0 => {
            N::try_from(v as i64).map_err(|_| Misfit("a whole number out of its range"))
        }
        other => Err(Misfit(word(other))),
    }
}

fn real(value: ValueRef<'_>, lenient: bool) -> Fit<f64> {
    match value {
        ValueRef::Real(v) => Ok(v),
        #[expect(clippy::cast_precision_loss, reason = "only numbers that are exact are cast")]
        ValueRef::Integer(v) if v.unsigned_abs() <= EXACT_INTEGERS => Ok(v as f64),
        ValueRef::Integer(_) => Err(Misfit("a whole number beyond 2^53, which a real number cannot hold exactly")),
        ValueRef::Text(text) if lenient => spelt(text),
        other => Err(Misfit(word(other))),
    }
}

fn date(value: ValueRef<'_>) -> Fit<i32> {
    match value {
        ValueRef::Text(text) => {
            parse_date(text).and_then(|d| i32::try_from(d).ok()).ok_or(Misfit("text of another form"))
        }
        other => Err(Misfit(word(other))),
    }
}

fn moment(value: ValueRef<'_>, per_second: i64, zoned: bool, lenient: bool) -> Fit<i64> {
    match value {
        ValueRef::Text(text) => {
            let moment = parse_moment(text).ok_or(Misfit("text of another form"))?;
            match (moment.zone.is_some(), zoned) {
                (true, false) => return Err(Misfit("text with a time zone")),
                (false, true) => return Err(Misfit("text without a time zone")),
                _ => {}
            }
            moment.units(per_second).ok_or(Misfit("a time that is finer than the column, or out of its range"))
        }
        ValueRef::Integer(v) if lenient => Ok(v),
        other => Err(Misfit(word(other))),
    }
}

fn time_of_day<N: TryFrom<i64>>(value: ValueRef<'_>, per_second: i64) -> Fit<N> {
    match value {
        ValueRef::Text(text) => {
            let ns = parse_time(text).ok_or(Misfit("text of another form"))?;
            let unit = 1_000_000_000 / per_second;
            if ns % unit != 0 {
                return Err(Misfit("a time that is finer than the column"));
            }
            N::try_from(ns / unit).map_err(|_| Misfit("a time out of range"))
        }
        other => Err(Misfit(word(other))),
    }
}

#[cfg(test)]
mod tests;
