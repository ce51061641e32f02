//! Types as a server tells of them.
//!
//! The crate asks no server: [`Catalogue::query`] is the question, whoever has a connection asks it, and
//! [`Catalogue::parse`] reads the answer.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::error::{Error, Result};

/// The number of a type in its database.
pub type Oid = u32;

/// What a session must be set to, so that what the server renders as text is exact and always the same.
pub const SETTINGS: [(&str, &str); 8] = [
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("xmlbinary", "base64"),
    ("xmloption", "content"),
];

/// Types, and what they are called with their modifiers.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    version: u32,
    money_digits: u8,
    types: HashMap<Oid, Type>,
    names: HashMap<(Oid, i32), String>,
}

/// One type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// Its number.
    pub oid: Oid,
    /// The schema that it is in.
    pub schema: String,
    /// Its name there (`int4`, not `integer`).
    pub name: String,
    /// What it is made of.
    pub shape: Shape,
    /// The function that renders it as text, quoted where that is needed, with its schema.
    pub output: String,
    /// The name of the function that sends it in the binary format; none for types that have none.
    pub send: Option<String>,
    /// Whether somebody defined a cast to `text`, which may say something else than the type's own text.
    pub own_cast: bool,
}

/// What a type is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Values of its own form.
    Base,
    /// An array of any number of dimensions.
    Array {
        /// The type of its items.
        element: Oid,
        /// What stands between them in its text.
        delimiter: char,
    },
    /// Another type, with conditions.
    Domain {
        /// The type that it is of, which may be a domain again.
        base: Oid,
        /// The modifier of that type.
        typmod: i32,
        /// How many dimensions were declared, for arrays.
        dimensions: u32,
    },
    /// One of some words.
    Enum {
        /// The words in their order.
        labels: Vec<String>,
    },
    /// A row.
    Composite {
        /// What it is made of, in its order, without what was dropped.
        attributes: Vec<Attribute>,
    },
    /// A range or a multirange.
    Range,
    /// No type of values.
    Pseudo,
}

/// A part of a composite type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// The number of its type.
    pub type_oid: Oid,
    /// The modifier of the type; -1 for none.
    pub typmod: i32,
    /// How many dimensions were declared, for arrays.
    pub dimensions: u32,
}

#[derive(Deserialize)]
struct Told {
    version: u32,
    money: u8,
    types: Vec<ToldType>,
    names: Vec<(Oid, i32, String)>,
}

#[derive(Deserialize)]
struct ToldType {
    oid: Oid,
    schema: String,
    name: String,
    kind: char,
    element: Oid,
    delimiter: char,
    base: Oid,
    typmod: i32,
    dimensions: u32,
    output: String,
    send: Option<String>,
    own_cast: bool,
    labels: Option<Vec<String>>,
    attributes: Option<Vec<Attribute>>,
}

