//! What must hold of the names of folders, whoever wrote them, and of every value that becomes one.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Decimal128Array, DictionaryArray, PrimitiveArray, StringArray,
};
use arrow_schema::{DataType, TimeUnit};

use super::texts::{Texts, can_part, given_back};
use super::{constant, is_partition_type, key, keys_of, told_type};

/// The bytes as a path of folders, as a text and as values of every type: what is read is written and read again as the
/// same, and what is written is read as what it was.
///
/// # Panics
/// If that does not hold.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(keys) = keys_of(&text) {
        for (name, value) in &keys {
            comes_back(name, &(Arc::new(StringArray::from(vec![value.as_deref()])) as ArrayRef));
        }
        let values = || keys.iter().map(|(_, value)| value.as_deref());
        let told = told_type(values()).unwrap_or(DataType::Utf8);
        for value in values() {
            let column = constant(value, &told, 1).expect("made").expect("a value of the type that was told");
            assert_eq!(column.data_type(), &told);
            // The type that is told gives the text back as it stands.
            if let Some(folder) = comes_back("k", &column) {
                assert_eq!(key(&folder).expect("text").expect("a key").1.as_deref(), value);
            }
        }
    }
    for data_type in types() {
        assert!(is_partition_type(&data_type));
        let Some(column) = constant(Some(&text), &data_type, 3).expect("made") else { continue };
        assert_eq!((column.len(), column.data_type(), column.null_count()), (3, &data_type, 0));
        if data_type == DataType::Float32 {
            let single: f32 = text.trim().parse().expect("a number");
            let found = column.as_any().downcast_ref::<arrow_array::Float32Array>().expect("of the type").value(0);
            assert!(found.to_bits() == single.to_bits() || single.is_nan() && found.is_nan(), "rounded twice");
            assert!(found.is_finite() || !text.contains(|c: char| c.is_ascii_digit()), "beyond the type");
        }
        if can_part(&data_type) {
            comes_back("k", &column);
        }
    }
    for column in columns(bytes) {
        comes_back("k", &column);
    }
    comes_back("k", &(Arc::new(StringArray::from_iter_values([&text])) as ArrayRef));
}

/// What `partitions:` may declare.
fn types() -> Vec<DataType> {
    use DataType as T;
    vec![
        T::Utf8,
        T::LargeUtf8,
        T::Utf8View,
        T::Boolean,
        T::Date32,
        T::Int8,
        T::Int64,
        T::UInt64,
        T::Float32,
        T::Float64,
        T::Decimal128(20, 5),
        T::Decimal128(9, -3),
        T::Decimal256(76, 38),
        T::Timestamp(TimeUnit::Microsecond, None),
        T::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    ]
}

/// The bytes as one value of each type that can name folders.
fn columns(bytes: &[u8]) -> Vec<ArrayRef> {
    let long = i64::from_le_bytes(drawn(bytes));
    let short = i32::from_le_bytes(drawn(bytes));
    let mut out: Vec<ArrayRef> = vec![
        one::<Int8Type>(i8::from_le_bytes(drawn(bytes))),
        one::<Int16Type>(i16::from_le_bytes(drawn(bytes))),
        one::<Int32Type>(short),
        one::<Int64Type>(long),
        one::<UInt8Type>(u8::from_le_bytes(drawn(bytes))),
        one::<UInt16Type>(u16::from_le_bytes(drawn(bytes))),
        one::<UInt32Type>(short.cast_unsigned()),
        one::<UInt64Type>(long.cast_unsigned()),
        one::<Date32Type>(short),
        Arc::new(BooleanArray::from(vec![long & 1 == 1])),
    ];
    let text = String::from_utf8_lossy(bytes);
    let folded: DictionaryArray<Int8Type> = [Some(text.as_ref()), None].into_iter().collect();
    out.extend([Arc::new(folded.slice(0, 1)) as ArrayRef, Arc::new(folded.slice(1, 1))]);
    let wide = i128::from_le_bytes(drawn(bytes));
    let [.., precision, scale] = drawn::<10>(bytes);
    let (precision, scale) = (1 + precision % 38, i8::from_le_bytes([scale]) % 39);
    let decimal = Decimal128Array::from(vec![wide % 10_i128.pow(precision.into())]);
    out.extend(decimal.with_precision_and_scale(precision, scale).ok().map(|column| Arc::new(column) as ArrayRef));
    out.push(one::<Decimal128Type>(wide % 10_i128.pow(38)));
    out
}

/// So many bytes, of the first and zeros.
fn drawn<const N: usize>(bytes: &[u8]) -> [u8; N] {
    std::array::from_fn(|at| bytes.get(at).copied().unwrap_or_default())
}

fn one<T: ArrowPrimitiveType>(value: T::Native) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::from_iter_values([value]))
}

/// The folder of a column's first row, from which the same name and the same value are read; none where it is refused.
fn comes_back(name: &str, column: &ArrayRef) -> Option<String> {
    // A hidden name is none of a column: it is refused before.
    if name.is_empty() || name.starts_with('.') {
        return None;
    }
    assert!(can_part(column.data_type()));
    let mut folder = String::new();
    let refused = |error: hygge_core::Error| assert!(error.advice().is_some(), "{error:?}");
    let texts = Texts::of(name, column).map_err(refused).ok()?;
    texts.folder(0, &mut folder).map_err(refused).ok()?;
    assert!(folder.is_ascii() && !folder.contains(['/', '\\', '\0', '\n']), "{folder:?}");
    assert!(folder.len() <= 255 || column.is_null(0), "{folder:?}");
    let (key, value) = key(&folder).expect("text").expect("a key");
    assert_eq!(key, name, "{folder:?}");
    let data_type = given_back(column.data_type());
    let back = constant(value.as_deref(), &data_type, 1).expect("made").expect("a value of its own type");
    let wanted = arrow_cast::cast(&column.slice(0, 1), &data_type).expect("of the type that is given back");
    assert_eq!(back.as_ref(), wanted.as_ref(), "{folder:?}");
    Some(folder)
}

#[cfg(test)]
#[test]
fn the_fuzzing_corpus_of_folders_holds() {
    crate::fuzzed::replay("hive", 15, check);
}
