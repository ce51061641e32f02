//! What each column of a stream becomes, settled once, before a byte is read.

mod known;

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::catalogue::{Catalogue, Oid, Shape, Type};
use crate::error::Error;
pub(crate) use known::{Form, Render, Scalar, precision_and_scale};

/// The key of a field's metadata that holds its type in PostgreSQL, as one declares it: `numeric(10,2)`, `shop.mood`.
pub const TYPE_KEY: &str = "hygge:postgres.type";
/// For a domain, or an array of domains: the type that it is of.
pub const BASE_KEY: &str = "hygge:postgres.base";
/// For an enum, or an array of enums: its words in their order, as a JSON array.
pub const LABELS_KEY: &str = "hygge:postgres.labels";

/// The key under which Arrow keeps the name of an extension type.
pub(crate) const EXTENSION_NAME: &str = "ARROW:extension:name";
pub(crate) const EXTENSION_METADATA: &str = "ARROW:extension:metadata";

/// The type `text`.
const TEXT: Oid = 25;

/// How deep types may lie within types.
const DEPTH_LIMIT: u32 = 60;

/// What becomes of values that their Arrow type cannot hold: dates at infinity, NaN in a decimal, arrays of odd bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unfit {
    /// An error that names the row and the column.
    #[default]
    Error,
    /// The whole column is carried as exact text, if its type has such values.
    Text,
    /// Such a value becomes NULL; [`crate::Decoder::replaced`] counts them.
    Null,
}

/// How intervals are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Intervals {
    /// As exact text, which every store keeps.
    #[default]
    Text,
    /// As `Interval(MonthDayNano)`, which few stores keep.
    Arrow,
}

/// A column to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The number of its type.
    pub type_oid: Oid,
    /// The modifier of the type; -1 for none.
    pub typmod: i32,
    /// How many dimensions were declared, for arrays; 0 where that is not known, as in a query.
    pub dimensions: u32,
    /// Whether it may hold NULL.
    pub nullable: bool,
    /// What becomes of values that the Arrow type cannot hold.
    pub unfit: Unfit,
    /// How intervals are carried.
    pub intervals: Intervals,
}

impl Column {
    /// A column of a type, with all else as it is where nothing is known of it.
    #[must_use]
    pub fn new(name: impl Into<String>, type_oid: Oid, typmod: i32) -> Self {
        Self {
            name: name.into(),
            type_oid,
            typmod,
            dimensions: 0,
            nullable: true,
            unfit: Unfit::default(),
            intervals: Intervals::default(),
        }
    }
}

/// How a column comes from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// As it is.
    Plain,
    /// As the text that this function renders, because its binary form says too little or too much.
    Output(String),
    /// As an array of the texts of its items.
    Items,
}

/// What becomes of one column.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What it is called, in the type that it has there.
    pub declared: String,
    /// How it comes from the server.
    pub source: Source,
    /// Whether it is carried as text that says its values exactly, where it was no text.
    pub exact_text: bool,
    /// What becomes of values that the Arrow type cannot hold; nothing where there are none.
    pub unfit: Option<Unfit>,
    pub(crate) node: Node,
}

/// What every column of a stream becomes.
#[derive(Debug, Clone)]
pub struct ReadPlan {
    schema: SchemaRef,
    columns: Vec<Planned>,
}

