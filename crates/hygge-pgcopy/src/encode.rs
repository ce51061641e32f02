//! From batches to the bytes that a server takes.

mod bind;
mod cells;
mod declare;
mod nested;
mod numbers;
mod text;
mod texts;
mod times;
mod wire;

use std::ops::Range;

use arrow_array::{Array, RecordBatch, new_empty_array};
use arrow_schema::{DataType, Field, SchemaRef};

use self::bind::bind;
use self::cells::Cells;
pub use self::declare::declarations;
pub(crate) use self::wire::Digits;
use self::wire::Wire;
use crate::catalogue::{Catalogue, Oid};
use crate::error::{Error, Misfit, Result};
use crate::plan::{BASE_KEY, TYPE_KEY};

/// The head of a stream: signature, no flags, nothing more.
const HEAD: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: [u8; 2] = (-1_i16).to_be_bytes();

/// How the server reads text.
const TEXT_SETTINGS: [(&str, &str); 6] = [
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("lc_monetary", "C"),
    ("xmloption", "content"),
];

/// Rows that are measured and written at once: they stay in the processor's memory between.
const BLOCK: usize = 256;

/// A column of the table that is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// The number of its type.
    pub type_oid: Oid,
    /// The modifier of the type; -1 for none.
    pub typmod: i32,
    /// Whether it takes NULL.
    pub nullable: bool,
}

/// How the columns of batches go into those of a table.
#[derive(Debug, Clone)]
pub struct WritePlan {
    schema: SchemaRef,
    columns: Vec<Writing>,
    format: Format,
}

#[derive(Debug, Clone)]
struct Writing {
    target: Target,
    declared: String,
    wire: Wire,
    /// Whether it comes as text that the server showed of this very type.
    literal: bool,
}

impl Writing {
    fn wire(&self) -> &Wire {
        if self.literal { &Wire::Foreign } else { &self.wire }
    }
}

/// In which format of COPY a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `FORMAT BINARY`
    Binary,
    /// `FORMAT TEXT`: for tables with a column of a type whose binary form is not written here.
    Text,
}

impl WritePlan {
    /// Settles how the fields of a schema go into columns, in their order.
    ///
    /// # Errors
    /// An error for each column that cannot be written exactly.
    pub fn new(catalogue: &Catalogue, schema: &SchemaRef, targets: &[Target]) -> Result<Self, Vec<Error>> {
        if schema.fields().len() != targets.len() {
            return Err(vec![Error::misuse(format!(
                "{} fields for {} columns of the table",
                schema.fields().len(),
                targets.len()
            ))]);
        }
        let (mut columns, mut refused) = (Vec::with_capacity(targets.len()), Vec::new());
        for (field, target) in schema.fields().iter().zip(targets) {
            match writing(catalogue, field, target) {
                Ok(column) => columns.push(column),
                Err(error) => refused.push(error),
            }
        }
        let foreign = |column: &Writing| column.literal || column.wire.any(&|wire| matches!(wire, Wire::Foreign));
        let format = if columns.iter().any(foreign) { Format::Text } else { Format::Binary };
        if format == Format::Text {
            for column in &columns {
                // Its text is of the server's locale; only that of C is known, which has two decimals.
                if column.wire.any(&|wire| matches!(wire, Wire::Money(digits) if *digits != 2)) {
                    refused.push(
                        Error::refused(
                            &column.target.name,
                            format!("{} cannot be written beside a column that is written as text, unless it has two decimals", column.declared),
                        )
                        .next("give the column the type numeric"),
                    );
                }
            }
        }
        if refused.is_empty() { Ok(Self { schema: schema.clone(), columns, format }) } else { Err(refused) }
    }

    /// In which format the stream will be.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// What the session must be set to, beside `client_encoding`.
    #[must_use]
    pub fn settings(&self) -> &'static [(&'static str, &'static str)] {
        match self.format {
            Format::Binary => &[("client_encoding", "UTF8")],
            Format::Text => &TEXT_SETTINGS,
        }
    }

    /// The schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

