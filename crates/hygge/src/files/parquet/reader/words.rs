//! Words of dictionaries that are far larger than rows are on average: a page of a few of them can stand for gigabytes,
//! which no average in the footer tells.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef, Schema};
use hygge_core::Result;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::{Encoding, Type as Physical};
use parquet::column::page::{Page, PageReader as _};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::FileGroups;
use crate::files::parquet::unreadable;
use crate::files::positioned::guarded;

/// How many bytes a row takes whose words are the largest of all dictionaries, beside what rows take on average. Of lists,
/// as many words as a row has on average. Each dictionary is unpacked for it, so memory for it was asked for before.
///
/// # Errors
/// If a dictionary cannot be read.
pub(super) fn largest_row(file: &FileGroups, group: &RowGroupMetaData, mask: &ProjectionMask) -> Result<usize> {
    let mut all = 0_usize;
    for (leaf, chunk) in group.columns().iter().enumerate() {
        if !mask.leaf_included(leaf) || chunk.column_type() != Physical::BYTE_ARRAY {
            continue;
        }
        let folds = |encoding| matches!(encoding, Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY);
        if !chunk.encodings().any(folds) {
            continue;
        }
        let values = chunk.num_values().unsigned_abs().div_ceil(group.num_rows().unsigned_abs().max(1));
        let word = guarded(&file.shown, || largest_word(file, chunk))?;
        all = all.saturating_add(word.saturating_mul(usize::try_from(values).unwrap_or(usize::MAX)));
    }
    Ok(all)
}

/// The largest word of a column's dictionary, in bytes; 0 where there is none.
fn largest_word(file: &FileGroups, chunk: &ColumnChunkMetaData) -> Result<usize> {
    let told = |e| file.file.trouble().unwrap_or_else(|| unreadable(&file.shown, e));
    let bytes = Arc::new(file.file.clone());
    let mut pages = SerializedPageReader::new(bytes, chunk, 0, None).map_err(told)?;
    let Some(Page::DictionaryPage { buf, .. }) = pages.get_next_page().map_err(told)? else { return Ok(0) };
    let mut rest = buf.as_ref();
    let mut largest = 0;
    while let Some((length, words)) = rest.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        // One that is cut short is for the decoder to tell.
        let Some(behind) = words.get(length..) else { break };
        largest = largest.max(length);
        rest = behind;
    }
    Ok(largest)
}

/// The footer of a file whose texts and bytes come as views, which show a word where it lies in its dictionary.
pub(super) fn with_views(found: &ArrowReaderMetadata) -> ArrowReaderMetadata {
    let schema = found.schema();
    let fields = schema.fields().iter().map(viewed_field).collect::<Vec<_>>();
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    // A type that the library cannot give as a view is read as it comes.
    ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options).unwrap_or_else(|_| found.clone())
}

fn viewed_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(viewed(field.data_type())))
}

