//! What a column of a new table is declared as.

use arrow_schema::{DataType, Field};

use crate::plan::{BASE_KEY, EXTENSION_NAME, TYPE_KEY};

/// The types that a field can be declared as, the best first: what it was in PostgreSQL, what that was made of, and what
/// its Arrow type calls for. Of the first two nobody knows whether the server has them: ask it (`to_regtype`), and settle
/// the plan with what it says. Empty for what no type is known for.
///
/// Each is a type's name and nothing else, wherever the field came from: it may stand in a statement.
#[must_use]
pub fn declarations(field: &Field) -> Vec<String> {
    let told = [TYPE_KEY, BASE_KEY].into_iter().filter_map(|key| field.metadata().get(key));
    let mut out: Vec<String> = told.filter(|told| is_type_name(told)).cloned().collect();
    if let Some(plain) = plain(field) {
        out.push(plain);
    }
    out.dedup();
    out
}

/// What the Arrow type alone calls for.
fn plain(field: &Field) -> Option<String> {
    use DataType as T;
    let extension = field.metadata().get(EXTENSION_NAME).map(String::as_str);
    let name = match field.data_type() {
        T::Boolean => "boolean",
        T::Int8 | T::Int16 | T::UInt8 => "smallint",
        T::Int32 | T::UInt16 => "integer",
        T::Int64 | T::UInt32 => "bigint",
        T::UInt64 => "numeric(20)",
        T::Float16 | T::Float32 => "real",
        T::Float64 => "double precision",
        T::Decimal32(precision, scale)
        | T::Decimal64(precision, scale)
        | T::Decimal128(precision, scale)
        | T::Decimal256(precision, scale) => return Some(decimal(*precision, *scale)),
        T::Date32 | T::Date64 => "date",
        T::Time32(_) | T::Time64(_) => "time",
        T::Timestamp(_, None) => "timestamp",
        T::Timestamp(_, Some(_)) => "timestamp with time zone",
        T::Duration(_) | T::Interval(_) => "interval",
        T::Utf8 | T::LargeUtf8 | T::Utf8View if extension == Some("arrow.json") => "json",
        T::Null | T::Utf8 | T::LargeUtf8 | T::Utf8View => "text",
        T::FixedSizeBinary(16) if extension == Some("arrow.uuid") => "uuid",
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "bytea",
        T::Dictionary(_, values) => {
            let values = Field::new("", values.as_ref().clone(), true).with_metadata(field.metadata().clone());
            return plain(&values);
        }
        T::RunEndEncoded(_, values) => return plain(values),
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) | T::ListView(item) | T::LargeListView(item) => {
            return Some(format!("{}[]", plain(item)?));
        }
        T::Struct(_) | T::Map(..) | T::Union(..) => return None,
    };
    Some(name.to_owned())
}

fn decimal(precision: u8, scale: i8) -> String {
    // Before version 15 no scale was below zero.
    let digits = u16::from(precision) + (-i16::from(scale)).max(0).unsigned_abs();
    format!("numeric({digits},{})", scale.max(0))
}

/// Whether a text is the name of a type, with its schema, its modifiers and the brackets of an array, and nothing else.
fn is_type_name(text: &str) -> bool {
    let mut rest = text;
    let mut words = 0;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '"' => match quoted(&rest[1..]) {
                Some(rest) => rest,
                None => return false,
            },
            c if c.is_alphabetic() || c == '_' => {
                rest.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$'))
            }
            // Between words, and behind them.
            '.' | ' ' if words > 0 => &rest[1..],
            '(' if words > 0 => {
                let Some((modifiers, behind)) = rest[1..].split_once(')') else { return false };
                let plain = |c: char| c.is_alphanumeric() || matches!(c, ',' | '-' | '_' | ' ');
                if modifiers.is_empty() || !modifiers.chars().all(plain) || modifiers.contains("--") {
                    return false;
                }
                behind
            }
            '[' if words > 0 => match rest.strip_prefix("[]") {
                Some(rest) => rest,
                None => return false,
            },
            _ => return false,
        };
        words += 1;
    }
    words > 0
}

/// What stands behind a quoted name.
fn quoted(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let (_, behind) = rest.split_once('"')?;
        match behind.strip_prefix('"') {
            Some(more) => rest = more,
            None => return Some(behind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types_are_told_from_statements() {
        for name in [
            "integer",
            "numeric(10,2)",
            "numeric(3,-2)",
            "timestamp(3) with time zone",
            "interval day to second(3)",
            "character varying(20)[]",
            "\"char\"",
            "shop.mood",
            "\"My shop\".\"odd \"\" name\"[]",
            "public.geometry(Point,4326)",
            "größe",
        ] {
            assert!(is_type_name(name), "{name}");
        }
        for other in [
            "",
            "integer; DROP TABLE t",
            "integer); DROP TABLE t; --",
            "integer -- x",
            "integer DEFAULT f('x')",
            "integer/**/",
            "numeric(10",
            "numeric()",
            "\"open",
            "a, b text",
            "(SELECT 1)",
            "int[1]",
            "numeric(1--)",
            "integer\nx",
        ] {
            assert!(!is_type_name(other), "{other}");
        }
    }
}
