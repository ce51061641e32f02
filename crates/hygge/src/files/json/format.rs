//! JSON as a format that stores of files write.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::home::BatchStream;
use hygge_core::receipt::Options;
use hygge_core::store::ColumnPlan;
use hygge_core::{Error, Result};

use super::blocks::{Layout, Next};
use super::columns::{Form, Values, builder};
use super::complaint::{Complaints, count_lines};
use super::keys::{Keys, Members};
use super::lexer::pass;
use super::piece::{Kind, Piece};
use super::render::{Unwritten, leads, render, written_as};
use super::stream::{JsonStream, Reading};
use crate::files::buffer::{BLOCK_BYTES, Trouble};
use crate::files::cell::writing::Rendered;
use crate::files::codec::{Codec, Said};
use crate::files::csv::complaint::grouped;
use crate::files::format::{Encoder, FileFormat};
use crate::files::listing::PinnedFile;
use crate::files::packing::{HEADER_MEMORY, Packing, Sink};
use crate::stores::leave_out::leave_out;
use crate::stores::plain::plain;

/// How many rows are written in one go, so that their text stays in the processor's cache.
const ROWS_AT_ONCE: usize = 1024;

/// How much of a file of others is looked at.
const LOOK_BYTES: u64 = 1 << 20;

/// What an array of rows begins with, ends with, and ends with where it has none.
const OPEN: &[u8] = b"[\n";
const CLOSE: &[u8] = b"\n]\n";
const CLOSE_EMPTY: &[u8] = b"]\n";
/// What stands between two rows of an array.
const BETWEEN: &[u8] = b",\n";

/// What a store of JSON files is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonFormatConfig {
    /// Whether a file is one array; else rows stand one on a line.
    pub array: bool,
    /// How files are packed.
    pub packing: Packing,
    /// Whether names end in `jsonl` in the place of `ndjson`.
    pub jsonl: bool,
}

impl JsonFormatConfig {
    /// Rows on lines, or in an array; not packed.
    #[must_use]
    pub fn new(array: bool) -> Self {
        Self { array, packing: Packing { codec: Codec::Plain, level: None }, jsonl: false }
    }
}

/// JSON as a format of a store: one object a row, with every column, NULL as `null`.
///
/// Rows end in LF. An array that is packed has its brackets in members of their own, so that files can be joined without
/// packing them again.
#[derive(Debug, Clone)]
pub struct JsonFormat {
    config: JsonFormatConfig,
}

impl JsonFormat {
    /// The format that `config` describes.
    ///
    /// # Errors
    /// Refused, where the way of packing has no such level.
    pub fn new(config: JsonFormatConfig) -> Result<Self> {
        config.packing.check()?;
        Ok(Self { config })
    }

    fn piece(&self, path: &Path) -> Result<Piece> {
        let shown = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        // One of an earlier load may be packed otherwise than those that are on their way.
        let codec = match (Codec::of(path), path.extension().and_then(|end| end.to_str())) {
            (Codec::Plain, Some("ndjson" | "jsonl" | "json")) => Codec::Plain,
            (Codec::Plain, _) => self.config.packing.codec,
            (codec, _) => codec,
        };
        let kind = if self.config.array { Kind::Any } else { Kind::Lines };
        Piece::whole(PinnedFile::pin(path, shown)?, (codec, Said::Name), kind)
    }

    /// Writes a member of its own.
    fn member<W: Write>(&self, file: W, text: &[u8]) -> io::Result<W> {
        let mut sink = Sink::new(self.config.packing, file, HEADER_MEMORY)?;
        sink.write_all(text)?;
        sink.finish()
    }
}

/// The packed bytes of what stands around rows.
struct Ends {
    open: Vec<u8>,
    close: Vec<u8>,
    close_empty: Vec<u8>,
    between: Vec<u8>,
}

/// Copies the rows of an array that [`JsonEncoder`] wrote, with what parts them from rows before.
fn copy_rows(from: &mut File, into: &mut File, ends: &Ends, begun: &mut bool) -> io::Result<()> {
    let len = from.metadata()?.len();
    let (open, close) = (ends.open.len() as u64, ends.close.len() as u64);
    let mut head = vec![0; ends.open.len()];
    from.read_exact(&mut head)?;
    let holds = |tail: &[u8], from: &mut File| -> io::Result<bool> {
        let Some(at) = len.checked_sub(tail.len() as u64).filter(|&at| at >= open) else { return Ok(false) };
        let mut found = vec![0; tail.len()];
        from.seek(SeekFrom::Start(at))?;
        from.read_exact(&mut found)?;
        Ok(found == tail)
    };
    if head != ends.open {
        return Err(io::Error::other("a part does not begin as it was written"));
    }
    if !holds(&ends.close, from)? || len < open + close {
        return if holds(&ends.close_empty, from)? {
            Ok(())
        } else {
            Err(io::Error::other("a part does not end as it was written"))
        };
    }
    if *begun {
        into.write_all(&ends.between)?;
    }
    *begun = true;
    from.seek(SeekFrom::Start(open))?;
    io::copy(&mut from.take(len - open - close), into)?;
    Ok(())
}

