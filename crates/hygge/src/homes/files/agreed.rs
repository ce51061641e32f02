//! One schema for all files of a home: the same columns by name, in the order of the first.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use hygge_core::home::ReadRequest;
use hygge_core::{Error, Result};
use serde_json::{Map, Value};

/// Under which the order of columns is remembered.
const ORDER: &str = "order";

/// Remembers the order of columns, for the files that come next.
pub fn remember_order(schema: &Schema, remember: &mut Map<String, Value>) {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    remember.insert(ORDER.to_owned(), Value::from(names));
}

/// The schema that all files agree on so far, and the first file that said it.
pub struct Agreed {
    schema: Schema,
    first: String,
}

impl Agreed {
    /// Starts with one file's schema.
    #[must_use]
    pub fn new(schema: &Schema, shown: &str) -> Self {
        let fields: Vec<FieldRef> = schema.fields().iter().map(|f| Arc::new(plain(f))).collect();
        Self { schema: Schema::new(fields), first: shown.to_owned() }
    }

    /// How many columns there are.
    #[must_use]
    pub fn width(&self) -> usize {
        self.schema.fields().len()
    }

    /// The columns' names.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Joins another file's: names and types must be the same, in any order; NULLs may come in either.
    ///
    /// # Errors
    /// Refused, naming the file and the column that differ.
    pub fn join(&mut self, other: &Schema, shown: &str) -> Result<()> {
        // Nearly always, and there may be many files of many columns.
        if self.schema.fields() == other.fields() {
            return Ok(());
        }
        let mut fields = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            let Ok(theirs) = other.field_with_name(field.name()) else {
                return Err(differs(shown, format!("it has no column {}, which {} has", field.name(), self.first)));
            };
            let joined = join(field, &plain(theirs)).ok_or_else(|| {
                differs(
                    shown,
                    format!(
                        "its column {} is {}, but {} in {}",
                        field.name(),
                        theirs.data_type(),
                        field.data_type(),
                        self.first
                    ),
                )
            })?;
            fields.push(Arc::new(joined));
        }
        if let Some(more) = other.fields().iter().find(|f| self.schema.field_with_name(f.name()).is_err()) {
            return Err(differs(shown, format!("it has a column {}, which {} has not", more.name(), self.first)));
        }
        if other.fields().len() > fields.len() {
            return Self::new(other, shown).alone();
        }
        self.schema = Schema::new(fields);
        Ok(())
    }

    /// Refuses two columns of one name.
    ///
    /// # Errors
    /// As said.
    pub fn alone(&self) -> Result<()> {
        let mut names = std::collections::HashSet::new();
        match self.schema.fields().iter().find(|field| !names.insert(field.name())) {
            Some(twice) => Err(Error::refused(format!("two columns are called {}", twice.name()))
                .at(&self.first)
                .next("give each a name of its own where the file is made")),
            None => Ok(()),
        }
    }

    /// The columns asked for, in their order, or all.
    ///
    /// # Errors
    /// Refused, if one is not there or a name is there twice.
    pub fn choose(self, columns: Option<&[String]>) -> Result<SchemaRef> {
        self.alone()?;
        let Some(columns) = columns else { return Ok(Arc::new(self.schema)) };
        let fields = columns
            .iter()
            .map(|name| {
                self.schema
                    .field_with_name(name)
                    .cloned()
                    .map(Arc::new)
                    .map_err(|_| missing(&self.schema, name, &self.first))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(Schema::new(fields)))
    }

    /// The columns asked for, or all; these in the order in which they settled, where they are the same.
    ///
    /// # Errors
    /// As [`Self::choose`].
    pub fn choose_as_before(self, request: &ReadRequest, before: &Map<String, Value>) -> Result<SchemaRef> {
        let settled: Option<Vec<String>> = match &request.like {
            Some(like) => Some(like.fields().iter().map(|field| field.name().clone()).collect()),
            None => before.get(ORDER).and_then(|order| serde_json::from_value(order.clone()).ok()),
        };
        let same = |order: &Vec<String>| {
            order.len() == self.width() && order.iter().all(|name| self.schema.field_with_name(name).is_ok())
        };
        let settled = settled.filter(same);
        self.choose(request.columns.as_deref().or(settled.as_deref()))
    }

    /// A column by name.
    ///
    /// # Errors
    /// Refused, if it is not there.
    pub fn column(&self, name: &str) -> Result<FieldRef> {
        self.schema.field_with_name(name).cloned().map(Arc::new).map_err(|_| missing(&self.schema, name, &self.first))
    }
}

fn missing(schema: &Schema, name: &str, shown: &str) -> Error {
    let like = schema
        .fields()
        .iter()
        .map(|f| f.name())
        .min_by_key(|other| strsim::damerau_levenshtein(other, name))
        .filter(|other| strsim::damerau_levenshtein(other, name) <= 1 + name.len() / 3);
    let error = Error::refused(format!("there is no column {name}")).at(shown);
    if let Some(like) = like {
        return error.next(format!("did you mean {like}?"));
    }
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    error.next(format!("choose among {}", names.join(", ")))
}

fn differs(shown: &str, found: String) -> Error {
    Error::refused(found).at(shown).next("let the home name files of one kind only, or write this one anew")
}

/// A field without the marks that a writer left on it.
fn plain(field: &Field) -> Field {
    let data_type = match field.data_type() {
        DataType::List(inner) => DataType::List(Arc::new(plain(inner))),
        DataType::LargeList(inner) => DataType::LargeList(Arc::new(plain(inner))),
        DataType::FixedSizeList(inner, len) => DataType::FixedSizeList(Arc::new(plain(inner)), *len),
        DataType::Map(inner, sorted) => DataType::Map(Arc::new(plain(inner)), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| Arc::new(plain(f))).collect::<Fields>()),
        other => other.clone(),
    };
    Field::new(field.name(), data_type, field.is_nullable())
}

/// A field that holds what both hold, if they differ in nothing but whether there may be NULLs.
fn join(a: &Field, b: &Field) -> Option<Field> {
    use DataType as T;
    let inner = |a: &FieldRef, b: &FieldRef| join(a, b).map(Arc::new);
    let data_type = match (a.data_type(), b.data_type()) {
        (T::List(a), T::List(b)) => T::List(inner(a, b)?),
        (T::LargeList(a), T::LargeList(b)) => T::LargeList(inner(a, b)?),
        (T::FixedSizeList(a, n), T::FixedSizeList(b, m)) if n == m => T::FixedSizeList(inner(a, b)?, *n),
        (T::Map(a, s), T::Map(b, t)) if s == t => T::Map(inner(a, b)?, *s),
        (T::Struct(a), T::Struct(b)) if a.len() == b.len() => {
            let fields = a.iter().zip(b).map(|(a, b)| if a.name() == b.name() { inner(a, b) } else { None });
            T::Struct(fields.collect::<Option<Vec<_>>>()?.into())
        }
        (a, b) if a == b => a.clone(),
        _ => return None,
    };
    Some(Field::new(a.name(), data_type, a.is_nullable() || b.is_nullable()))
}
