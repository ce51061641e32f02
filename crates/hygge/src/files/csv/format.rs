//! CSV as a format that stores of files write.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::home::BatchStream;
use hygge_core::receipt::Options;
use hygge_core::store::ColumnPlan;
use hygge_core::{Error, Part, Result};

use super::blocks::{Ending, Next};
use super::column::{Nulls, Rules};
use super::complaint::{Complaints, count_rows};
use super::head::{HeadTrouble, read_head};
use super::index::{Dialect, Indexer};
use super::piece::Piece;
use super::render::{Rendered, Style, quote_into, render, written_as};
use super::stream::{CsvStream, Reading};
use crate::files::cell::{self, Float, lenient};
use crate::files::codec::{Codec, Said};
use crate::files::format::{Encoder, FileFormat};
use crate::files::listing::PinnedFile;
use crate::files::packing::{HEADER_MEMORY, Packing, Sink, Tracked};
use crate::stores::leave_out::leave_out;
use crate::stores::plain::plain;

/// How many rows are written in one go, so that their text stays in the processor's cache.
const ROWS_AT_ONCE: usize = 1024;

/// What a store of CSV files is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvFormatConfig {
    /// Parts fields.
    pub separator: u8,
    /// Whether files begin with the names of their columns.
    pub header: bool,
    /// What stands for NULL; the empty text is written in quotes, and so is a text that equals this.
    pub null: String,
    /// How files are packed.
    pub packing: Packing,
    /// Whether names end in `tsv` in the place of `csv`.
    pub tsv: bool,
}

impl Default for CsvFormatConfig {
    fn default() -> Self {
        let packing = Packing { codec: Codec::Plain, level: None };
        Self { separator: b',', header: true, null: String::new(), packing, tsv: false }
    }
}

/// CSV as a format of a store.
///
/// Rows end in LF. A packed file has its header in a member of its own, so that files can be joined without packing
/// them again.
#[derive(Debug, Clone)]
pub struct CsvFormat {
    style: Style,
    header: bool,
    packing: Packing,
    tsv: bool,
}

impl CsvFormat {
    /// The format that `config` describes.
    ///
    /// # Errors
    /// Refused, where the separator or the text for NULL could be taken for a part of a value.
    pub fn new(config: &CsvFormatConfig) -> Result<Self> {
        let separator = config.separator;
        if separator.is_ascii_alphanumeric() || !separator.is_ascii() || b"\"\r\n\0+-.:".contains(&separator) {
            return Err(Error::refused("the separator could be a part of a value or a line")
                .next_set(Part::Store, "separator: \",\""));
        }
        let null = config.null.as_bytes();
        let breaks = null.iter().any(|&b| b == separator || matches!(b, b'"' | b'\r' | b'\n'));
        let value = cell::float(null) != Float::None
            || lenient::int(null).is_some()
            || cell::boolean(null).is_some()
            || cell::date(null).is_some()
            || cell::moment(null).is_some()
            || cell::time_of_day(null).is_some();
        if breaks || value {
            return Err(Error::refused("the text for NULL could be taken for a value, or breaks a line")
                .next_set(Part::Store, "null_text: \"\""));
        }
        config.packing.check()?;
        let dialect = Dialect { separator, quote: Some(b'"') };
        Ok(Self {
            style: Style { dialect, null: null.into() },
            header: config.header,
            packing: config.packing,
            tsv: config.tsv,
        })
    }

    fn header_line(&self, schema: &Schema) -> Vec<u8> {
        let mut line = Vec::new();
        if self.header {
            for (column, field) in schema.fields().iter().enumerate() {
                if column > 0 {
                    line.push(self.style.dialect.separator);
                }
                quote_into(field.name().as_bytes(), &self.style, &mut line);
            }
            line.push(b'\n');
        }
        line
    }

    /// Writes the header as a file, or member, of its own, and gives the file back to be written on.
    fn write_header(&self, file: File, schema: &Schema) -> io::Result<File> {
        let line = self.header_line(schema);
        if line.is_empty() {
            return Ok(file);
        }
        let mut sink = Sink::new(self.packing, file, HEADER_MEMORY)?;
        sink.write_all(&line)?;
        sink.finish()
    }

    /// How a file is packed. One of an earlier load may be packed otherwise than those that are on their way.
    fn codec_of(&self, path: &Path) -> Codec {
        match (Codec::of(path), path.extension().and_then(|end| end.to_str())) {
            (Codec::Plain, Some("csv" | "tsv")) => Codec::Plain,
            (Codec::Plain, _) => self.packing.codec,
            (codec, _) => codec,
        }
    }

