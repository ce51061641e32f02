use arrow_array::cast::AsArray;
use rusqlite::types::ValueRef::{self, Blob, Integer, Null, Real, Text};

use super::*;

fn one(data_type: &DataType, lenient: bool, value: ValueRef<'_>) -> Fit<ArrayRef> {
    let mut decoder = decoder(data_type, true, lenient).expect("a type with decoder");
    decoder.push(value)?;
    match decoder.finish(1) {
        Ok(column) => Ok(column),
        Err(Late::Misfit(0, misfit)) => Err(misfit),
        Err(late) => panic!("{late:?}"),
    }
}

fn shown(data_type: &DataType, lenient: bool, value: ValueRef<'_>) -> String {
    match one(data_type, lenient, value) {
        Ok(array) => arrow_cast::display::array_value_to_string(&array, 0).expect("shown"),
        Err(Misfit(found)) => format!("! {found}"),
    }
}

#[test]
fn declared_types_take_what_fits_and_name_what_does_not() {
    use DataType as T;
    let us = T::Timestamp(TimeUnit::Microsecond, None);
    let zoned = T::Timestamp(TimeUnit::Microsecond, Some("+00:00".into()));
    for (data_type, value, result) in [
        (T::Int64, Integer(i64::MIN), "-9223372036854775808"),
        (T::Int64, Text(b"7"), "! text"),
        (T::Int64, Real(7.0), "! a real number"),
        (T::Int8, Integer(200), "! a whole number out of its range"),
        (T::UInt64, Text(b"18446744073709551615"), "18446744073709551615"),
        (T::Float64, Integer(1 << 53), "9007199254740992.0"),
        (T::Float64, Integer((1 << 53) + 1), "! a whole number beyond 2^53, which a real number cannot hold exactly"),
        (T::Float32, Real(0.1), "! a number that 32 bits cannot hold exactly"),
        (T::Float32, Real(0.5), "0.5"),
        (T::Float16, Real(0.5), "0.5"),
        (T::Boolean, Integer(1), "true"),
        (T::Boolean, Text(b"FALSE"), "false"),
        (T::Boolean, Integer(7), "! a whole number other than 0 and 1"),
        (T::Utf8, Text(b"caf\xc3\xa9"), "café"),
        (T::Utf8, Text(b"\xff"), "! text that is not UTF-8"),
        (T::Utf8, Integer(1), "! a whole number"),
        (T::Utf8, Blob(b"x"), "! a blob"),
        (T::Utf8, Null, ""),
        (T::Binary, Blob(b"\xff"), "ff"),
        (T::Binary, Text(b"x"), "! text"),
        (T::Date32, Text(b"2013-01-01"), "2013-01-01"),
        (T::Date32, Text(b"2013-01-01 00:00:00"), "! text of another form"),
        (T::Date32, Integer(3), "! a whole number"),
        (us.clone(), Text(b"2013-01-01 05:00:00.5"), "2013-01-01T05:00:00.500"),
        (us.clone(), Text(b"2013-01-01T05:00:00Z"), "! text with a time zone"),
        (us.clone(), Integer(3), "! a whole number"),
        (us, Text(b"2013-01-01 05:00:00.1234567"), "! a time that is finer than the column, or out of its range"),
        (zoned.clone(), Text(b"2013-01-01 05:00:00+01:00"), "2013-01-01T04:00:00Z"),
        (zoned, Text(b"2013-01-01 05:00:00"), "! text without a time zone"),
        (T::Time64(TimeUnit::Microsecond), Text(b"05:00:00.000001"), "05:00:00.000001"),
        (T::Time32(TimeUnit::Second), Text(b"05:00:00.5"), "! a time that is finer than the column"),
    ] {
        assert_eq!(shown(&data_type, false, value), result, "{data_type} {value:?}");
    }
}

#[test]
fn chosen_types_take_numbers_as_exact_text_and_text_as_numbers() {
    use DataType as T;
    for (data_type, value, result) in [
        (T::Utf8, Integer(-7), "-7"),
        (T::Utf8, Real(0.1), "0.1"),
        (T::Utf8, Real(3.0), "3.0"),
        (T::Utf8, Real(1e300), "1e300"),
        (T::Utf8, Blob(b"x"), "! a blob"),
        (T::Int64, Text(b"007"), "7"),
        (T::Int64, Real(7.0), "7"),
        (T::Int64, Real(7.5), "! a real number"),
        (T::Float64, Text(b"0.25"), "0.25"),
        (T::Float64, Text(b"much"), "! text"),
        (T::Binary, Text(b"x"), "78"),
        (T::Timestamp(TimeUnit::Second, None), Integer(1), "1970-01-01T00:00:01"),
    ] {
        assert_eq!(shown(&data_type, true, value), result, "{data_type} {value:?}");
    }
}

#[test]
fn decimals_are_exact_or_refused() {
    use DataType as T;
    let money = T::Decimal128(10, 2);
    for (value, result) in [
        (Text(b"1.10"), "1.10"),
        (Text(b"-12345678.99"), "-12345678.99"),
        (Text(b"1.100"), "1.10"),
        (Text(b"1.105"), "! a number with more digits than the column has"),
        (Text(b"123456789.00"), "! a number with more digits than the column has"),
        (Text(b"1e3"), "! text that is no decimal number"),
        (Text(b"."), "! text that is no decimal number"),
        (Integer(7), "7.00"),
        (Real(1.1), "1.10"),
        (Real(173_665.47), "173665.47"),
        (Real(0.1 + 0.2), "! a real number that is no exact decimal of the column's digits"),
        (Real(f64::INFINITY), "! a real number that is no exact decimal of the column's digits"),
        (Real(0.125), "! a real number that is no exact decimal of the column's digits"),
    ] {
        assert_eq!(shown(&money, false, value), result, "{value:?}");
    }
    assert_eq!(shown(&T::Decimal128(5, -2), false, Integer(12_300)), "12300");
    assert_eq!(shown(&T::Decimal64(5, 2), false, Text(b"-1.5")), "-1.50");
    let long = format!("-{}.5", "9".repeat(70));
    assert_eq!(shown(&T::Decimal256(76, 2), false, Text(long.as_bytes())), format!("{long}0"));
    assert_eq!(shown(&T::Decimal256(76, 2), false, Text(b"0.001")), "! a number with more digits than the column has");
}

#[test]
fn a_null_is_a_misfit_where_none_may_be() {
    for data_type in [DataType::Int64, DataType::Utf8, DataType::Binary, DataType::Boolean] {
        let mut strict = decoder(&data_type, false, true).expect("decoder");
        assert_eq!(strict.push(Null), Err(Misfit("NULL")), "{data_type}");
    }
}

#[test]
fn a_decoder_begins_anew_after_each_batch() {
    let mut decoder = decoder(&DataType::Utf8, true, false).expect("decoder");
    decoder.push(Text(b"a")).expect("fits");
    assert_eq!(decoder.finish(8).expect("column").as_string::<i32>().value(0), "a");
    decoder.push(Null).expect("fits");
    let second = decoder.finish(8).expect("column");
    assert_eq!((second.len(), second.null_count()), (1, 1));
}