impl Catalogue {
    /// The question: types with their modifiers (-1 for none), and all that they are made of. The answer is one row of one
    /// column. Asked with an empty `search_path`, names come with their schema wherever they need one.
    #[must_use]
    pub fn query(wanted: &[(Oid, i32)]) -> String {
        let mut values = String::new();
        for (oid, typmod) in wanted {
            let comma = if values.is_empty() { "" } else { ", " };
            // Writing to memory cannot fail.
            let _ = write!(values, "{comma}({oid}::pg_catalog.oid, {typmod}::int4)");
        }
        if values.is_empty() {
            values.push_str("(25::pg_catalog.oid, -1::int4)");
        }
        QUERY.replace("{wanted}", &values)
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// If it is none to [`Catalogue::query`].
    pub fn parse(answer: &str) -> Result<Self> {
        let told: Told = serde_json::from_str(answer)
            .map_err(|e| Error::stream(format!("the server's description of its types cannot be read: {e}")))?;
        let types = told.types.into_iter().map(|t| (t.oid, t.into())).collect();
        let names = told.names.into_iter().map(|(oid, typmod, name)| ((oid, typmod), name)).collect();
        Ok(Self { version: told.version, money_digits: told.money, types, names })
    }

    /// The server's version as a number: 150018 for 15.18.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// How many decimals `money` has in this database.
    #[must_use]
    pub fn money_digits(&self) -> u8 {
        self.money_digits
    }

    /// A type.
    #[must_use]
    pub fn get(&self, oid: Oid) -> Option<&Type> {
        self.types.get(&oid)
    }

    /// What a type is called with its modifier, as one would declare it.
    #[must_use]
    pub fn name(&self, oid: Oid, typmod: i32) -> String {
        self.names.get(&(oid, typmod)).cloned().unwrap_or_else(|| match self.types.get(&oid) {
            Some(known) => format!("{}.{}", known.schema, known.name),
            None => format!("type {oid}"),
        })
    }
}

impl From<ToldType> for Type {
    fn from(told: ToldType) -> Self {
        let shape = match told.kind {
            _ if told.element != 0 => Shape::Array { element: told.element, delimiter: told.delimiter },
            'c' => Shape::Composite { attributes: told.attributes.unwrap_or_default() },
            'd' => Shape::Domain { base: told.base, typmod: told.typmod, dimensions: told.dimensions },
            'e' => Shape::Enum { labels: told.labels.unwrap_or_default() },
            'r' | 'm' => Shape::Range,
            'p' => Shape::Pseudo,
            _ => Shape::Base,
        };
        Self {
            oid: told.oid,
            schema: told.schema,
            name: told.name,
            shape,
            output: told.output,
            send: told.send,
            own_cast: told.own_cast,
        }
    }
}

// An array is what its item names as its array: int2vector and others have items too.
const QUERY: &str = "
WITH RECURSIVE known(oid, typmod) AS (
  VALUES {wanted}
  UNION
  SELECT part.oid, part.typmod
  FROM known JOIN pg_catalog.pg_type t ON t.oid = known.oid CROSS JOIN LATERAL (
    SELECT e.oid, known.typmod FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid
    UNION ALL
    SELECT t.typbasetype, t.typtypmod WHERE t.typtype = 'd'
    UNION ALL
    SELECT a.atttypid, a.atttypmod FROM pg_catalog.pg_attribute a
    WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
  ) AS part(oid, typmod)
)
SELECT pg_catalog.json_build_object(
  'version', pg_catalog.current_setting('server_version_num')::int4,
  'money', pg_catalog.length(pg_catalog.split_part('0'::pg_catalog.money::pg_catalog.numeric::pg_catalog.text, '.', 2)),
  'names', (SELECT pg_catalog.json_agg(
    pg_catalog.json_build_array(oid::int8, typmod, pg_catalog.format_type(oid, typmod))) FROM known),
  'types', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'oid', t.oid::int8,
    'schema', n.nspname,
    'name', t.typname,
    'kind', t.typtype,
    'element', coalesce((SELECT e.oid::int8 FROM pg_catalog.pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid), 0),
    'delimiter', t.typdelim,
    'base', t.typbasetype::int8,
    'typmod', t.typtypmod,
    'dimensions', t.typndims,
    'output', (SELECT pg_catalog.format('%I.%I', fn.nspname, f.proname)
      FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace WHERE f.oid = t.typoutput),
    'send', (SELECT f.proname FROM pg_catalog.pg_proc f WHERE f.oid = t.typsend),
    'own_cast', EXISTS (SELECT FROM pg_catalog.pg_cast c WHERE c.castsource = t.oid AND c.casttarget = 25),
    'labels', CASE WHEN t.typtype = 'e' THEN (SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
      FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) END,
    'attributes', CASE WHEN t.typtype = 'c' THEN (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'name', a.attname, 'type_oid', a.atttypid::int8, 'typmod', a.atttypmod, 'dimensions', a.attndims)
        ORDER BY a.attnum)
      FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) END))
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE t.oid IN (SELECT oid FROM known)))::pg_catalog.text";
