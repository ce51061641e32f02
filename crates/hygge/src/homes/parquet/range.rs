//! Values of a cursor's column: their order, their text, and masks over columns of them.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, LargeStringArray, PrimitiveArray, Scalar, StringArray, StringViewArray,
};
use arrow_buffer::BooleanBuffer;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_ord::cmp;
use arrow_schema::{DataType, TimeUnit};
use hygge_core::{Error, Result};

/// A value of a cursor's column. Values of one column compare as the column orders them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    /// A whole number, a decimal without its point, days, or a time in the column's unit.
    Number(i128),
    /// A text, ordered by its bytes.
    Text(String),
}

/// Calls `$body` with `$T` as the primitive type behind a data type whose values are whole numbers.
macro_rules! by_number {
    ($data_type:expr, $T:ident => $body:expr, _ => $other:expr) => {
        match $data_type {
            DataType::Int8 => {
                type $T = Int8Type;
                $body
            }
            DataType::Int16 => {
                type $T = Int16Type;
                $body
            }
            DataType::Int32 => {
                type $T = Int32Type;
                $body
            }
            DataType::Int64 => {
                type $T = Int64Type;
                $body
            }
            DataType::UInt8 => {
                type $T = UInt8Type;
                $body
            }
            DataType::UInt16 => {
                type $T = UInt16Type;
                $body
            }
            DataType::UInt32 => {
                type $T = UInt32Type;
                $body
            }
            DataType::UInt64 => {
                type $T = UInt64Type;
                $body
            }
            DataType::Date32 => {
                type $T = Date32Type;
                $body
            }
            DataType::Decimal128(..) => {
                type $T = Decimal128Type;
                $body
            }
            DataType::Timestamp(TimeUnit::Second, _) => {
                type $T = TimestampSecondType;
                $body
            }
            DataType::Timestamp(TimeUnit::Millisecond, _) => {
                type $T = TimestampMillisecondType;
                $body
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                type $T = TimestampMicrosecondType;
                $body
            }
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                type $T = TimestampNanosecondType;
                $body
            }
            _ => $other,
        }
    };
}

fn number(native: impl Into<i128>) -> Value {
    Value::Number(native.into())
}

/// Whether a column of the type can be followed.
pub(super) fn can_follow(data_type: &DataType) -> bool {
    by_number!(data_type, _T => true, _ => {
        matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    })
}

/// The value at a position; none for NULL.
pub(super) fn value_at(array: &dyn Array, at: usize) -> Option<Value> {
    if array.is_null(at) {
        return None;
    }
    by_number!(array.data_type(), T => {
        Some(number(array.as_primitive::<T>().value(at)))
    }, _ => match array.data_type() {
        DataType::Utf8 => Some(Value::Text(array.as_string::<i32>().value(at).to_owned())),
        DataType::LargeUtf8 => Some(Value::Text(array.as_string::<i64>().value(at).to_owned())),
        DataType::Utf8View => Some(Value::Text(array.as_string_view().value(at).to_owned())),
        _ => None,
    })
}

/// The least and the greatest value; none where there are only NULLs.
pub(super) fn extremes(array: &dyn Array) -> Option<(Value, Value)> {
    fn ends<T: Ord + Copy>(values: impl Iterator<Item = Option<T>>) -> Option<(T, T)> {
        values.flatten().fold(None, |found, value| {
            Some(found.map_or((value, value), |(least, most): (T, T)| (least.min(value), most.max(value))))
        })
    }
    let text = |text: &str| Value::Text(text.to_owned());
    by_number!(array.data_type(), T => {
        ends(array.as_primitive::<T>().iter()).map(|(a, b)| (number(a), number(b)))
    }, _ => match array.data_type() {
        DataType::Utf8 => ends(array.as_string::<i32>().iter()).map(|(a, b)| (text(a), text(b))),
        DataType::LargeUtf8 => ends(array.as_string::<i64>().iter()).map(|(a, b)| (text(a), text(b))),
        DataType::Utf8View => ends(array.as_string_view().iter()).map(|(a, b)| (text(a), text(b))),
        _ => None,
    })
}

/// One value as a column of the type.
pub(super) fn array_of(value: &Value, data_type: &DataType) -> Result<ArrayRef> {
    let beyond = || {
        Error::refused(format!("the watermark is no value that a column of {data_type} can hold"))
            .next_anew("to settle everything anew")
    };
    match value {
        Value::Number(number) => by_number!(data_type, T => {
            let native = <T as ArrowPrimitiveType>::Native::try_from(*number).map_err(|_| beyond())?;
            Ok(Arc::new(PrimitiveArray::<T>::from_value(native, 1).with_data_type(data_type.clone())))
        }, _ => Err(beyond())),
        Value::Text(text) => match data_type {
            DataType::Utf8 => Ok(Arc::new(StringArray::from_iter_values([text]))),
            DataType::LargeUtf8 => Ok(Arc::new(LargeStringArray::from_iter_values([text]))),
            DataType::Utf8View => Ok(Arc::new(StringViewArray::from_iter_values([text]))),
            _ => Err(beyond()),
        },
    }
}

