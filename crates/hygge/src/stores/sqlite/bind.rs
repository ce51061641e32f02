//! From columns to the parameters of an INSERT: one binder a column, chosen once a batch, exact or refused.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType,
    Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayAccessor};
use arrow_schema::{DataType, TimeUnit};
use hygge_core::{Error, Result};
use rusqlite::types::Null;
use rusqlite::{Statement, ToSql};

use crate::sqlite::dates::{DAY_NS, push_date, push_moment, push_time};

/// Why a value could not be bound.
#[derive(Debug)]
pub(super) enum Unfit {
    /// What SQLite says.
    Sql(rusqlite::Error),
    /// What the value is.
    Value(&'static str),
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

type Bound = std::result::Result<(), Unfit>;

/// Binds the value of a row to the column's parameter.
pub(super) type Bind<'a> = Box<dyn Fn(&mut Statement<'_>, usize) -> Bound + 'a>;

/// A binder for a column, to the parameter `at`.
pub(super) fn binder(array: &dyn Array, at: usize) -> Result<Bind<'_>> {
    use DataType as T;
    macro_rules! int {
        ($t:ty) => {
            prim::<$t, _>(array, at, |v| Ok(i64::from(v)))
        };
    }
    macro_rules! real {
        ($t:ty) => {
            prim::<$t, _>(array, at, |v| {
                let v = f64::from(v);
                // SQLite would store NULL.
                if v.is_nan() { Err(Unfit::Value("a number that is no number (NaN)")) } else { Ok(v) }
            })
        };
    }
    macro_rules! stamp {
        ($t:ty, $per:expr, $zone:expr) => {{
            let zone = if $zone.is_some() { "+00:00" } else { "" };
            text::<$t>(array, at, move |out, v| {
                push_moment(out, v, $per);
                out.push_str(zone);
                Ok(())
            })
        }};
    }
    macro_rules! clock {
        ($t:ty, $per:expr) => {
            text::<$t>(array, at, |out, v| match i64::from(v).checked_mul(1_000_000_000 / $per) {
                Some(ns) if (0..DAY_NS).contains(&ns) => {
                    push_time(out, ns);
                    Ok(())
                }
                _ => Err(Unfit::Value("a time outside of the day")),
            })
        };
    }
    Ok(match array.data_type() {
        T::Null => Box::new(move |statement, _| Ok(statement.raw_bind_parameter(at, Null)?)),
        T::Boolean => accessed(array, array.as_boolean(), at, i64::from),
        T::Int8 => int!(Int8Type),
        T::Int16 => int!(Int16Type),
        T::Int32 => int!(Int32Type),
        T::Int64 => int!(Int64Type),
        T::UInt8 => int!(UInt8Type),
        T::UInt16 => int!(UInt16Type),
        T::UInt32 => int!(UInt32Type),
        T::UInt64 => text::<UInt64Type>(array, at, |out, v| {
            write(out, format_args!("{v}"));
            Ok(())
        }),
        T::Float16 => real!(Float16Type),
        T::Float32 => real!(Float32Type),
        T::Float64 => real!(Float64Type),
        T::Decimal32(_, s) => decimal::<Decimal32Type>(array, at, *s),
        T::Decimal64(_, s) => decimal::<Decimal64Type>(array, at, *s),
        T::Decimal128(_, s) => decimal::<Decimal128Type>(array, at, *s),
        T::Decimal256(_, s) => decimal::<Decimal256Type>(array, at, *s),
        T::Date32 => text::<Date32Type>(array, at, |out, v| {
            push_date(out, i64::from(v));
            Ok(())
        }),
        T::Date64 => text::<Date64Type>(array, at, |out, v| {
            if v % 86_400_000 != 0 {
                return Err(Unfit::Value("a date with a time of day"));
            }
            push_date(out, v / 86_400_000);
            Ok(())
        }),
        T::Timestamp(TimeUnit::Second, z) => stamp!(TimestampSecondType, 1, z),
        T::Timestamp(TimeUnit::Millisecond, z) => stamp!(TimestampMillisecondType, 1_000, z),
        T::Timestamp(TimeUnit::Microsecond, z) => stamp!(TimestampMicrosecondType, 1_000_000, z),
        T::Timestamp(TimeUnit::Nanosecond, z) => stamp!(TimestampNanosecondType, 1_000_000_000, z),
        T::Time32(TimeUnit::Second) => clock!(Time32SecondType, 1),
        T::Time32(_) => clock!(Time32MillisecondType, 1_000),
        T::Time64(TimeUnit::Microsecond) => clock!(Time64MicrosecondType, 1_000_000),
        T::Time64(_) => clock!(Time64NanosecondType, 1_000_000_000),
        T::Utf8 => accessed(array, array.as_string::<i32>(), at, |v| v),
        T::LargeUtf8 => accessed(array, array.as_string::<i64>(), at, |v| v),
        T::Utf8View => accessed(array, array.as_string_view(), at, |v| v),
        T::Binary => accessed(array, array.as_binary::<i32>(), at, |v| v),
        T::LargeBinary => accessed(array, array.as_binary::<i64>(), at, |v| v),
        T::BinaryView => accessed(array, array.as_binary_view(), at, |v| v),
        T::FixedSizeBinary(_) => accessed(array, array.as_fixed_size_binary(), at, |v| v),
        T::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = binder(dictionary.values().as_ref(), at)?;
            let codes = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
            Box::new(move |statement, row| match codes.get(row) {
                Some(&code) if array.is_valid(row) => values(statement, code),
                _ => Ok(statement.raw_bind_parameter(at, Null)?),
            })
        }
        other => return Err(Error::bug(format!("a column of {other} was planned for SQLite"))),
    })
}

