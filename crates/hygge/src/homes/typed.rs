//! Types of columns in hygge's own words, for what receipts keep: those of a library may change with its version, and
//! what has settled would then seem to have been read otherwise.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::{DataType, Schema, TimeUnit};
use hygge_core::receipt::{Options, Question};
use hygge_core::yaml::word;

/// The type as `columns:` takes it; one that it does not take, in words of the same kind.
pub(super) fn type_word(data_type: &DataType) -> String {
    let plain = match data_type {
        DataType::Utf8 => "text",
        DataType::Int64 => "int",
        DataType::Int32 => "int32",
        DataType::Int16 => "int16",
        DataType::Int8 => "int8",
        DataType::UInt64 => "uint64",
        DataType::UInt32 => "uint32",
        DataType::UInt16 => "uint16",
        DataType::UInt8 => "uint8",
        DataType::Float64 => "double",
        DataType::Float32 => "float32",
        DataType::Boolean => "bool",
        DataType::Date32 => "date",
        DataType::Time64(TimeUnit::Microsecond) => "time",
        DataType::Binary => "binary",
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp",
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => "timestamptz",
        DataType::Timestamp(unit, None) => return format!("timestamp({})", unit_word(*unit)),
        DataType::Timestamp(unit, Some(zone)) => return format!("timestamp({}, {zone})", unit_word(*unit)),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision @ 39.., scale) => {
            return format!("decimal({precision},{scale})");
        }
        // In the form in which receipts keep whole schemas.
        other => return serde_json::to_string(other).unwrap_or_default(),
    };
    plain.to_owned()
}

/// A column and its type, as a line of `columns:`.
pub(super) fn column_line(name: &str, data_type: &DataType) -> String {
    format!("{}: {}", word(name), type_word(data_type))
}

/// A word as receipts keep it: it may be one of the data.
pub(super) fn mark(text: &str) -> String {
    Question::digest(text)
}

/// The marks of an option that a receipt keeps.
pub(super) fn marks<'a>(before: &'a Options, name: &str) -> BTreeSet<&'a str> {
    before.get(name).into_iter().flat_map(|text| text.split_whitespace()).collect()
}

/// The types that `columns:` says, by their marks in receipts.
fn declared(columns: &[(String, DataType)]) -> BTreeMap<String, &(String, DataType)> {
    columns.iter().map(|one| (mark(&column_line(&one.0, &one.1)), one)).collect()
}

/// The marks of the types that `columns:` says, as receipts keep them.
pub(super) fn declared_marks(columns: &[(String, DataType)]) -> String {
    declared(columns).into_keys().collect::<Vec<_>>().join(" ")
}

/// What `columns:` has more than before, where it has all that it had, and the others have settled as they say.
pub(super) fn more_columns(columns: &[(String, DataType)], before: &Options, settled: &Schema) -> Option<String> {
    let declared = declared(columns);
    let was = marks(before, "columns");
    if !was.iter().all(|old| declared.contains_key(*old)) {
        return None;
    }
    let more: Vec<&(String, DataType)> =
        declared.iter().filter(|(mark, _)| !was.contains(mark.as_str())).map(|(_, one)| *one).collect();
    let as_settled = |(name, data_type): &(String, DataType)| {
        settled.field_with_name(name).is_ok_and(|field| field.data_type() == data_type)
    };
    if more.is_empty() || !more.iter().all(|one| as_settled(one)) {
        return None;
    }
    let lines: Vec<String> = more.iter().map(|(name, data_type)| column_line(name, data_type)).collect();
    Some(format!("columns says what has settled: {}", lines.join(", ")))
}

fn unit_word(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::units::{TYPE_WORDS, column_type};

    #[test]
    fn types_are_told_in_words_that_mean_them() {
        for word in TYPE_WORDS.into_iter().chain(["decimal(40,2)", "decimal(5,0)"]) {
            let data_type = column_type(word).expect("a type");
            assert_eq!(column_type(&type_word(&data_type)).expect("a type"), data_type, "{word}");
        }
        // Receipts hold these words.
        let nanoseconds = DataType::Timestamp(TimeUnit::Nanosecond, Some("Europe/Berlin".into()));
        for (data_type, word) in [
            (DataType::Utf8, "text"),
            (DataType::Int64, "int"),
            (nanoseconds, "timestamp(ns, Europe/Berlin)"),
            (DataType::LargeUtf8, "\"LargeUtf8\""),
        ] {
            assert_eq!(type_word(&data_type), word);
        }
        assert_eq!(column_line("the: day", &DataType::Date32), "\"the: day\": date");
    }
}