    /// A file of this format as one piece to read, its columns in the order of the file.
    fn piece(&self, path: &Path, width: Option<usize>) -> Result<Piece> {
        let shown = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        let file = PinnedFile::pin(path, shown)?;
        let codec = self.codec_of(path);
        let failed = |error| codec.error(Said::Name, &file, error);
        let (data, found) = if self.header || width.is_none() {
            let mut source = codec.reader(file.stream(0)?).map_err(failed)?;
            let head = read_head(&mut source, self.style.dialect, self.header).map_err(|trouble| match trouble {
                HeadTrouble::Io(error) => failed(error),
                HeadTrouble::Refused(error) => error.at(&file.shown),
            });
            match head {
                Ok(head) => (head.data, head.names.len()),
                // Without a header a file of no rows is empty, and one of a column of NULLs has nothing but line ends.
                Err(_) if !self.header => (0, 1),
                Err(error) => return Err(error),
            }
        } else {
            (0, width.unwrap_or_default())
        };
        if let Some(width) = width.filter(|&width| width != found) {
            let error = Error::failed(format!("the file has {found} columns where {width} were written"));
            return Err(error.at(&file.shown));
        }
        Ok(Piece {
            file,
            codec,
            said: Said::Name,
            data,
            begin: data,
            end: None,
            width: found,
            fields: (0..found).collect(),
        })
    }
}

impl FileFormat for CsvFormat {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extension(&self) -> String {
        self.packing.extension(if self.tsv { "tsv" } else { "csv" })
    }

    fn writing(&self) -> Options {
        let separator = char::from(self.style.dialect.separator).to_string();
        let null_text = String::from_utf8_lossy(&self.style.null).into_owned();
        let compression = self.packing.described();
        let options = [
            ("separator", separator),
            ("header", self.header.to_string()),
            ("null_text", null_text),
            ("compression", compression),
        ];
        options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn agreeing(&self) -> &'static [&'static str] {
        &["separator", "header", "null_text", "partition_by"]
    }

    fn plan(&self, schema: &Schema) -> Result<Vec<ColumnPlan>> {
        if schema.fields().is_empty() {
            return Err(Error::refused("a CSV file needs a column").next("read at least one column of the home"));
        }
        let plan = schema.fields().iter().map(|field| {
            let (name, data_type) = (field.name(), field.data_type());
            let Some((store, exact_text)) = written_as(data_type) else {
                let error = Error::refused(format!("CSV has no text for {data_type}")).at(format!("column {name}"));
                return Err(leave_out(error, schema, &|data_type| written_as(data_type).is_some()));
            };
            if name.is_empty() && self.header {
                return Err(Error::refused("a column without a name cannot stand in a header")
                    .next_set(Part::Store, "header: false"));
            }
            Ok(ColumnPlan { name: name.clone(), arrow: data_type.to_string(), store: store.to_owned(), exact_text })
        });
        plan.collect()
    }

