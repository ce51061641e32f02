//! Avro's container files as a home, read in groups of blocks.

mod container;
mod schema;
mod stream;
mod unpack;

use std::path::Path;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use hygge_core::context::{Context, SplitContext};
use hygge_core::home::BatchStream;
use hygge_core::receipt::Options;
use hygge_core::{Error, Result};

use self::container::Header;
use self::schema::Columns;
use self::stream::BlockStream;
use self::unpack::Packing;
use super::files::FilesHome;
use super::files::described::{Described, Head, Range, Unit};
use crate::files::listing::PinnedFile;
use crate::files::positioned::{Positioned, guarded};
use crate::stores::leave_out::leave_out;

/// How Avro files' names end in a folder.
const EXTENSIONS: &[&str] = &["avro"];

/// A byte of a block stands for about so many in memory: numbers are written short.
const WRITTEN: u64 = 3;

/// And a byte of one that is packed for so many more.
const PACKED: u64 = 3;

/// Avro files as a home.
pub type AvroHome = FilesHome<Avro>;

/// Avro as it is read.
#[derive(Clone)]
pub struct Avro;

impl AvroHome {
    /// The files at `written` (a file, a folder or a glob, maybe with `{entity}`), from the project's root.
    #[must_use]
    pub fn new(root: &Path, written: &str) -> Self {
        Self::of(root, written, Avro)
    }
}

impl Described for Avro {
    fn name(&self) -> &'static str {
        "avro"
    }

    fn shown(&self) -> &'static str {
        "Avro"
    }

    fn extensions(&self) -> &'static [&'static str] {
        EXTENSIONS
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn unit(&self) -> &'static str {
        "byte"
    }

    fn head(&self, pin: &PinnedFile, _ctx: &Context) -> Result<Head> {
        let file = Positioned::new(pin.open()?, pin.len);
        let header = Header::read(&file, &pin.shown)?;
        let columns = guarded(&pin.shown, || Columns::of(&header.schema, &pin.shown))?;
        let wider = if header.packing == Packing::None { WRITTEN } else { WRITTEN * PACKED };
        let unit = |block: container::Block| Unit {
            range: Range { begin: block.at, end: block.end() },
            rows: Some(block.rows),
            bytes: block.len.saturating_mul(wider),
        };
        let blocks = header.blocks(&file, (header.end, pin.len), &pin.shown)?;
        Ok(Head { schema: columns.schema, units: blocks.into_iter().map(unit).collect(), notes: Vec::new() })
    }

    fn fits(&self, schema: &Schema, shown: &str) -> Result<()> {
        let Some(path) = schema.fields().iter().find_map(|field| union_in(field, field.name())) else {
            return Ok(());
        };
        let found = "the field may hold one of several types, and a column has one";
        let error = Error::refused(found).at(format!("{shown}, column {path}"));
        Err(leave_out(error, schema, &|data_type| union_in(&Field::new("x", data_type.clone(), true), "x").is_none()))
    }

    fn read(
        &self,
        pin: &PinnedFile,
        part: Range,
        schema: &SchemaRef,
        ctx: &SplitContext,
    ) -> Result<Box<dyn BatchStream>> {
        Ok(Box::new(BlockStream::new(pin, part, schema, ctx)?))
    }
}

/// The first union inside a column, by its path.
fn union_in(field: &Field, path: &str) -> Option<String> {
    match field.data_type() {
        DataType::Union(..) => Some(path.to_owned()),
        DataType::List(inner) | DataType::Map(inner, _) => union_in(inner, path),
        DataType::Struct(fields) => {
            fields.iter().find_map(|field| union_in(field, &format!("{path}.{}", field.name())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