fn prim<T: ArrowPrimitiveType, V: ToSql>(
    array: &dyn Array,
    at: usize,
    convert: impl Fn(T::Native) -> std::result::Result<V, Unfit> + 'static,
) -> Bind<'_> {
    let array = array.as_primitive::<T>();
    let values = array.values();
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => Box::new(move |statement, row| Ok(statement.raw_bind_parameter(at, convert(values[row])?)?)),
        Some(nulls) => Box::new(move |statement, row| {
            if nulls.is_null(row) {
                return Ok(statement.raw_bind_parameter(at, Null)?);
            }
            Ok(statement.raw_bind_parameter(at, convert(values[row])?)?)
        }),
    }
}

/// Values that become text, by way of one buffer.
fn text<T: ArrowPrimitiveType>(
    array: &dyn Array,
    at: usize,
    push: impl Fn(&mut String, T::Native) -> Bound + 'static,
) -> Bind<'_> {
    let array = array.as_primitive::<T>();
    let buffer = Rc::new(RefCell::new(String::new()));
    Box::new(move |statement, row| {
        if array.is_null(row) {
            return Ok(statement.raw_bind_parameter(at, Null)?);
        }
        let mut buffer = buffer.borrow_mut();
        buffer.clear();
        push(&mut buffer, array.value(row))?;
        Ok(statement.raw_bind_parameter(at, buffer.as_str())?)
    })
}

fn decimal<T: ArrowPrimitiveType>(array: &dyn Array, at: usize, scale: i8) -> Bind<'_>
where
    T::Native: std::fmt::Display,
{
    let digits = RefCell::new(String::new());
    text::<T>(array, at, move |out, v| {
        let mut digits = digits.borrow_mut();
        digits.clear();
        write(&mut digits, format_args!("{v}"));
        let (sign, whole) = match digits.strip_prefix('-') {
            Some(whole) => ("-", whole),
            None => ("", digits.as_str()),
        };
        out.push_str(sign);
        let Ok(decimals) = usize::try_from(scale) else {
            out.push_str(whole);
            if whole != "0" {
                out.extend(std::iter::repeat_n('0', usize::from(scale.unsigned_abs())));
            }
            return Ok(());
        };
        if decimals == 0 {
            out.push_str(whole);
        } else if whole.len() > decimals {
            let (whole, fraction) = whole.split_at(whole.len() - decimals);
            out.extend([whole, ".", fraction]);
        } else {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', decimals - whole.len()));
            out.push_str(whole);
        }
        Ok(())
    })
}

fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

fn accessed<'a, A, V: ToSql>(
    array: &'a dyn Array,
    values: A,
    at: usize,
    convert: impl Fn(A::Item) -> V + 'static,
) -> Bind<'a>
where
    A: ArrayAccessor + 'a,
{
    match array.nulls().filter(|n| n.null_count() > 0) {
        None => Box::new(move |statement, row| Ok(statement.raw_bind_parameter(at, convert(values.value(row)))?)),
        Some(nulls) => Box::new(move |statement, row| {
            if nulls.is_null(row) {
                return Ok(statement.raw_bind_parameter(at, Null)?);
            }
            Ok(statement.raw_bind_parameter(at, convert(values.value(row)))?)
        }),
    }
}