fn writing(catalogue: &Catalogue, field: &Field, target: &Target) -> Result<Writing> {
    let declared = catalogue.name(target.type_oid, target.typmod);
    let refuse = |why: &str| {
        Error::refused(&target.name, format!("{} cannot go into {declared}: {why}", field.data_type()))
            .next("give the column another type, here or there")
    };
    let wire = Wire::of(catalogue, target.type_oid, target.typmod).ok_or_else(|| refuse("it is no type of values"))?;
    let foreign = wire.any(&|wire| matches!(wire, Wire::Foreign));
    if foreign && *field.data_type() != DataType::Null && !was(field, &declared) {
        return Err(refuse("of such a type only the very text is written that PostgreSQL showed of it"));
    }
    // Whatever can be done with no rows can be done with all.
    let empty = new_empty_array(field.data_type());
    let literal = match bind(empty.as_ref(), &wire) {
        Ok(_) => false,
        Err(_) if is_text(field.data_type()) && was(field, &declared) => true,
        Err(why) => return Err(refuse(&why)),
    };
    Ok(Writing { target: target.clone(), declared, wire, literal })
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Whether a field holds the exact text of values of a type: of the type itself, or of one that only has more conditions.
fn was(field: &Field, declared: &str) -> bool {
    [TYPE_KEY, BASE_KEY].iter().filter_map(|key| field.metadata().get(*key)).any(|told| {
        told == declared
            || told.split_once('(').is_some_and(|(name, rest)| {
                let behind = rest.split_once(')').map_or("", |(_, behind)| behind);
                declared.strip_prefix(name) == Some(behind)
            })
    })
}

/// Writes one stream of `COPY … FROM STDIN` in the plan's format.
#[derive(Debug)]
pub struct Encoder<'p> {
    plan: &'p WritePlan,
    rows: u64,
    begun: bool,
}

impl<'p> Encoder<'p> {
    /// An encoder for batches of the plan's schema.
    #[must_use]
    pub fn new(plan: &'p WritePlan) -> Self {
        Self { plan, rows: 0, begun: false }
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Begins a batch.
    ///
    /// # Errors
    /// If it is of another schema than the plan's.
    pub fn batch<'e>(&'e mut self, batch: &'e RecordBatch) -> Result<Rows<'e, 'p>> {
        if batch.num_columns() != self.plan.columns.len() {
            return Err(Error::misuse("the batch has other columns than the plan"));
        }
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (array, column) in batch.columns().iter().zip(&self.plan.columns) {
            let cells = bind(array.as_ref(), column.wire()).map_err(|why| {
                Error::misuse(format!("the batch is of another schema: {why}")).of(&column.target.name)
            })?;
            columns.push(cells);
        }
        Ok(Rows { encoder: self, batch, columns, at: 0 })
    }

    /// Ends the stream.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.plan.format == Format::Text {
            return;
        }
        if !self.begun {
            out.extend_from_slice(HEAD);
        }
        out.extend_from_slice(&END);
    }

    /// The first row of a block that is NULL where it may not be.
    fn hole(&self, batch: &RecordBatch, at: usize, rows: &Range<usize>) -> Option<usize> {
        let array = batch.column(at);
        if self.plan.columns[at].target.nullable || !array.is_nullable() {
            return None;
        }
        let nulls = array.logical_nulls()?;
        rows.clone().position(|row| nulls.is_null(row))
    }

    /// What is wrong with a value; the row is counted from 0.
    fn complain(&self, row: u64, at: usize, misfit: Misfit) -> Error {
        let column = &self.plan.columns[at];
        let (Misfit::Unfit(what) | Misfit::Malformed(what)) = misfit;
        Error::value(format!("{what}; the type there is {}", column.declared))
            .next("give the column a type that holds all its values")
            .row(row + 1)
            .of(&column.target.name)
    }
}

const HOLE: Misfit = Misfit::Unfit("NULL, which the column does not take");

