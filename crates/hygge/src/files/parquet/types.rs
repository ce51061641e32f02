//! Which Arrow types Parquet holds, and as what.
//!
//! Some types Parquet could only hold as bare numbers that other readers would take for numbers (seconds, milliseconds
//! of days). They are stored as the nearest type that every reader knows and that holds each value exactly.

use std::sync::Arc;

use arrow_schema::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, FieldRef, Schema, SchemaRef, TimeUnit,
};
use hygge_core::store::ColumnPlan;
use hygge_core::{Error, Result};
use parquet::arrow::{ArrowSchemaConverter, parquet_to_arrow_schema};
use parquet::schema::types::SchemaDescriptor;

use crate::stores::leave_out::leave_out;

/// How each column arrives.
pub(super) fn plan(schema: &Schema) -> Result<Vec<ColumnPlan>> {
    if schema.fields().is_empty() {
        return Err(Error::refused("there is no column to write, and Parquet has no file without one"));
    }
    schema
        .fields()
        .iter()
        .map(|field| {
            let stored = stored(field.data_type()).ok_or_else(|| {
                let error = Error::refused(format!("Parquet has no type that holds {} exactly", field.data_type()));
                leave_out(error.at(format!("column {}", field.name())), schema, &|data_type| {
                    stored(data_type).is_some()
                })
            })?;
            Ok(ColumnPlan {
                name: field.name().clone(),
                arrow: field.data_type().to_string(),
                store: parquet_name(&stored),
                exact_text: false,
            })
        })
        .collect()
}