fn viewed(data_type: &DataType) -> DataType {
    use DataType as T;
    match data_type {
        T::Utf8 | T::LargeUtf8 => T::Utf8View,
        T::Binary | T::LargeBinary => T::BinaryView,
        T::List(item) => T::List(viewed_field(item)),
        T::LargeList(item) => T::LargeList(viewed_field(item)),
        T::FixedSizeList(item, length) => T::FixedSizeList(viewed_field(item), *length),
        T::Map(entries, sorted) => T::Map(viewed_field(entries), *sorted),
        T::Struct(fields) => T::Struct(fields.iter().map(viewed_field).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;
    use std::path::Path;

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::types::Int32Type;
    use arrow_array::{
        Array as _, ArrayRef, BinaryArray, DictionaryArray, Int64Array, LargeStringArray, RecordBatch, StringArray,
    };
    use hygge_core::budget::Budget;
    use hygge_core::conformance::{context, split_context};
    use hygge_core::context::{Context, SplitContext};
    use hygge_core::cut::Cut;
    use hygge_core::home::BatchStream as _;
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;

    use super::super::GroupStream;
    use super::*;

    const ROWS: usize = 60_000;
    const LARGE: usize = 40_000;

    /// Small words, then one of 40 kB that a page of a few bytes says a thousand times.
    fn word(i: usize) -> Option<String> {
        (!i.is_multiple_of(7)).then(|| if i < ROWS - 1_200 { format!("word {}", i % 100) } else { "x".repeat(LARGE) })
    }

    fn skewed() -> RecordBatch {
        let words: Vec<Option<String>> = (0..ROWS).map(word).collect();
        let mut list = ListBuilder::new(StringBuilder::new());
        for i in 0..ROWS {
            list.append_option((!i.is_multiple_of(5)).then(|| [word(i)]));
        }
        let numbers = (0..ROWS).map(|i| i64::try_from(i * 7_919).expect("small"));
        let bytes = words.iter().map(|word| word.as_deref().map(str::as_bytes));
        let columns: [(&str, ArrayRef); 6] = [
            ("number", Arc::new(Int64Array::from_iter_values(numbers))),
            ("text", Arc::new(words.iter().collect::<StringArray>())),
            ("large", Arc::new(words.iter().collect::<LargeStringArray>())),
            ("bytes", Arc::new(bytes.collect::<BinaryArray>())),
            ("list", Arc::new(list.finish())),
            ("packed", Arc::new(words.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).expect("rows")
    }

    fn split(total: usize) -> SplitContext {
        let budget = Budget::new(total, 1).expect("enough");
        split_context(&Context { budget, ..context(std::path::PathBuf::new()) }, 8_192)
    }

    fn stream(path: &Path, rows: &RecordBatch, ctx: &SplitContext) -> GroupStream {
        let file = FileGroups::whole(File::open(path).expect("opens"), "skewed.parquet").expect("Parquet");
        GroupStream::of(&rows.schema(), file, ctx).expect("all columns are there")
    }

    #[test]
    fn a_large_word_that_many_rows_say_is_not_written_out_for_all_of_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("skewed.parquet");
        let rows = skewed();
        let properties = WriterProperties::builder().set_dictionary_page_size_limit(4 << 20).build();
        let file = File::create(&path).expect("made");
        let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).expect("begun");
        writer.write(&rows).expect("written");
        writer.close().expect("closed");

        let ctx = split(32 << 20);
        let mut decoded = stream(&path, &rows, &ctx);
        let mut largest = 0;
        while let Some(batch) = decoded.decode().expect("decodes") {
            largest = largest.max(batch.get_array_memory_size());
        }
        assert!(largest < 4 * ctx.batch_bytes(), "{largest} bytes at once");

        let mut came = stream(&path, &rows, &ctx);
        let mut at = 0;
        while let Some(batch) = came.next().expect("reads") {
            let n = batch.rows.num_rows();
            let packed = arrow_cast::cast(batch.rows.column(5), &DataType::Utf8).expect("texts");
            let bytes = Cut::size(&batch.rows) + packed.get_array_memory_size();
            assert!(n == 1 || bytes <= 3 * ctx.batch_bytes(), "{n} rows of {bytes} bytes");
            assert_eq!(batch.rows, rows.slice(at, n), "rows from {at} on");
            at += n;
        }
        assert_eq!(at, ROWS);
    }

    /// A page that is damaged is only missed by whoever does not unpack it.
    #[test]
    fn a_dictionary_that_does_not_fit_is_refused_before_it_is_unpacked() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("large.parquet");
        let words = (0..20).map(|i| format!("{i}{}", "x".repeat(1 << 20)));
        let words: ArrayRef = Arc::new(StringArray::from_iter_values(words));
        let rows = RecordBatch::try_from_iter([("word", words)]).expect("rows");
        let properties = WriterProperties::builder()
            .set_dictionary_page_size_limit(64 << 20)
            .set_compression(Compression::SNAPPY)
            .build();
        let file = File::create(&path).expect("made");
        let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).expect("begun");
        writer.write(&rows).expect("written");
        let footer = writer.close().expect("closed");
        let chunk = footer.row_group(0).column(0);
        let page = |at: Option<i64>| u64::try_from(at.expect("a page")).expect("a place");
        let (from, to) = (page(chunk.dictionary_page_offset()) + 64, page(Some(chunk.data_page_offset())));
        let damage = vec![0xff; usize::try_from(to - from).expect("small")];
        File::options().write(true).open(&path).expect("opens").write_all_at(&damage, from).expect("written");

        let found = |total| stream(&path, &rows, &split(total)).next().map(|_| ()).expect_err("refused").to_string();
        assert!(found(32 << 20).contains("does not fit a memory budget of 32 MiB"), "{}", found(32 << 20));
        assert!(!found(256 << 20).contains("does not fit"), "{}", found(256 << 20));
    }
}