/// The rows of one batch on their way into a stream.
pub struct Rows<'e, 'p> {
    encoder: &'e mut Encoder<'p>,
    batch: &'e RecordBatch,
    columns: Vec<Box<dyn Cells + 'e>>,
    at: usize,
}

impl std::fmt::Debug for Rows<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("at", &self.at).field("of", &self.batch.num_rows()).finish_non_exhaustive()
    }
}

impl Rows<'_, '_> {
    /// Adds rows until `out` holds `limit` bytes or more, and says whether that was all of them.
    ///
    /// # Errors
    /// If a value does not fit its column exactly. What was added is then to be thrown away, and the stream with it.
    pub fn write(&mut self, out: &mut Vec<u8>, limit: usize) -> Result<bool> {
        let format = self.encoder.plan.format;
        if !std::mem::replace(&mut self.encoder.begun, true) && format == Format::Binary {
            out.extend_from_slice(HEAD);
        }
        let rows = self.batch.num_rows();
        while self.at < rows && out.len() < limit {
            let end = rows.min(self.at + BLOCK);
            match format {
                Format::Binary => self.block(self.at..end, out)?,
                Format::Text => self.lines(self.at..end, out)?,
            }
            self.encoder.rows += (end - self.at) as u64;
            self.at = end;
        }
        Ok(self.at == rows)
    }

    fn block(&mut self, rows: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
        let Self { encoder, batch, columns, .. } = self;
        let count = i16::try_from(columns.len()).map_err(|_| Error::misuse("more columns than a table can have"))?;
        let mut places = [0; BLOCK];
        let places = &mut places[..rows.len()];
        places.fill(2);
        let mut wrong: Option<(usize, usize, Misfit)> = None;
        for (at, cells) in columns.iter_mut().enumerate() {
            let hole = encoder.hole(batch, at, &rows).map_or(Ok(()), |row| Err((row, HOLE)));
            if let Err((row, misfit)) = hole.and_then(|()| cells.measure(rows.clone(), places))
                && wrong.is_none_or(|(other, ..)| row < other)
            {
                wrong = Some((row, at, misfit));
            }
        }
        if let Some((row, at, misfit)) = wrong {
            return Err(encoder.complain(encoder.rows + row as u64, at, misfit));
        }
        let mut end = out.len();
        for place in &mut *places {
            end += std::mem::replace(place, end);
        }
        out.resize(end, 0);
        for place in &mut *places {
            out[*place..*place + 2].copy_from_slice(&count.to_be_bytes());
            *place += 2;
        }
        for cells in columns {
            cells.write(rows.clone(), places, out);
        }
        Ok(())
    }

    /// The same as text.
    fn lines(&self, rows: Range<usize>, out: &mut Vec<u8>) -> Result<()> {
        let Self { encoder, batch, columns, .. } = self;
        let (mut cell, mut shown) = (Vec::new(), Vec::new());
        let holes: Vec<Option<usize>> = (0..columns.len()).map(|at| encoder.hole(batch, at, &rows)).collect();
        for (block_row, row) in rows.enumerate() {
            for (at, (cells, column)) in columns.iter().zip(&encoder.plan.columns).enumerate() {
                cell.clear();
                shown.clear();
                let hole = if holes[at] == Some(block_row) { Err(HOLE) } else { Ok(()) };
                let put = hole.and_then(|()| cells.put(row, &mut cell));
                let value = match cell.split_first_chunk::<4>() {
                    Some((length, value)) if *length != [0xFF; 4] => Some(value),
                    _ => None,
                };
                let written = put.and_then(|()| match value {
                    Some(value) => text::value(column.wire(), value, &mut shown),
                    None => Ok(()),
                });
                written.map_err(|misfit| encoder.complain(encoder.rows + block_row as u64, at, misfit))?;
                if at > 0 {
                    out.push(b'\t');
                }
                text::cell(value.map(|_| shown.as_slice()), out);
            }
            out.push(b'\n');
        }
        Ok(())
    }
}
