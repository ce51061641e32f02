//! Avro's container files as a home, read in groups of blocks.

mod container;
mod cost;
mod project;
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
use crate::files::positioned::guarded;
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
        let file = pin.open()?;
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
        let Some((path, what)) = schema.fields().iter().find_map(|field| unfit_in(field, field.name(), 0)) else {
            return Ok(());
        };
        let error = Error::refused(what).at(format!("{shown}, column {path}"));
        let fits = |data_type: &DataType| unfit_in(&Field::new("x", data_type.clone(), true), "x", 0).is_none();
        Err(leave_out(error, schema, &fits))
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

/// The first part of a column that no column holds, by its path, and what it is.
fn unfit_in(field: &Field, path: &str, depth: usize) -> Option<(String, &'static str)> {
    match field.data_type() {
        DataType::Union(..) => Some((path.to_owned(), "the field may hold one of several types, and a column has one")),
        DataType::Null if depth > 0 => Some((path.to_owned(), "the field inside of another holds nothing but null")),
        DataType::List(inner) | DataType::Map(inner, _) => unfit_in(inner, path, depth + 1),
        DataType::Struct(fields) => {
            fields.iter().find_map(|field| unfit_in(field, &format!("{path}.{}", field.name()), depth + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
