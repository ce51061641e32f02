//! Several files into one, row groups copied as they are.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use hygge_core::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::{KeyValue, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use super::{RECEIPT_KEY, unreadable, unwritable};

/// The most row groups that a file can have.
const GROUP_LIMIT: usize = i16::MAX as usize;

pub(super) fn assemble(
    parts: &[PathBuf],
    schema: &SchemaRef,
    receipt: Option<&str>,
    into: File,
    properties: WriterProperties,
) -> Result<()> {
    let writer = ArrowWriter::try_new(into, Arc::clone(schema), Some(properties)).map_err(unwritable)?;
    let (mut writer, _) = writer.into_serialized_writer().map_err(unwritable)?;
    for part in parts {
        let shown = part.display().to_string();
        let file = File::open(part).map_err(|e| Error::io("open", part, e))?;
        let metadata = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .parse_and_finish(&file)
            .map_err(|e| unreadable(&shown, e))?;
        if writer.flushed_row_groups().len() + metadata.num_row_groups() > GROUP_LIMIT {
            return Err(Error::failed(format!("the file would have more than {GROUP_LIMIT} row groups")).next(
                "raise --memory, so that row groups are larger, or give the store a folder in place of one file",
            ));
        }
        copy_groups(&file, &metadata, &mut writer)?;
    }
    if let Some(receipt) = receipt {
        writer.append_key_value_metadata(KeyValue::new(RECEIPT_KEY.to_owned(), receipt.to_owned()));
    }
    writer.finish().map(drop).map_err(unwritable)
}

fn copy_groups(file: &File, metadata: &ParquetMetaData, writer: &mut SerializedFileWriter<File>) -> Result<()> {
    for (at, group) in metadata.row_groups().iter().enumerate() {
        let column_index = metadata.column_index().and_then(|index| index.get(at));
        let offset_index = metadata.offset_index().and_then(|index| index.get(at));
        let mut out = writer.next_row_group().map_err(unwritable)?;
        for (ordinal, column) in group.columns().iter().enumerate() {
            let close = ColumnCloseResult {
                bytes_written: column.compressed_size().unsigned_abs(),
                rows_written: group.num_rows().unsigned_abs(),
                metadata: column.clone(),
                bloom_filter: None,
                column_index: column_index.and_then(|row| row.get(ordinal)).cloned(),
                offset_index: offset_index.and_then(|row| row.get(ordinal)).cloned(),
            };
            out.append_column(file, close).map_err(unwritable)?;
        }
        out.close().map_err(unwritable)?;
    }
    Ok(())
}
