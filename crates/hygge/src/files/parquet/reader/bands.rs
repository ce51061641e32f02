//! Row groups whose pages do not fit into memory beside one another: their columns are decoded a few at a time into a
//! scratch file, and put together again row by row.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, FieldRef, Schema, SchemaRef};
use hygge_core::context::SplitContext;
use hygge_core::{Error, Result};
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::{FileGroups, damaged};
use crate::files::parquet::pages::Needs;
use crate::files::positioned::{From, Positioned};
use crate::files::scratch::{lost, scratch};

/// How much is written to the scratch file at once, in bytes.
const WRITE_BYTES: usize = 256 << 10;

/// A row group, decoded.
pub(super) struct Bands {
    shown: String,
    schema: SchemaRef,
    parts: Vec<StreamReader<BufReader<From>>>,
}

/// What a row group is decoded with.
pub(super) struct Ask<'a> {
    pub(super) file: &'a FileGroups,
    pub(super) group: usize,
    pub(super) needs: &'a Needs,
    pub(super) ctx: &'a SplitContext,
}

impl Bands {
    /// Decodes all columns that `ask` needs and was admitted for; `open` reads some of them, by position, in batches of one
    /// size.
    ///
    /// # Errors
    /// If they cannot be decoded, or kept.
    pub(super) fn decode(
        ask: &Ask<'_>,
        open: &dyn Fn(&[usize]) -> Result<ParquetRecordBatchReader>,
        decode: &dyn Fn(&mut ParquetRecordBatchReader) -> Result<Option<RecordBatch>>,
    ) -> Result<Self> {
        let (file, folder) = scratch()?;
        let wrong = |e: ArrowError| unkept(&folder, e);
        let mut out = BufWriter::with_capacity(WRITE_BYTES, file);
        let mut fields = Vec::new();
        let mut ends = vec![0];
        for columns in ask.cut() {
            let mut rows = open(&columns)?;
            let schema = plain(&arrow_array::RecordBatchReader::schema(&rows));
            fields.extend(schema.fields().iter().cloned());
            let mut writer = StreamWriter::try_new(out, &schema).map_err(wrong)?;
            while let Some(batch) = decode(&mut rows)? {
                ask.ctx.cancel().check()?;
                writer.write(&alone(&batch, &schema)?).map_err(wrong)?;
            }
            out = writer.into_inner().map_err(wrong)?;
            ends.push(out.stream_position().map_err(|e| lost("write", &folder, e))?);
        }
        out.flush().map_err(|e| lost("write", &folder, e))?;
        let file = out.into_inner().map_err(|e| lost("write", &folder, e.into_error()))?;
        let parts = read_back(file, &ends, &folder)?;
        Ok(Self { shown: ask.file.shown.clone(), schema: Arc::new(Schema::new(fields)), parts })
    }

    /// The next rows, whose columns come in the order of the file.
    ///
    /// # Errors
    /// If the scratch file cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        let mut ended = 0;
        for part in &mut self.parts {
            match part.next().transpose()? {
                Some(batch) => columns.extend(batch.columns().iter().cloned()),
                None => ended += 1,
            }
        }
        match ended {
            0 if columns.windows(2).all(|pair| pair[0].len() == pair[1].len()) => {
                Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
            }
            n if n == self.parts.len() => Ok(None),
            _ => Err(damaged("the columns of a row group have different numbers of rows").at(&self.shown)),
        }
    }
}

impl Ask<'_> {
    /// Neighbouring columns whose pages take half of the share together; one alone where it takes more.
    fn cut(&self) -> Vec<Vec<usize>> {
        let most = self.ctx.share.bytes() as u64 / 2;
        let mut out: Vec<Vec<usize>> = Vec::new();
        let mut room = 0;
        for (&column, &bytes) in &self.needs.columns {
            match out.last_mut() {
                Some(band) if bytes <= room => {
                    room -= bytes;
                    band.push(column);
                }
                _ => {
                    room = most.saturating_sub(bytes);
                    out.push(vec![column]);
                }
            }
        }
        out
    }

    /// Asks for what each column takes by itself; those of one band fit together.
    ///
    /// # Errors
    /// If a single column does not fit, naming it.
    pub(super) fn admit(&self) -> Result<()> {
        self.needs.columns.iter().try_for_each(|(column, bytes)| self.admit_column(*column, *bytes))
    }

    fn admit_column(&self, column: usize, bytes: u64) -> Result<()> {
        let bytes = bytes.saturating_add(self.needs.packed.min(bytes));
        if bytes <= self.ctx.share.bytes() as u64 {
            return Ok(());
        }
        let describe = || {
            let schema = self.file.metadata.parquet_schema();
            let name = schema.root_schema().get_fields().get(column).map_or("", |field| field.name());
            format!("{}, row group {}, column {name}", self.file.shown, self.group)
        };
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.ctx.share.admit_whole("a page with its dictionary", bytes, self.ctx.cancel(), describe)
    }
}