impl FileFormat for JsonFormat {
    fn name(&self) -> &'static str {
        if self.config.array { "json" } else { "ndjson" }
    }

    fn extension(&self) -> String {
        self.config.packing.extension(match self.config {
            JsonFormatConfig { array: true, .. } => "json",
            JsonFormatConfig { jsonl: true, .. } => "jsonl",
            JsonFormatConfig { .. } => "ndjson",
        })
    }

    fn writing(&self) -> Options {
        [("compression".to_owned(), self.config.packing.described())].into()
    }

    fn agreeing(&self) -> &'static [&'static str] {
        &["partition_by"]
    }

    fn plan(&self, schema: &Schema) -> Result<Vec<ColumnPlan>> {
        if schema.fields().is_empty() {
            return Err(
                Error::refused("rows without columns are nothing in JSON").next("read at least one column of the home")
            );
        }
        let mut names = std::collections::HashSet::new();
        let plan = schema.fields().iter().map(|field| {
            let (name, data_type) = (field.name(), field.data_type());
            if !names.insert(name) {
                return Err(Error::refused(format!("there are two columns {name}, and an object has each key once"))
                    .next("leave one of them out, or rename it where it lives"));
            }
            let (store, exact_text) = written_as(data_type).map_err(|within| {
                let error = Error::refused(format!("the column cannot be written as JSON: there is none for {within}"));
                leave_out(error.at(format!("column {name}")), schema, &|data_type| written_as(data_type).is_ok())
            })?;
            Ok(ColumnPlan { name: name.clone(), arrow: data_type.to_string(), store: store.to_owned(), exact_text })
        });
        plan.collect()
    }

    fn encoder(&self, file: File, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn Encoder>> {
        let memory = ctx.share.writer_bytes();
        let file = if self.config.array { self.member(file, OPEN) } else { Ok(file) };
        let sink = file.and_then(|file| Sink::new(self.config.packing, file, memory)).map_err(cannot_write)?;
        let columns = schema.fields().iter().map(|_| Rendered::default()).collect();
        let names = schema.fields().iter().map(|f| f.name().clone()).collect();
        let leads = leads(schema.fields());
        Ok(Box::new(JsonEncoder { format: self.clone(), sink, columns, names, leads, lines: Vec::new(), rows: 0 }))
    }

    fn check_fits(&self, path: &Path, schema: &SchemaRef) -> Result<()> {
        let piece = self.piece(path)?;
        let complaints = Complaints::default();
        let mut members = Members { keys: Keys::new(schema.fields().iter().map(|f| f.name())), others: false };
        let mut builders =
            schema.fields().iter().map(|f| builder(f.data_type(), &Form::Values, true)).collect::<Result<Vec<_>>>()?;
        let mut blocks = piece.sample(LOOK_BYTES, i32::MAX as usize)?;
        let (stride, mut row) = (members.stride(), 1);
        loop {
            let mut slots = Vec::new();
            let mut whole = 0;
            let mut find = |bytes: &[u8], at: usize| {
                slots.truncate(whole);
                slots.resize(whole + stride, 0);
                let end = members.find::<false>(bytes, at, 1, &mut slots[whole..])?;
                whole += stride;
                Ok(end)
            };
            match blocks.next(1024, &mut find, &mut |_| Ok(())) {
                Ok(Next::Rows(rows)) => {
                    for (at, (builder, field)) in builders.iter_mut().zip(schema.fields()).enumerate() {
                        let values = Values { bytes: blocks.bytes(), slots: &slots[..whole], stride, first: at * 2 };
                        let fits = builder.append(values).and_then(|()| builder.finish());
                        fits.map_err(|misfit| {
                            complaints
                                .misfit(&piece, row + misfit.row as u64, field.name(), false, &misfit)
                                .as_refusal()
                        })?;
                    }
                    row += rows as u64;
                }
                Ok(Next::Bad(bad)) => {
                    return Err(complaints.bad(&piece, row, blocks.bytes(), blocks.row_begin(), bad).as_refusal());
                }
                Ok(Next::End | Next::TooLarge { .. }) => return Ok(()),
                Err(Trouble::Io(error)) => return Err(piece.failed(error)),
                Err(Trouble::Refused(error)) => return Err(error),
            }
        }
    }

    fn count_rows(&self, path: &Path) -> Result<u64> {
        let piece = self.piece(path)?;
        if piece.layout == Layout::Lines {
            return count_lines(&mut piece.open(&Arc::default())?).map_err(|error| piece.failed(error));
        }
        let mut blocks = piece.blocks(&Arc::default(), BLOCK_BYTES, usize::MAX)?;
        let mut find = |bytes: &[u8], at: usize| Ok(pass::<false>(bytes, at, 0)?.end);
        let mut rows = 0;
        loop {
            match blocks.next(usize::MAX, &mut find, &mut |_| Ok(())) {
                Ok(Next::Rows(more)) => rows += more as u64,
                Ok(Next::End) => return Ok(rows),
                Ok(Next::Bad(bad)) => {
                    let complaints = Complaints { sampled: false, ours: true };
                    return Err(complaints.bad(&piece, rows + 1, blocks.bytes(), blocks.row_begin(), bad));
                }
                Ok(Next::TooLarge { .. }) => return Err(Error::bug("a row was written that cannot be read")),
                Err(Trouble::Io(error)) => return Err(piece.failed(error)),
                Err(Trouble::Refused(error)) => return Err(error),
            }
        }
    }

    fn read(&self, path: &Path, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        Ok(Box::new(JsonStream::new(Reading::ours(&plain(schema)), vec![self.piece(path)?], ctx)?))
    }

    fn assemble(&self, parts: &[PathBuf], _: &SchemaRef, _: Option<&str>, mut into: File) -> Result<()> {
        if !self.config.array {
            if parts.is_empty() {
                // A packed file of nothing has a member nevertheless.
                self.member(into, b"").map_err(cannot_write)?;
                return Ok(());
            }
            for part in parts {
                let mut from = File::open(part).map_err(|e| Error::io("open", part, e))?;
                io::copy(&mut from, &mut into).map_err(cannot_write)?;
            }
            return Ok(());
        }
        let packed = |text| self.member(Vec::new(), text).map_err(cannot_write);
        let ends = Ends {
            open: packed(OPEN)?,
            close: packed(CLOSE)?,
            close_empty: packed(CLOSE_EMPTY)?,
            between: packed(BETWEEN)?,
        };
        into.write_all(&ends.open).map_err(cannot_write)?;
        let mut begun = false;
        for part in parts {
            let mut from = File::open(part).map_err(|e| Error::io("open", part, e))?;
            copy_rows(&mut from, &mut into, &ends, &mut begun).map_err(|e| Error::io("join", part, e))?;
        }
        into.write_all(if begun { &ends.close } else { &ends.close_empty }).map_err(cannot_write)
    }

    fn carries_receipt(&self) -> bool {
        false
    }

    fn receipt_inside(&self, _: &Path) -> Result<Option<String>> {
        Ok(None)
    }
}

