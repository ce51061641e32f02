//! What a column's values are written in once its dictionary is given up.
//!
//! Every column starts with a dictionary, if there is memory for all of them. Where values hardly repeat it is given up at its size limit, and from there
//! on numbers and times are written as differences, texts as all lengths and then all bytes: fewer bytes to compress
//! and to write, so less work as well. See <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

use arrow_schema::{DataType, Schema};
use hygge_core::Result;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Encoding, Type as Physical};
use parquet::file::properties::WriterPropertiesBuilder;

use super::unwritable;

/// What a dictionary takes in memory before it has helped, in bytes. Where a wide table has less for each column, all are
/// written plain: else the table would not fit its memory, or its row groups would hold a few rows each.
const ROOM: usize = 64 << 10;

/// What the library sets aside for each column of numbers in delta encoding, and counts as used. It is not: the system
/// gives memory when it is written to, and no page becomes larger than [`Chosen::PAGES`] of a column's room.
const SET_ASIDE: usize = 1 << 20;

/// What a table is written in, by its columns and the memory for a row group.
pub(super) struct Chosen {
    pub(super) properties: WriterPropertiesBuilder,
    /// The bytes that the writer counts as memory and that are none.
    pub(super) set_aside: usize,
}

impl Chosen {
    /// A page ends at this part of a column's room.
    const PAGES: usize = 4;
}

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

    /// Sets them for the columns of `schema` as it is stored, of which a row group may take `hold` bytes in memory.
    pub(super) fn set(self, schema: &Schema, hold: usize, builder: WriterPropertiesBuilder) -> Result<Chosen> {
        let columns = ArrowSchemaConverter::new().convert(schema).map_err(unwritable)?;
        let each = hold / columns.num_columns().max(1);
        let mut properties = builder
            .set_dictionary_enabled(each >= ROOM)
            .set_data_page_size_limit((each / Chosen::PAGES).clamp(4 << 10, 1 << 20));
        let packed: Vec<&str> =
            schema.fields().iter().filter(|f| holds_dictionary(f.data_type())).map(|f| f.name().as_str()).collect();
        let mut set_aside = 0;
        if self == Self::Delta && each >= ROOM {
            for column in columns.columns() {
                let encoding = match column.physical_type() {
                    Physical::INT32 | Physical::INT64 => {
                        set_aside += SET_ASIDE;
                        Encoding::DELTA_BINARY_PACKED
                    }
                    // pyarrow makes a dictionary of plain texts only.
                    Physical::BYTE_ARRAY if !packed.contains(&column.path().parts()[0].as_str()) => {
                        Encoding::DELTA_LENGTH_BYTE_ARRAY
                    }
                    _ => continue,
                };
                properties = properties.set_column_encoding(column.path().clone(), encoding);
            }
        }
        Ok(Chosen { properties, set_aside })
    }
}

/// Whether values of a type are words of a dictionary, or hold such.
fn holds_dictionary(data_type: &DataType) -> bool {
    use DataType as T;
    match data_type {
        T::Dictionary(..) => true,
        T::List(item) | T::LargeList(item) | T::FixedSizeList(item, _) | T::Map(item, _) => {
            holds_dictionary(item.data_type())
        }
        T::Struct(fields) => fields.iter().any(|field| holds_dictionary(field.data_type())),
        _ => false,
    }
}