/// What was written up to each of `ends`.
fn read_back(file: File, ends: &[u64], folder: &Path) -> Result<Vec<StreamReader<BufReader<From>>>> {
    let file = Positioned::new(file, ends.last().copied().unwrap_or(0));
    let part = |ends: &[u64]| {
        let bytes = BufReader::new(From::new(file.clone(), ends[0]).until(ends[1]));
        StreamReader::try_new(bytes, None).map_err(|e| unkept(folder, e))
    };
    ends.windows(2).map(part).collect()
}

/// The columns without dictionaries, which would be written again and again, and without views within others, which
/// would take the pages along that they look into.
fn plain(schema: &Schema) -> SchemaRef {
    let field = |field: &FieldRef| match field.data_type() {
        DataType::Utf8View | DataType::BinaryView => Arc::clone(field),
        _ => plain_field(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

fn plain_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(plain_type(field.data_type())))
}

fn plain_type(data_type: &DataType) -> DataType {
    use DataType as T;
    match data_type {
        T::Dictionary(_, value) => plain_type(value),
        T::Utf8View => T::LargeUtf8,
        T::BinaryView => T::LargeBinary,
        T::List(item) => T::List(plain_field(item)),
        T::LargeList(item) => T::LargeList(plain_field(item)),
        T::FixedSizeList(item, length) => T::FixedSizeList(plain_field(item), *length),
        T::Map(entries, sorted) => T::Map(plain_field(entries), *sorted),
        T::Struct(fields) => T::Struct(fields.iter().map(plain_field).collect()),
        other => other.clone(),
    }
}

/// The rows as columns of `schema`, without the pages that views look into.
fn alone(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |(column, field): (&ArrayRef, &FieldRef)| -> Result<ArrayRef> {
        Ok(match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            same if same == field.data_type() => Arc::clone(column),
            _ => arrow_cast::cast(column, field.data_type())?,
        })
    };
    let columns = batch.columns().iter().zip(schema.fields()).map(column).collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn unkept(folder: &Path, error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, io) => lost("write", folder, io),
        other => Error::bug("decoded columns could not be kept in a scratch file").because(other),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::{Int32Builder, ListBuilder};
    use arrow_array::types::Int32Type;
    use arrow_array::{BinaryViewArray, DictionaryArray, Int64Array, StringArray, StringViewArray, StructArray};
    use hygge_core::budget::Budget;
    use hygge_core::conformance::{context, split_context};
    use hygge_core::context::Context;
    use hygge_core::cut::Cut;
    use hygge_core::home::BatchStream as _;
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
    use parquet::arrow::{ArrowWriter, ProjectionMask};
    use parquet::file::metadata::ParquetMetaData;

    use super::super::GroupStream;
    use super::*;

    const ROWS: i64 = 16_000;

    fn text(i: i64, column: i64) -> Option<String> {
        ((i + column) % 11 != 0).then(|| format!("row {i} of column {column}"))
    }

    /// Columns of all kinds, whose pages take some 13 MiB together.
    fn wide() -> RecordBatch {
        let mut columns: Vec<(String, ArrayRef)> = Vec::new();
        for n in 0..40 {
            let numbers = (0..ROWS).map(|i| ((i + n) % 7 != 0).then_some(i * (n + 1) * 7_919)).collect::<Int64Array>();
            columns.push((format!("n{n}"), Arc::new(numbers)));
        }
        for n in 0..20 {
            columns.push((format!("t{n}"), Arc::new((0..ROWS).map(|i| text(i, n)).collect::<StringViewArray>())));
        }
        let words: DictionaryArray<Int32Type> =
            (0..ROWS).map(|i| ["a", "b", "c"].get(usize::from(i % 4 > 0))).map(Option::<&&str>::copied).collect();
        columns.push(("words".into(), Arc::new(words)));
        let bytes = (0..ROWS).map(|i| text(i, 1).map(String::into_bytes)).collect::<BinaryViewArray>();
        columns.push(("bytes".into(), Arc::new(bytes)));
        let mut list = ListBuilder::new(Int32Builder::new());
        for i in 0..i32::try_from(ROWS).expect("few") {
            list.append_option((i % 5 != 0).then(|| (0..i % 3).map(|n| Some(n + i)).collect::<Vec<_>>()));
        }
        let list: ArrayRef = Arc::new(list.finish());
        let texts: ArrayRef = Arc::new((0..ROWS).map(|i| text(i, 3)).collect::<StringArray>());
        let views: ArrayRef = Arc::new((0..ROWS).map(|i| text(i, 4)).collect::<StringViewArray>());
        let kinds: DictionaryArray<Int32Type> = (0..ROWS).map(|i| (i % 3 != 0).then_some("kind")).collect();
        let both = StructArray::try_from(vec![
            ("list", Arc::clone(&list)),
            ("text", texts),
            ("view", views),
            ("kind", Arc::new(kinds) as ArrayRef),
        ])
        .expect("equal lengths");
        columns.push(("list".into(), list));
        columns.push(("both".into(), Arc::new(both)));
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .expect("equal lengths")
    }

    fn budget_of(total: usize) -> Context {
        Context { budget: Budget::new(total, 1).expect("enough"), ..context(std::path::PathBuf::new()) }
    }

    fn read(path: &Path, schema: &SchemaRef, total: usize) -> RecordBatch {
        let file = FileGroups::whole(File::open(path).expect("opens"), "wide.parquet").expect("Parquet");
        let ctx = split_context(&budget_of(total), 8_192);
        let mut rows = GroupStream::of(schema, file, &ctx).expect("all columns are there");
        let mut batches = Vec::new();
        while let Some(batch) = rows.next().expect("reads") {
            assert!(Cut::size(&batch.rows) <= 3 * ctx.batch_bytes(), "a batch is too large");
            batches.push(batch.rows);
        }
        arrow_select::concat::concat_batches(schema, &batches).expect("of one schema")
    }

    #[test]
    fn columns_read_a_few_at_a_time_are_those_that_were_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("wide.parquet");
        let rows = wide();
        let mut writer = ArrowWriter::try_new(File::create(&path).expect("made"), rows.schema(), None).expect("begun");
        writer.write(&rows).expect("written");
        writer.close().expect("closed");

        let file = FileGroups::whole(File::open(&path).expect("opens"), "wide.parquet").expect("Parquet");
        let group = file.metadata.metadata().row_group(0);
        let needs = Needs::of(&file, group, &ProjectionMask::all(), 0).expect("walks").expect("some");
        assert!(needs.all() > 8 << 20, "the pages would fit: {}", needs.all());

        assert_eq!(read(&path, &rows.schema(), 16 << 20), rows, "in bands");
        assert_eq!(read(&path, &rows.schema(), 512 << 20), rows, "straight");
        let some: Vec<usize> = [63, 61, 60, 50, 3].into_iter().chain(4..50).collect();
        let some = rows.project(&some).expect("columns of it");
        assert_eq!(read(&path, &some.schema(), 16 << 20), some, "some columns in another order");
    }

    #[test]
    fn rows_that_the_footer_has_and_the_pages_have_not_are_missed() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("wide.parquet");
        let rows = wide();
        let mut writer = ArrowWriter::try_new(File::create(&path).expect("made"), rows.schema(), None).expect("begun");
        writer.write(&rows).expect("written");
        writer.close().expect("closed");
        for total in [16 << 20, 512 << 20] {
            let mut file = FileGroups::whole(File::open(&path).expect("opens"), "wide.parquet").expect("Parquet");
            let told = file.metadata.metadata();
            let group = told.row_group(0).clone().into_builder().set_num_rows(ROWS + 1_000).build().expect("a group");
            let more = ParquetMetaData::new(told.file_metadata().clone(), vec![group]);
            file.metadata = ArrowReaderMetadata::try_new(Arc::new(more), ArrowReaderOptions::new()).expect("a footer");
            let mut stream =
                GroupStream::of(&rows.schema(), file, &split_context(&budget_of(total), 8_192)).expect("opens");
            let error = loop {
                match stream.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("a thousand rows are missing and nobody says so"),
                    Err(error) => break error,
                }
            };
            assert!(error.found().contains("16000 rows, and its footer says 17000"), "{error}");
        }
    }
}