fn cannot_write(error: io::Error) -> Error {
    Error::io("write", Path::new("a JSON file"), error)
}

struct JsonEncoder {
    format: JsonFormat,
    sink: Sink,
    columns: Vec<Rendered>,
    names: Vec<String>,
    /// What stands before each column's value.
    leads: Vec<Vec<u8>>,
    lines: Vec<u8>,
    /// How many rows were written.
    rows: u64,
}

impl JsonEncoder {
    /// Lays the values of the columns side by side.
    fn write_lines(&mut self, rows: usize) -> io::Result<()> {
        self.lines.clear();
        let leads: usize = self.leads.iter().map(Vec::len).sum();
        self.lines.reserve(self.columns.iter().map(|c| c.bytes.len()).sum::<usize>() + rows * (leads + 3));
        for row in 0..rows {
            if self.format.config.array && (self.rows > 0 || row > 0) {
                self.lines.extend_from_slice(BETWEEN);
            }
            for (lead, column) in self.leads.iter().zip(&self.columns) {
                self.lines.extend_from_slice(lead);
                self.lines.extend_from_slice(column.of(row));
            }
            self.lines.extend_from_slice(if self.format.config.array { b"}" } else { b"}\n" });
        }
        self.sink.write_all(&self.lines)
    }
}

impl Encoder for JsonEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut begin = 0;
        while begin < batch.num_rows() {
            let rows = ROWS_AT_ONCE.min(batch.num_rows() - begin);
            for ((array, name), column) in batch.columns().iter().zip(&self.names).zip(&mut self.columns) {
                render(&array.slice(begin, rows), column).map_err(|Unwritten { row, path, what }| {
                    let row = grouped(self.rows + row as u64 + 1);
                    Error::failed(what)
                        .at(format!("row {row} of the split, column {name}{path}"))
                        .next("mend the value where it lives, or leave the column out")
                })?;
            }
            self.write_lines(rows).map_err(cannot_write)?;
            self.rows += rows as u64;
            begin += rows;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<File> {
        let Self { format, sink, rows, .. } = *self;
        let finished = sink.finish().and_then(|file| {
            if format.config.array { format.member(file, if rows > 0 { CLOSE } else { CLOSE_EMPTY }) } else { Ok(file) }
        });
        finished.map_err(cannot_write)
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
