//! Which Arrow type goes into which type of PostgreSQL, and how: settled once for each column of a batch.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DurationMicrosecondType,
    DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalYearMonthType,
    RunEndIndexType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::types::{Int16Type as Ends16, Int32Type as Ends32, Int64Type as Ends64};
use arrow_array::{Array, BooleanArray};
use arrow_buffer::{IntervalDayTime, IntervalMonthDayNano};
use arrow_schema::{DataType, IntervalUnit, TimeUnit};

use super::cells::{Cells, Fixed, Indexed, Nothing};
use super::texts::All;
use super::wire::Wire;
use super::{nested, numbers, texts, times};

/// A way to write a column, or why there is none.
pub(super) type Bound<'a> = Result<Box<dyn Cells + 'a>, String>;

/// The way to write an array as a type.
pub(super) fn bind<'a>(array: &'a dyn Array, wire: &'a Wire) -> Bound<'a> {
    use DataType as T;
    let nulls = array.nulls();
    match (array.data_type(), wire) {
        // Whatever it is, it has no values.
        (T::Null, _) => Ok(Box::new(Nothing)),
        (T::Boolean, Wire::Bool) => {
            let array: &BooleanArray = array.as_boolean();
            Ok(Box::new(Fixed::<_, 1>::new(nulls, move |row| Ok([u8::from(array.value(row))]))))
        }
        (T::Int8, _) => numbers::ints::<Int8Type>(array, wire),
        (T::Int16, _) => numbers::ints::<Int16Type>(array, wire),
        (T::Int32, _) => numbers::ints::<Int32Type>(array, wire),
        (T::Int64, _) => numbers::ints::<Int64Type>(array, wire),
        (T::UInt8, _) => numbers::ints::<UInt8Type>(array, wire),
        (T::UInt16, _) => numbers::ints::<UInt16Type>(array, wire),
        (T::UInt32, _) => numbers::ints::<UInt32Type>(array, wire),
        (T::UInt64, _) => numbers::ints::<UInt64Type>(array, wire),
        (T::Float16, _) => numbers::floats::<Float16Type>(array, wire),
        (T::Float32, _) => numbers::floats::<Float32Type>(array, wire),
        (T::Float64, _) => numbers::floats::<Float64Type>(array, wire),
        (T::Decimal32(precision, scale), _) => numbers::decimals::<Decimal32Type>(array, *precision, *scale, wire),
        (T::Decimal64(precision, scale), _) => numbers::decimals::<Decimal64Type>(array, *precision, *scale, wire),
        (T::Decimal128(precision, scale), _) => numbers::decimals::<Decimal128Type>(array, *precision, *scale, wire),
        (T::Decimal256(precision, scale), _) => numbers::decimals::<Decimal256Type>(array, *precision, *scale, wire),
        (T::Date32, Wire::Date) => Ok(times::dates::<Date32Type>(array, |days| Ok(i64::from(days)))),
        (T::Date64, Wire::Date) => Ok(times::dates::<Date64Type>(array, times::whole_days)),
        (T::Time32(TimeUnit::Second), _) => times::times::<Time32SecondType>(array, TimeUnit::Second, wire),
        (T::Time32(_), _) => times::times::<Time32MillisecondType>(array, TimeUnit::Millisecond, wire),
        (T::Time64(TimeUnit::Microsecond), _) => {
            times::times::<Time64MicrosecondType>(array, TimeUnit::Microsecond, wire)
        }
        (T::Time64(_), _) => times::times::<Time64NanosecondType>(array, TimeUnit::Nanosecond, wire),
        (T::Timestamp(unit, zone), Wire::Timestamp { zoned, decimals }) if zone.is_some() == *zoned => Ok(match unit {
            TimeUnit::Second => times::timestamps::<TimestampSecondType>(array, *unit, *decimals),
            TimeUnit::Millisecond => times::timestamps::<TimestampMillisecondType>(array, *unit, *decimals),
            TimeUnit::Microsecond => times::timestamps::<TimestampMicrosecondType>(array, *unit, *decimals),
            TimeUnit::Nanosecond => times::timestamps::<TimestampNanosecondType>(array, *unit, *decimals),
        }),
        (T::Timestamp(_, zone), Wire::Timestamp { zoned, .. }) => Err(format!(
            "one is a time {} time zone, the other is {}",
            if zone.is_some() { "with a" } else { "without a" },
            if *zoned { "one with" } else { "one without" }
        )),
        (T::Duration(unit), Wire::Interval(span)) => Ok(match unit {
            TimeUnit::Second => times::durations::<DurationSecondType>(array, *unit, *span),
            TimeUnit::Millisecond => times::durations::<DurationMillisecondType>(array, *unit, *span),
            TimeUnit::Microsecond => times::durations::<DurationMicrosecondType>(array, *unit, *span),
            TimeUnit::Nanosecond => times::durations::<DurationNanosecondType>(array, *unit, *span),
        }),
        (T::Interval(IntervalUnit::YearMonth), Wire::Interval(span)) => {
            Ok(times::intervals::<IntervalYearMonthType>(array, *span, |months| Ok((months, 0, 0))))
        }
        (T::Interval(IntervalUnit::DayTime), Wire::Interval(span)) => {
            let parts = |v: IntervalDayTime| Ok((0, v.days, i64::from(v.milliseconds) * 1_000));
            Ok(times::intervals::<IntervalDayTimeType>(array, *span, parts))
        }
        (T::Interval(IntervalUnit::MonthDayNano), Wire::Interval(span)) => {
            let parts =
                |v: IntervalMonthDayNano| Ok((v.months, v.days, times::micros(v.nanoseconds, TimeUnit::Nanosecond)?));
            Ok(times::intervals::<IntervalMonthDayNanoType>(array, *span, parts))
        }
        (T::Utf8, _) => texts::texts(array.as_string::<i32>(), texts::all(array), wire),
        (T::LargeUtf8, _) => texts::texts(array.as_string::<i64>(), texts::all(array), wire),
        (T::Utf8View, _) => texts::texts(array.as_string_view(), All::default(), wire),
        (T::Binary, _) => texts::bytes(array.as_binary::<i32>(), wire),
        (T::LargeBinary, _) => texts::bytes(array.as_binary::<i64>(), wire),
        (T::BinaryView, _) => texts::bytes(array.as_binary_view(), wire),
        (T::FixedSizeBinary(_), _) => texts::bytes(array.as_fixed_size_binary(), wire),
        (T::Dictionary(..), _) => {
            let dictionary = array.as_any_dictionary();
            let values = bind(dictionary.values().as_ref(), wire)?;
            let codes = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
            let code = move |row: usize| if array.is_null(row) { None } else { codes.get(row).copied() };
            Ok(Box::new(Indexed::new(values, code)))
        }
        (T::RunEndEncoded(ends, _), _) => match ends.data_type() {
            T::Int16 => runs::<Ends16>(array, wire),
            T::Int32 => runs::<Ends32>(array, wire),
            _ => runs::<Ends64>(array, wire),
        },
        (
            T::List(_) | T::LargeList(_) | T::FixedSizeList(..) | T::ListView(_) | T::LargeListView(_),
            Wire::Array { element, item, .. },
        ) => nested::arrays(array, *element, item),
        (T::List(_) | T::LargeList(_) | T::FixedSizeList(..), Wire::Vector(dimensions)) => {
            nested::vectors::<Float32Type>(array, *dimensions)
        }
        (T::List(_) | T::LargeList(_) | T::FixedSizeList(..), Wire::HalfVector(dimensions)) => {
            nested::vectors::<Float16Type>(array, *dimensions)
        }
        (T::Struct(_), Wire::Row(parts)) => nested::rows(array, parts),
        (data_type, _) => Err(unlike(data_type)),
    }
}

/// Why a type does not fit one of another kind.
pub(super) fn unlike(data_type: &DataType) -> String {
    format!("{} is of another kind", kind(data_type))
}

fn kind(data_type: &DataType) -> &'static str {
    use DataType as T;
    match data_type {
        T::Boolean => "a truth value",
        t if t.is_integer() => "a whole number",
        t if t.is_floating() => "a floating-point number",
        t if t.is_decimal() => "a decimal number",
        T::Date32 | T::Date64 => "a date",
        T::Time32(_) | T::Time64(_) => "a time of day",
        T::Timestamp(..) => "a date and time",
        T::Duration(_) | T::Interval(_) => "a span of time",
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "text",
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "bytes",
        T::Struct(_) => "a struct",
        T::Map(..) => "a map",
        T::Union(..) => "a union",
        _ => "a list",
    }
}

fn runs<'a, R: RunEndIndexType>(array: &'a dyn Array, wire: &'a Wire) -> Bound<'a> {
    let runs = array.as_run::<R>();
    let values = bind(runs.values().as_ref(), wire)?;
    Ok(Box::new(Indexed::new(values, move |row| Some(runs.get_physical_index(row)))))
}