impl ReadPlan {
    /// Settles what the columns become.
    ///
    /// # Errors
    /// An error for each column that cannot be carried.
    pub fn new(catalogue: &Catalogue, columns: &[Column]) -> Result<Self, Vec<Error>> {
        let (mut planned, mut fields, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for column in columns {
            match plan(catalogue, column) {
                Ok(found) => {
                    let nullable = column.nullable || found.unfit == Some(Unfit::Null);
                    fields.push(found.node.field(&column.name, nullable));
                    planned.push(found);
                }
                Err(error) => refused.push(error),
            }
        }
        if refused.is_empty() {
            Ok(Self { schema: Arc::new(Schema::new(fields)), columns: planned })
        } else {
            Err(refused)
        }
    }

    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The columns in their order.
    #[must_use]
    pub fn columns(&self) -> &[Planned] {
        &self.columns
    }

    /// What to select, so that the columns come as they were planned: `"id", pg_catalog.textin(pg_catalog.point_out("p"))`.
    #[must_use]
    pub fn select_list(&self) -> String {
        let items: Vec<String> =
            self.columns.iter().zip(self.schema.fields()).map(|(column, field)| column.select(field.name())).collect();
        items.join(", ")
    }
}

impl Planned {
    /// What to select for the column of a name.
    #[must_use]
    pub fn select(&self, name: &str) -> String {
        let name = quoted(name);
        match &self.source {
            Source::Plain => name,
            Source::Output(function) => format!("pg_catalog.textin({function}({name}))"),
            Source::Items => format!("{name}::pg_catalog.text[]"),
        }
    }
}

/// A name as SQL takes it, whatever it is made of.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A type as it is carried: what comes on the wire, and the Arrow type that it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) form: Form,
    pub(crate) data_type: DataType,
    pub(crate) metadata: HashMap<String, String>,
}

impl Node {
    pub(crate) fn field(&self, name: &str, nullable: bool) -> Field {
        Field::new(name, self.data_type.clone(), nullable).with_metadata(self.metadata.clone())
    }

    fn text() -> Self {
        Self { form: Form::Scalar(Scalar::Text), data_type: DataType::Utf8, metadata: HashMap::new() }
    }

    /// Whether there are values that the Arrow type cannot hold.
    fn partial(&self) -> bool {
        match &self.form {
            Form::Scalar(scalar) => scalar.partial(),
            Form::List { .. } => true,
            Form::Struct(parts) => parts.iter().any(|(_, part)| part.partial()),
        }
    }

    fn exact_text(&self) -> bool {
        match &self.form {
            Form::Scalar(scalar) => matches!(scalar, Scalar::Rendered(_)),
            Form::List { item, .. } => item.exact_text(),
            Form::Struct(parts) => parts.iter().any(|(_, part)| part.exact_text()),
        }
    }
}

/// How a type can come.
enum Found {
    Plain(Node),
    /// By its output function, for the reason that its binary form is not read.
    Output(String),
    /// An array of such.
    Items {
        depth: u32,
    },
}

/// Why a type cannot come.
struct Refusal(String);

fn plan(catalogue: &Catalogue, column: &Column) -> Result<Planned, Error> {
    let declared = catalogue.name(column.type_oid, column.typmod);
    let refuse = |Refusal(why): Refusal| {
        Error::refused(&column.name, format!("{declared} cannot be carried: {why}"))
            .next("leave the column out (columns:), or cast it in a query")
    };
    let resolver = Resolver { catalogue, intervals: column.intervals };
    let found = resolver.find(column.type_oid, column.typmod, column.dimensions, 0).map_err(refuse)?;
    let mut planned = match found {
        Found::Plain(node) if column.unfit == Unfit::Text && node.partial() => {
            let output = resolver.output(column.type_oid).map_err(refuse)?;
            let source = Source::Output(output);
            Planned { declared: String::new(), source, exact_text: true, unfit: None, node: Node::text() }
        }
        Found::Plain(node) => {
            let unfit = node.partial().then_some(column.unfit);
            Planned { declared: String::new(), source: Source::Plain, exact_text: node.exact_text(), unfit, node }
        }
        Found::Output(function) => Planned {
            declared: String::new(),
            source: Source::Output(function),
            exact_text: true,
            unfit: None,
            node: Node::text(),
        },
        Found::Items { .. } if column.unfit == Unfit::Text => Planned {
            declared: String::new(),
            source: Source::Output(resolver.output(column.type_oid).map_err(refuse)?),
            exact_text: true,
            unfit: None,
            node: Node::text(),
        },
        Found::Items { depth } => Planned {
            declared: String::new(),
            source: Source::Items,
            exact_text: true,
            unfit: Some(column.unfit),
            node: known::list(Node::text(), TEXT, depth),
        },
    };
    resolver.describe(column.type_oid, column.typmod, &mut planned.node);
    planned.declared = declared;
    Ok(planned)
}