/// The type whose texts say the same moments: the library knows zones by their distance from UTC, and none by name.
fn in_utc(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        other => other.clone(),
    }
}

/// The exact text of a value.
pub(super) fn text_of(value: &Value, data_type: &DataType) -> Result<String> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        Value::Number(_) => {
            let array = array_of(value, &in_utc(data_type))?;
            let text =
                cast_with_options(&array, &DataType::Utf8, &CastOptions { safe: false, ..CastOptions::default() });
            // The library's message holds the value.
            let text = text.map_err(|_| {
                Error::failed("the end of the watermark's column is a time that no calendar has, and cannot be kept")
                    .next("follow another column, or correct the row")
            })?;
            Ok(text.as_string::<i32>().value(0).to_owned())
        }
    }
}

/// The value of a text that [`text_of`] wrote.
pub(super) fn value_of(text: &str, data_type: &DataType) -> Result<Value> {
    if matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        return Ok(Value::Text(text.to_owned()));
    }
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values([text]));
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let found = cast_with_options(&texts, &in_utc(data_type), &options).ok().and_then(|array| value_at(&array, 0));
    found.ok_or_else(|| {
        Error::refused(format!("the receipt's watermark cannot be read as {data_type}"))
            .next_anew("to settle everything anew")
    })
}

/// On which side of a value rows lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    AtLeast,
    Above,
    AtMost,
    Below,
}

/// Which rows lie on a side of a value. NULLs do on none.
pub(super) fn rows(column: &dyn Array, side: Side, value: &Scalar<ArrayRef>) -> Result<BooleanBuffer> {
    let compare = match side {
        Side::AtLeast => cmp::gt_eq,
        Side::Above => cmp::gt,
        Side::AtMost => cmp::lt_eq,
        Side::Below => cmp::lt,
    };
    Ok(without_nulls(&compare(&column, value)?))
}

fn without_nulls(mask: &BooleanArray) -> BooleanBuffer {
    match mask.nulls() {
        None => mask.values().clone(),
        Some(valid) => mask.values() & valid.inner(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_texts_are_the_same_thing() {
        let zone = Some("+00:00".into());
        let cases = [
            (DataType::Int64, Value::Number(-7)),
            (DataType::UInt64, Value::Number(i128::from(u64::MAX))),
            (DataType::Date32, Value::Number(-3)),
            (DataType::Decimal128(38, 4), Value::Number(-123_456_789_012_345_678_901)),
            (DataType::Timestamp(TimeUnit::Second, None), Value::Number(1_359_691_200)),
            (DataType::Timestamp(TimeUnit::Millisecond, None), Value::Number(-1)),
            (DataType::Timestamp(TimeUnit::Microsecond, zone.clone()), Value::Number(1_359_691_200_000_001)),
            (DataType::Timestamp(TimeUnit::Nanosecond, zone), Value::Number(1)),
            (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), Value::Number(1_359_691_200_000_001)),
            (DataType::Timestamp(TimeUnit::Millisecond, Some("Europe/Oslo".into())), Value::Number(1_359_691_200_001)),
            (DataType::Utf8, Value::Text("ä, ö".into())),
        ];
        for (data_type, value) in cases {
            let text = text_of(&value, &data_type).expect("a text");
            assert_eq!(value_of(&text, &data_type).expect("a value"), value, "{data_type}: {text}");
        }
        let zoned = DataType::Timestamp(TimeUnit::Second, Some("Europe/Oslo".into()));
        assert_eq!(text_of(&Value::Number(0), &zoned).expect("a text"), "1970-01-01T00:00:00Z");
        // As a zone's distance was written before.
        assert_eq!(value_of("1970-01-01T02:00:00+02:00", &zoned).expect("a value"), Value::Number(0));
        let error = text_of(&Value::Number(i64::MAX.into()), &zoned).expect_err("no calendar has it");
        assert_eq!(error.kind(), hygge_core::ErrorKind::Failed);
        assert!(value_of("soon", &DataType::Date32).is_err());
        assert!(array_of(&Value::Number(300), &DataType::Int8).is_err());
    }

    #[test]
    fn nulls_lie_nowhere() {
        let column = arrow_array::Int64Array::from(vec![Some(1), None, Some(3)]);
        let two = Scalar::new(array_of(&Value::Number(2), &DataType::Int64).expect("a value"));
        let bits = |buffer: BooleanBuffer| buffer.iter().collect::<Vec<_>>();
        assert_eq!(bits(rows(&column, Side::AtLeast, &two).expect("compares")), [false, false, true]);
        assert_eq!(bits(rows(&column, Side::AtMost, &two).expect("compares")), [true, false, false]);
        assert_eq!(extremes(&column), Some((Value::Number(1), Value::Number(3))));
    }
}