    fn encoder(&self, file: File, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn Encoder>> {
        let memory = ctx.share.writer_bytes();
        let sink = self
            .write_header(file, schema)
            .and_then(|file| Sink::new(self.packing, file, memory))
            .map_err(cannot_write)?;
        let columns = schema.fields().iter().map(|_| Rendered::default()).collect();
        let names = schema.fields().iter().map(|f| f.name().clone()).collect();
        Ok(Box::new(CsvEncoder { style: self.style.clone(), sink, columns, names, lines: Vec::new(), rows: 0 }))
    }

    fn check_fits(&self, path: &Path, schema: &SchemaRef) -> Result<()> {
        let shown = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        let file = PinnedFile::pin(path, shown)?;
        let codec = self.codec_of(path);
        let failed = |error| codec.error(Said::Name, &file, error);
        let mut source = codec.reader(file.stream(0)?).map_err(failed)?;
        let head = read_head(&mut source, self.style.dialect, self.header).map_err(|trouble| match trouble {
            HeadTrouble::Io(error) => failed(error),
            HeadTrouble::Refused(error) => error,
        })?;
        let expected: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        if self.header {
            if let Some(name) = expected.iter().find(|name| !head.names.iter().any(|found| found == *name)) {
                return Err(Error::refused(format!("the file has no column {name}")));
            }
            if let Some(name) = head.names.iter().find(|name| !expected.contains(&name.as_str())) {
                return Err(Error::refused(format!(
                    "the file has a column {name}, which the rows to come do not have"
                )));
            }
            if let Some((found, name)) = head.names.iter().zip(&expected).find(|(found, name)| found != *name) {
                return Err(Error::refused(format!(
                    "the file's columns stand in another order: {found} where the rows to come have {name}"
                )));
            }
        }
        if head.names.len() != expected.len() {
            let (found, expected) = (head.names.len(), expected.len());
            return Err(Error::refused(format!(
                "the file has {found} columns, where the rows to come have {expected}"
            )));
        }
        Ok(())
    }

    fn count_rows(&self, path: &Path) -> Result<u64> {
        let piece = self.piece(path, None)?;
        let failed = |error| piece.failed(error);
        let source = piece.open(&Arc::new(AtomicU64::new(0)))?;
        let indexer = Indexer::new(self.style.dialect, piece.width);
        match count_rows(source, indexer, Ending::File).map_err(failed)? {
            (rows, Next::End) => Ok(rows),
            (rows, _) => Err(Error::failed("a row that was just written cannot be read back")
                .at(format!("{}, row {}", piece.file.shown, rows + 1))
                .next("run again; if it happens once more, the disk or the memory of this machine is at fault")),
        }
    }

    fn read(&self, path: &Path, schema: &SchemaRef, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let piece = self.piece(path, Some(schema.fields().len()))?;
        let null = String::from_utf8_lossy(&self.style.null).into_owned();
        let complaints = Complaints {
            dialect: self.style.dialect,
            nulls: Arc::new([]),
            names: schema.fields().iter().map(|f| f.name().clone()).collect(),
            careful: Arc::new(AtomicBool::new(false)),
            ours: true,
        };
        let reading = Reading {
            schema: plain(schema),
            strict: vec![true; schema.fields().len()],
            rules: Rules { quote: self.style.dialect.quote, nulls: Arc::new(Nulls::new(&[null])) },
            complaints,
        };
        Ok(Box::new(CsvStream::new(reading, vec![piece], ctx)?))
    }

    fn assemble(&self, parts: &[PathBuf], schema: &SchemaRef, _: Option<&str>, into: File) -> Result<()> {
        let mut into = self.write_header(into, schema).map_err(cannot_write)?;
        if parts.is_empty() && !self.header {
            // A packed file of nothing has a member nevertheless.
            Sink::new(self.packing, into, HEADER_MEMORY).and_then(Sink::finish).map_err(cannot_write)?;
            return Ok(());
        }
        for part in parts {
            let mut from = File::open(part).map_err(|e| Error::io("open", part, e))?;
            let body = if self.header { self.body_of(&mut from) } else { Ok(0) };
            let told = |e| match PinnedFile::pin(part, part.display().to_string()) {
                Ok(part) => self.packing.codec.error(Said::Name, &part, e),
                Err(error) => error,
            };
            let body = body.map_err(told)?;
            from.seek(SeekFrom::Start(body)).map_err(|e| Error::io("read", part, e))?;
            io::copy(&mut from, &mut into).map_err(cannot_write)?;
        }
        Ok(())
    }

    fn carries_receipt(&self) -> bool {
        false
    }

    fn receipt_inside(&self, _: &Path) -> Result<Option<String>> {
        Ok(None)
    }
}

impl CsvFormat {
    /// Where in a file of this format the rows begin, in packed bytes.
    fn body_of(&self, file: &mut File) -> io::Result<u64> {
        let mut from = BufReader::new(file);
        if self.packing.codec == Codec::Plain {
            return read_head(&mut from, self.style.dialect, true).map(|head| head.data).map_err(
                |trouble| match trouble {
                    HeadTrouble::Io(error) => error,
                    HeadTrouble::Refused(error) => io::Error::other(error),
                },
            );
        }
        let mut from = Tracked { inner: from, passed: 0 };
        self.packing.codec.pass_first(&mut from)?;
        Ok(from.passed)
    }
}

fn cannot_write(error: io::Error) -> Error {
    Error::io("write", Path::new("a CSV file"), error)
}

struct CsvEncoder {
    style: Style,
    sink: Sink,
    columns: Vec<Rendered>,
    names: Vec<String>,
    lines: Vec<u8>,
    /// How many rows were written.
    rows: u64,
}

impl CsvEncoder {
    /// Lays the cells of the columns side by side.
    fn write_lines(&mut self, rows: usize) -> io::Result<()> {
        let separator = self.style.dialect.separator;
        self.lines.clear();
        self.lines.reserve(self.columns.iter().map(|c| c.bytes.len() + rows).sum());
        for row in 0..rows {
            for column in &self.columns {
                let begin = if row == 0 { 0 } else { column.ends[row - 1] };
                self.lines.extend_from_slice(&column.bytes[begin..column.ends[row]]);
                self.lines.push(separator);
            }
            // The last separator of the row is its line end.
            if let Some(last) = self.lines.last_mut() {
                *last = b'\n';
            }
        }
        self.sink.write_all(&self.lines)
    }
}

impl Encoder for CsvEncoder {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut begin = 0;
        while begin < batch.num_rows() {
            let rows = ROWS_AT_ONCE.min(batch.num_rows() - begin);
            for ((array, name), column) in batch.columns().iter().zip(&self.names).zip(&mut self.columns) {
                render(&array.slice(begin, rows), &self.style, (name, self.rows), column)?;
            }
            self.write_lines(rows).map_err(cannot_write)?;
            self.rows += rows as u64;
            begin += rows;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<File> {
        self.sink.finish().map_err(cannot_write)
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