/// The schema as it is stored.
pub(super) fn stored_schema(schema: &SchemaRef) -> SchemaRef {
    let same = schema.fields().iter().all(|f| stored(f.data_type()).is_none_or(|s| s == *f.data_type()));
    if same {
        return Arc::clone(schema);
    }
    let fields: Vec<FieldRef> = schema
        .fields()
        .iter()
        .map(|f| match stored(f.data_type()) {
            Some(stored) if stored != *f.data_type() => Arc::new(f.as_ref().clone().with_data_type(stored)),
            _ => Arc::clone(f),
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Refuses a file whose columns are not those that a file of `schema` has, as Parquet names them: what Arrow types their
/// writers had in mind is no difference, and neither is the order.
pub(super) fn check_fits(found: &SchemaDescriptor, schema: &SchemaRef) -> Result<()> {
    let unreadable = |e| Error::refused("the file has columns that hygge does not know").because(e);
    let found = parquet_to_arrow_schema(found, None).map_err(unreadable)?;
    let written = ArrowSchemaConverter::new().convert(&stored_schema(schema)).map_err(unreadable)?;
    let written = parquet_to_arrow_schema(&written, None).map_err(unreadable)?;
    for field in written.fields() {
        let Some((_, theirs)) = found.column_with_name(field.name()) else {
            return Err(Error::refused(format!("the file has no column {}", field.name())));
        };
        if !theirs.data_type().equals_datatype(field.data_type()) {
            return Err(Error::refused(format!(
                "the file's column {} is {}, where the rows to come have {}",
                field.name(),
                theirs.data_type(),
                field.data_type()
            )));
        }
    }
    match found.fields().iter().find(|field| written.column_with_name(field.name()).is_none()) {
        Some(field) => {
            Err(Error::refused(format!("the file has a column {}, which the rows to come do not have", field.name())))
        }
        None => Ok(()),
    }
}

/// The schema that a file is read as: dictionaries of text and bytes stay packed, with keys that do not run out however
/// many dictionaries of a file meet in one batch; others come as their values, which the library cannot pack again.
pub(super) fn readable_schema(schema: &Schema) -> Option<SchemaRef> {
    let fields: Vec<FieldRef> = schema.fields().iter().map(readable_field).collect();
    let same = schema.fields().iter().zip(&fields).all(|(a, b)| a.data_type() == b.data_type());
    (!same).then(|| Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}

fn readable_field(field: &FieldRef) -> FieldRef {
    let readable = readable(field.data_type());
    if readable == *field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(field.as_ref().clone().with_data_type(readable))
}

fn readable(data_type: &DataType) -> DataType {
    use DataType as T;
    match data_type {
        T::Dictionary(key, value) if is_packed(value) => T::Dictionary(Box::new(wide(key)), value.clone()),
        T::Dictionary(_, value) => readable(value),
        T::List(field) => T::List(readable_field(field)),
        T::LargeList(field) => T::LargeList(readable_field(field)),
        T::FixedSizeList(field, len) => T::FixedSizeList(readable_field(field), *len),
        T::Struct(fields) => T::Struct(fields.iter().map(readable_field).collect()),
        T::Map(field, sorted) => T::Map(readable_field(field), *sorted),
        other => other.clone(),
    }
}

/// Whether dictionaries of such values stay dictionaries.
fn is_packed(value: &DataType) -> bool {
    use DataType as T;
    matches!(value, T::Utf8 | T::LargeUtf8 | T::Binary | T::LargeBinary)
}

/// The keys of a dictionary that takes in every batch.
fn wide(key: &DataType) -> DataType {
    use DataType as T;
    match key {
        T::Int8 | T::Int16 | T::UInt8 | T::UInt16 => T::Int32,
        other => other.clone(),
    }
}

/// The type that holds every value of `data_type` in a file, or none.
fn stored(data_type: &DataType) -> Option<DataType> {
    use DataType as T;
    let nested = |field: &FieldRef| -> Option<FieldRef> {
        let inner = stored(field.data_type())?;
        Some(if inner == *field.data_type() {
            Arc::clone(field)
        } else {
            Arc::new(field.as_ref().clone().with_data_type(inner))
        })
    };
    Some(match data_type {
        T::Timestamp(TimeUnit::Second, zone) => T::Timestamp(TimeUnit::Millisecond, zone.clone()),
        T::Time32(TimeUnit::Second) => T::Time32(TimeUnit::Millisecond),
        T::Date64 => T::Date32,
        T::Interval(_)
        | T::Duration(_)
        | T::Union(..)
        | T::RunEndEncoded(..)
        | T::ListView(_)
        | T::LargeListView(_) => {
            return None;
        }
        T::List(field) => T::List(nested(field)?),
        T::LargeList(field) => T::LargeList(nested(field)?),
        T::FixedSizeList(field, len) => T::FixedSizeList(nested(field)?, *len),
        T::Struct(fields) => {
            if fields.is_empty() {
                return None;
            }
            T::Struct(fields.iter().map(nested).collect::<Option<Vec<_>>>()?.into())
        }
        T::Map(field, sorted) => T::Map(nested(field)?, *sorted),
        T::Dictionary(key, value) if is_packed(value) => T::Dictionary(Box::new(wide(key)), value.clone()),
        T::Dictionary(_, value) => stored(value)?,
        // Parquet knows no scale below zero: the zeros that it stands for are written out.
        T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) | T::Decimal256(p, s) if *s < 0 => {
            match p.checked_add(s.unsigned_abs())? {
                p if p <= DECIMAL128_MAX_PRECISION => T::Decimal128(p, 0),
                p if p <= DECIMAL256_MAX_PRECISION => T::Decimal256(p, 0),
                _ => return None,
            }
        }
        T::FixedSizeBinary(0) => return None,
        other => other.clone(),
    })
}

/// Parquet's own name for a type.
fn parquet_name(stored: &DataType) -> String {
    use DataType as T;
    match stored {
        T::Null => "INT32 (UNKNOWN)".to_owned(),
        T::Boolean => "BOOLEAN".to_owned(),
        T::Int8 => "INT32 (INT 8)".to_owned(),
        T::Int16 => "INT32 (INT 16)".to_owned(),
        T::Int32 => "INT32".to_owned(),
        T::Int64 => "INT64".to_owned(),
        T::UInt8 => "INT32 (UINT 8)".to_owned(),
        T::UInt16 => "INT32 (UINT 16)".to_owned(),
        T::UInt32 => "INT32 (UINT 32)".to_owned(),
        T::UInt64 => "INT64 (UINT 64)".to_owned(),
        T::Float16 => "FIXED 2 (FLOAT16)".to_owned(),
        T::Float32 => "FLOAT".to_owned(),
        T::Float64 => "DOUBLE".to_owned(),
        T::Date32 | T::Date64 => "INT32 (DATE)".to_owned(),
        T::Time32(_) => "INT32 (TIME ms)".to_owned(),
        T::Time64(unit) => format!("INT64 (TIME {})", unit_name(*unit)),
        T::Timestamp(unit, zone) => {
            format!("INT64 (TIMESTAMP {}{})", unit_name(*unit), if zone.is_some() { " UTC" } else { "" })
        }
        T::Utf8 | T::LargeUtf8 | T::Utf8View => "BYTE_ARRAY (STRING)".to_owned(),
        T::Binary | T::LargeBinary | T::BinaryView => "BYTE_ARRAY".to_owned(),
        T::FixedSizeBinary(len) => format!("FIXED {len}"),
        T::Decimal32(p, s) | T::Decimal64(p, s) | T::Decimal128(p, s) | T::Decimal256(p, s) => {
            format!("DECIMAL({p}, {s})")
        }
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) => "LIST".to_owned(),
        T::Map(..) => "MAP".to_owned(),
        T::Struct(_) => "GROUP".to_owned(),
        T::Dictionary(_, value) => parquet_name(value),
        other => other.to_string(),
    }
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::Field;
    use hygge_core::{Advice, Part};

    use super::*;

    #[test]
    fn a_column_that_cannot_be_kept_is_left_out_by_the_line_that_is_advised() {
        let took = Field::new("took", DataType::Duration(TimeUnit::Second), true);
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            took.clone(),
            Field::new("unit price", DataType::Utf8, true),
        ]);
        let error = plan(&schema).expect_err("no type for it");
        let line = "columns: [id, \"unit price\"]".to_owned();
        assert_eq!(error.advice(), Some(&Advice::Set { part: Part::Home, line }));
        let error = plan(&Schema::new(vec![took])).expect_err("no type for it");
        assert!(matches!(error.advice(), Some(Advice::Do(_))), "{error:?}");
    }
}
