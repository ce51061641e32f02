//! What a column's values are written in once its dictionary is given up.
//!
//! Every column starts with a dictionary. Where values hardly repeat it is given up at its size limit, and from there
//! on numbers and times are written as differences, texts as all lengths and then all bytes: fewer bytes to compress
//! and to write, so less work as well. See <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use arrow_schema::Schema;
use hygge_core::Result;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Encoding, Type as Physical};
use parquet::file::properties::WriterPropertiesBuilder;

use super::unwritable;

/// How values are written that no dictionary holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encodings {
    /// Numbers and times as differences (`DELTA_BINARY_PACKED`), texts with their lengths apart
    /// (`DELTA_LENGTH_BYTE_ARRAY`), anything else plain.
    #[default]
    Delta,
    /// All of them plain, for readers that know nothing else.
    Plain,
}

impl Encodings {
    /// The word of the option `encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Delta => "delta",
            Self::Plain => "plain",
        }
    }

    /// Sets them for the columns of `schema` as it is stored.
    pub(super) fn set(self, schema: &Schema, builder: WriterPropertiesBuilder) -> Result<WriterPropertiesBuilder> {
        if self == Self::Plain {
            return Ok(builder);
        }
        let columns = ArrowSchemaConverter::new().convert(schema).map_err(unwritable)?;
        Ok(columns.columns().iter().fold(builder, |builder, column| {
            let encoding = match column.physical_type() {
                Physical::INT32 | Physical::INT64 => Encoding::DELTA_BINARY_PACKED,
                Physical::BYTE_ARRAY => Encoding::DELTA_LENGTH_BYTE_ARRAY,
                _ => return builder,
            };
            builder.set_column_encoding(column.path().clone(), encoding)
        }))
    }
}
