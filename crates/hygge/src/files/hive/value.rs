//! The text in a folder's name as a value of a column.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    ArrayRef, BooleanArray, LargeStringArray, PrimitiveArray, StringArray, StringViewArray, UInt32Array, new_null_array,
};
use arrow_schema::{DataType, TimeUnit};
use hygge_core::{Error, Result};

use crate::files::cell::{self, lenient};

/// The type that gives every text back as it stands: whole numbers, dates, else text. NULLs say nothing.
pub fn told_type<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> Option<DataType> {
    let (mut int, mut date, mut any) = (true, true, false);
    for text in values.into_iter().flatten() {
        any = true;
        int = int && cell::int(text.as_bytes()).is_some_and(|n| n.to_string() == text);
        date = date && cell::date(text.as_bytes()).is_some();
    }
    any.then_some(match (int, date) {
        (true, _) => DataType::Int64,
        (_, true) => DataType::Date32,
        _ => DataType::Utf8,
    })
}

/// Whether [`constant`] knows the type.
#[must_use]
pub fn is_partition_type(data_type: &DataType) -> bool {
    use DataType as T;
    matches!(data_type, T::Utf8 | T::LargeUtf8 | T::Utf8View | T::Boolean | T::Date32 | T::Float32 | T::Float64)
        || matches!(data_type, T::Decimal128(..) | T::Decimal256(..) | T::Timestamp(TimeUnit::Microsecond, _))
        || data_type.is_integer()
}

/// `rows` times the value that `text` says, NULL where there is none; none if it is no value of the type.
///
/// # Errors
/// If the rows are too many for one array.
pub fn constant(text: Option<&str>, data_type: &DataType, rows: usize) -> Result<Option<ArrayRef>> {
    let Some(text) = text else {
        return Ok(is_partition_type(data_type).then(|| new_null_array(data_type, rows)));
    };
    let Some(one) = one(text, data_type) else { return Ok(None) };
    let taken = arrow_select::take::take(&one, &UInt32Array::from_value(0, rows), None);
    taken.map(Some).map_err(|e| Error::failed("a column of one value could not be made").because(e))
}

/// One value; none if it is none of the type.
fn one(text: &str, data_type: &DataType) -> Option<ArrayRef> {
    use DataType as T;
    let bytes = text.as_bytes();
    Some(match data_type {
        T::Utf8 => Arc::new(StringArray::from_iter_values([text])),
        T::LargeUtf8 => Arc::new(LargeStringArray::from_iter_values([text])),
        T::Utf8View => Arc::new(StringViewArray::from_iter_values([text])),
        T::Int8 => whole_number::<Int8Type>(bytes)?,
        T::Int16 => whole_number::<Int16Type>(bytes)?,
        T::Int32 => whole_number::<Int32Type>(bytes)?,
        T::Int64 => whole_number::<Int64Type>(bytes)?,
        T::UInt8 => whole_number::<UInt8Type>(bytes)?,
        T::UInt16 => whole_number::<UInt16Type>(bytes)?,
        T::UInt32 => whole_number::<UInt32Type>(bytes)?,
        T::UInt64 => whole_number::<UInt64Type>(bytes)?,
        T::Float64 => primitive::<Float64Type>(lenient::double(bytes)?, data_type),
        T::Float32 => primitive::<Float32Type>(lenient::single(bytes)?, data_type),
        T::Boolean => Arc::new(BooleanArray::from(vec![lenient::boolean(bytes)?])),
        T::Date32 => primitive::<Date32Type>(cell::date(bytes)?, data_type),
        T::Decimal128(precision, scale) => {
            primitive::<Decimal128Type>(cell::decimal(bytes, *precision, *scale)?.to_i128()?, data_type)
        }
        T::Decimal256(precision, scale) => {
            primitive::<Decimal256Type>(cell::decimal(bytes, *precision, *scale)?, data_type)
        }
        T::Timestamp(TimeUnit::Microsecond, zone) => {
            let moment = cell::moment(bytes).filter(|moment| moment.zoned == zone.is_some())?;
            primitive::<TimestampMicrosecondType>(moment.in_units(1_000_000)?, data_type)
        }
        _ => return None,
    })
}

fn primitive<T: ArrowPrimitiveType>(value: T::Native, data_type: &DataType) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::from_iter_values([value]).with_data_type(data_type.clone()))
}

fn whole_number<T: ArrowPrimitiveType>(text: &[u8]) -> Option<ArrayRef>
where
    T::Native: TryFrom<i128>,
{
    Some(primitive::<T>(T::Native::try_from(lenient::int(text)?).ok()?, &T::DATA_TYPE))
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;

    use super::*;

    fn told(values: &[Option<&str>]) -> Option<DataType> {
        told_type(values.iter().copied())
    }

    #[test]
    fn a_type_is_told_where_every_text_comes_back() {
        assert_eq!(told(&[Some("2024"), None, Some("-7")]), Some(DataType::Int64));
        assert_eq!(told(&[Some("2024-02-29"), Some("0001-01-01")]), Some(DataType::Date32));
        for text in [
            vec!["1", "01"],
            vec!["-0"],
            vec!["+5"],
            vec!["9223372036854775808"],
            vec!["2023-02-29"],
            vec!["2024", "2024-01-01"],
            vec!["true"],
            vec!["1.5"],
            vec![""],
        ] {
            let values: Vec<_> = text.iter().map(|&text| Some(text)).collect();
            assert_eq!(told(&values), Some(DataType::Utf8), "{text:?}");
        }
        assert_eq!(told(&[None]), None);
    }

    #[test]
    fn a_text_is_read_as_the_type_that_is_declared() {
        let read = |text: Option<&str>, data_type: &DataType| {
            let array = constant(text, data_type, 3).expect("made")?;
            assert_eq!((array.len(), array.data_type()), (3, data_type));
            Some(arrow_cast::display::array_value_to_string(&array, 2).expect("shown"))
        };
        let told = |text: &str| Some(text.to_owned());
        assert_eq!(read(Some("01"), &DataType::Int16), told("1"));
        assert_eq!(read(Some("40000"), &DataType::Int16), None);
        assert_eq!(read(Some("18446744073709551615"), &DataType::UInt64), told("18446744073709551615"));
        assert_eq!(read(Some("2024-02-29"), &DataType::Date32), told("2024-02-29"));
        assert_eq!(read(Some("2024-02-30"), &DataType::Date32), None);
        assert_eq!(read(Some("t"), &DataType::Boolean), told("true"));
        assert_eq!(read(Some("12.5"), &DataType::Decimal128(5, 2)), told("12.50"));
        assert_eq!(read(Some("12.505"), &DataType::Decimal128(5, 2)), None);
        assert_eq!(read(Some("-1.5"), &DataType::Float32), told("-1.5"));
        let local = DataType::Timestamp(TimeUnit::Microsecond, None);
        assert_eq!(read(Some("2024-01-01 05:00:00"), &local), told("2024-01-01T05:00:00"));
        assert_eq!(read(Some("2024-01-01 05:00:00Z"), &local), None);
        for data_type in [DataType::Int64, DataType::Utf8, DataType::Date32, DataType::Decimal256(40, 2)] {
            assert!(constant(None, &data_type, 2).expect("made").is_some_and(|array| array.null_count() == 2));
        }
        assert!(!is_partition_type(&DataType::Binary) && is_partition_type(&DataType::Boolean));
    }
}