struct Resolver<'a> {
    catalogue: &'a Catalogue,
    intervals: Intervals,
}

impl Resolver<'_> {
    fn get(&self, oid: Oid) -> Result<&Type, Refusal> {
        self.catalogue.get(oid).ok_or_else(|| Refusal(format!("the server told nothing of its type {oid}")))
    }

    fn output(&self, oid: Oid) -> Result<String, Refusal> {
        self.get(oid).map(|found| found.output.clone())
    }

    /// Says in the metadata what a type was. Of an array it tells what its items were, too: a list's items say nothing
    /// themselves, so that lists of one type are of one type.
    fn describe(&self, oid: Oid, typmod: i32, node: &mut Node) {
        node.metadata.insert(TYPE_KEY.to_owned(), self.catalogue.name(oid, typmod));
        let (of, brackets) = match self.catalogue.get(oid).map(|found| &found.shape) {
            Some(Shape::Array { element, .. }) => (*element, "[]"),
            _ => (oid, ""),
        };
        match self.catalogue.get(of).map(|found| &found.shape) {
            Some(Shape::Domain { base, typmod, .. }) => {
                let name = self.catalogue.name(*base, *typmod);
                node.metadata.insert(BASE_KEY.to_owned(), format!("{name}{brackets}"));
            }
            Some(Shape::Enum { labels }) => {
                let labels = serde_json::Value::from(labels.clone());
                node.metadata.insert(LABELS_KEY.to_owned(), labels.to_string());
            }
            _ => {}
        }
    }

    fn find(&self, oid: Oid, typmod: i32, dimensions: u32, depth: u32) -> Result<Found, Refusal> {
        if depth > DEPTH_LIMIT {
            return Err(Refusal(format!("it is made of more than {DEPTH_LIMIT} types within types")));
        }
        let found = self.get(oid)?;
        match &found.shape {
            Shape::Base => Ok(match known::scalar(found, typmod, self.catalogue.money_digits(), self.intervals) {
                Some(node) => Found::Plain(node),
                None => Found::Output(found.output.clone()),
            }),
            Shape::Enum { .. } => Ok(Found::Plain(Node::text())),
            Shape::Range => Ok(Found::Output(found.output.clone())),
            Shape::Domain { base, typmod: own, dimensions: declared } => {
                let dimensions = if *declared > 0 { *declared } else { dimensions };
                self.find(*base, *own, dimensions, depth + 1)
            }
            Shape::Pseudo if found.name == "record" => Ok(Found::Output(found.output.clone())),
            Shape::Pseudo if known::text_like(oid) => Ok(Found::Plain(Node::text())),
            Shape::Pseudo => Err(Refusal("it is no type of values".to_owned())),
            Shape::Array { element, .. } => self.array(found, *element, typmod, dimensions.max(1), depth),
            Shape::Composite { attributes } => {
                let mut parts = Vec::with_capacity(attributes.len());
                for part in attributes {
                    match self.find(part.type_oid, part.typmod, part.dimensions, depth + 1)? {
                        Found::Plain(mut node) => {
                            self.describe(part.type_oid, part.typmod, &mut node);
                            parts.push((part.clone(), node));
                        }
                        _ => return Ok(Found::Output(found.output.clone())),
                    }
                }
                // A struct of no fields has no way to say how many there are.
                if parts.is_empty() {
                    return Ok(Found::Output(found.output.clone()));
                }
                Ok(Found::Plain(known::structure(parts)))
            }
        }
    }

    fn array(&self, found: &Type, element: Oid, typmod: i32, dimensions: u32, depth: u32) -> Result<Found, Refusal> {
        let item = match self.find(element, typmod, 0, depth + 1)? {
            Found::Plain(node) => node,
            // The text of the whole holds the texts of the items, and is exact for what a cast would change.
            _ if depth > 0 || self.get(element)?.own_cast => return Ok(Found::Output(found.output.clone())),
            _ => return Ok(Found::Items { depth: dimensions }),
        };
        Ok(Found::Plain(known::list(item, element, dimensions)))
    }
}
