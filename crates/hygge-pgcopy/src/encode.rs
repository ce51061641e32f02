//! From batches to the bytes that a server takes.

mod bind;
mod cells;
mod nested;
mod numbers;
mod texts;
mod times;
mod wire;

use arrow_array::{Array, RecordBatch, new_empty_array};
use arrow_schema::{Field, SchemaRef};

use self::bind::bind;
use self::cells::Cells;
pub(crate) use self::wire::Digits;
use self::wire::Wire;
use crate::catalogue::{Catalogue, Oid};
use crate::error::{Error, Misfit, Result};

/// The head of a stream: signature, no flags, nothing more.
const HEAD: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: [u8; 2] = (-1_i16).to_be_bytes();

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
}

#[derive(Debug, Clone)]
struct Writing {
    target: Target,
    declared: String,
    wire: Wire,
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
        if refused.is_empty() { Ok(Self { schema: schema.clone(), columns }) } else { Err(refused) }
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
    if matches!(wire, Wire::Foreign) {
        return Err(refuse("its binary form is not written"));
    }
    // Whatever can be done with no rows can be done with all.
    let empty = new_empty_array(field.data_type());
    bind(empty.as_ref(), &wire).map_err(|why| refuse(&why))?;
    Ok(Writing { target: target.clone(), declared, wire })
}

/// Writes one stream of `COPY … FROM STDIN (FORMAT BINARY)`.
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

    /// Adds the rows of a batch from `from` on, until `out` holds `limit` bytes or more. Answers with the row that comes
    /// next: the number of rows of the batch when it is done.
    ///
    /// # Errors
    /// If a value does not fit its column exactly. What was added is to be thrown away.
    pub fn write(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>, limit: usize) -> Result<usize> {
        if batch.num_columns() != self.plan.columns.len() {
            return Err(Error::misuse("the batch has other columns than the plan"));
        }
        if !std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(HEAD);
        }
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (array, column) in batch.columns().iter().zip(&self.plan.columns) {
            let cells = bind(array.as_ref(), &column.wire).map_err(|why| {
                Error::misuse(format!("the batch is of another schema: {why}")).of(&column.target.name)
            })?;
            columns.push(cells);
        }
        let rows = batch.num_rows();
        let mut at = from.min(rows);
        while at < rows && out.len() < limit {
            let end = rows.min(at + BLOCK);
            self.block(batch, &mut columns, at..end, out)?;
            self.rows += (end - at) as u64;
            at = end;
        }
        Ok(at)
    }

    /// Ends the stream.
    pub fn finish(self, out: &mut Vec<u8>) {
        if !self.begun {
            out.extend_from_slice(HEAD);
        }
        out.extend_from_slice(&END);
    }

    fn block(
        &self,
        batch: &RecordBatch,
        columns: &mut [Box<dyn Cells + '_>],
        rows: std::ops::Range<usize>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let count = i16::try_from(columns.len()).map_err(|_| Error::misuse("more columns than a table can have"))?;
        let mut places = [0; BLOCK];
        let places = &mut places[..rows.len()];
        places.fill(2);
        let mut wrong: Option<(usize, usize, Misfit)> = None;
        for (at, cells) in columns.iter_mut().enumerate() {
            let hole = self.hole(batch, at, &rows).map_or(Ok(()), |row| Err((row, HOLE)));
            if let Err((row, misfit)) = hole.and_then(|()| cells.measure(rows.clone(), places))
                && wrong.is_none_or(|(other, ..)| row < other)
            {
                wrong = Some((row, at, misfit));
            }
        }
        if let Some((row, at, misfit)) = wrong {
            return Err(self.complain(self.rows + row as u64, at, misfit));
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

    /// The first row of a block that is NULL where it may not be.
    fn hole(&self, batch: &RecordBatch, at: usize, rows: &std::ops::Range<usize>) -> Option<usize> {
        let array = batch.column(at);
        if self.plan.columns[at].target.nullable || !array.is_nullable() {
            return None;
        }
        let nulls = array.logical_nulls()?;
        rows.clone().position(|row| nulls.is_null(row))
    }

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
