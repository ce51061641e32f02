//! Which columns of a load stand in files, and which in the names of folders.

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use hygge_core::{Error, Part, Result};

use crate::files::hive::texts::{can_part, given_back};
use crate::files::hive::{self, KeyColumns, NULL};

/// The columns of a load, parted.
pub(super) struct Layout {
    /// All columns.
    pub(super) schema: SchemaRef,
    /// Those that files hold.
    pub(super) file_schema: SchemaRef,
    /// Those that folders tell, by position, the outermost folder first.
    pub(super) keys: Vec<usize>,
}

impl Layout {
    /// Parts `schema` by the columns that are named.
    ///
    /// # Errors
    /// Refused, naming the column that cannot be the name of a folder.
    pub(super) fn new(schema: &SchemaRef, partition_by: &[String]) -> Result<Self> {
        let mut keys = Vec::with_capacity(partition_by.len());
        for name in partition_by {
            let at = schema.index_of(name).map_err(|_| {
                let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                Error::refused(format!("`partition_by` names the column {name}, which is not there"))
                    .next(format!("choose among {}", names.join(", ")))
            })?;
            let field = schema.field(at);
            let refused = |found: String| Error::refused(found).at(format!("column {name}"));
            if !can_part(field.data_type()) {
                return Err(refused(format!(
                    "values of type {} cannot be names of folders that every reader takes for the same",
                    field.data_type()
                ))
                .next("part the rows by whole numbers, texts, dates, decimals or truths"));
            }
            if !hive::is_plain(name) {
                return Err(refused("the column's name cannot be that of a folder as it stands".to_owned())
                    .next("rename it in the home or in a query: letters, digits, _ - . and ~, none of _ and . first"));
            }
            keys.push(at);
        }
        if !keys.is_empty() && keys.len() == schema.fields().len() {
            return Err(Error::refused("`partition_by` names all columns, so that none is left for the files")
                .next_set(Part::Store, format!("partition_by: [{}]", partition_by[..keys.len() - 1].join(", "))));
        }
        Ok(Self { schema: Arc::clone(schema), file_schema: without(schema, partition_by), keys })
    }

    /// The folders of a file that has no rows.
    pub(super) fn empty_in(&self) -> Option<String> {
        let folders: Vec<String> =
            self.keys.iter().map(|&at| format!("{}={NULL}", self.schema.field(at).name())).collect();
        Some(folders.join("/")).filter(|folders| !folders.is_empty())
    }
}

/// The columns but those that folders tell.
fn without(schema: &SchemaRef, names: &[String]) -> SchemaRef {
    if names.is_empty() {
        return Arc::clone(schema);
    }
    let own = schema.fields().iter().filter(|field| !names.contains(field.name())).cloned();
    Arc::new(Schema::new_with_metadata(own.collect::<Vec<_>>(), schema.metadata().clone()))
}

/// How a file of a place is read as columns of `schema`: what it holds itself, and with what its folders tell.
pub(super) struct FileColumns {
    /// What it holds.
    pub(super) own: SchemaRef,
    /// What is added, with the values.
    pub(super) keyed: Option<(Arc<KeyColumns>, Vec<Option<String>>)>,
}

impl FileColumns {
    /// Of the file that has this name in a place.
    ///
    /// # Errors
    /// Refused, if its folders tell no columns of the schema.
    pub(super) fn of(name: &str, schema: &SchemaRef) -> Result<Self> {
        let keys = hive::keys_of(name)?;
        if keys.is_empty() {
            return Ok(Self { own: Arc::clone(schema), keyed: None });
        }
        let (names, values): (Vec<String>, Vec<Option<String>>) = keys.into_iter().unzip();
        let own = without(schema, &names);
        let width = own.fields().len();
        let mut types = Vec::with_capacity(names.len());
        for name in &names {
            let field = schema.field_with_name(name).map_err(|_| {
                Error::refused(format!("the file lies in a folder of {name}, which is none of the columns"))
            })?;
            types.push(given_back(field.data_type()));
        }
        let source = |name: &String| match names.iter().position(|key| key == name) {
            Some(at) => Ok(width + at),
            None => own.index_of(name).map_err(|e| Error::bug("a column is gone").because(e)),
        };
        let sources = schema.fields().iter().map(|field| source(field.name())).collect::<Result<_>>()?;
        Ok(Self { own, keyed: Some((Arc::new(KeyColumns { sources, width, types }), values)) })
    }
}
