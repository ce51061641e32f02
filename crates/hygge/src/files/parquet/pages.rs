//! What reading a row group takes in memory at least: of every column a page lies there unpacked, and its dictionary.
//!
//! The footer does not tell how large pages are, and writers make them as large as they like. Their headers do, so those
//! are walked where all of the row group would not fit.

use std::collections::BTreeMap;

use hygge_core::Result;
use parquet::arrow::ProjectionMask;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::reader::FileGroups;
use super::thrift::{END, I32, STRUCT, Walk};
use crate::files::positioned::Positioned;

/// How much of a header is read at first, and at most: statistics in it may hold values.
const HEADER_BYTES: [usize; 3] = [512, 16 << 10, 1 << 20];

/// What the pages of a row group take.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Needs {
    /// Of each outermost column, by position: its largest pages and its dictionaries, unpacked, in bytes.
    pub(super) columns: BTreeMap<usize, u64>,
    /// The largest page as it lies in the file, in bytes: while it is unpacked it is there twice.
    pub(super) packed: u64,
}

impl Needs {
    /// Those of the columns that are read of a row group; none where they surely fit into `enough` bytes.
    ///
    /// # Errors
    /// What went wrong on the way from a server.
    pub(super) fn of(
        file: &FileGroups,
        group: &RowGroupMetaData,
        mask: &ProjectionMask,
        enough: u64,
    ) -> Result<Option<Self>> {
        let schema = file.metadata.parquet_schema();
        let chosen: Vec<_> = group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf)).collect();
        let whole = |chunk: &ColumnChunkMetaData| {
            let packed = if chunk.compression() == Compression::UNCOMPRESSED { 0 } else { chunk.compressed_size() };
            chunk.uncompressed_size().unsigned_abs().saturating_add(packed.unsigned_abs())
        };
        if chosen.iter().fold(0, |sum: u64, (_, chunk)| sum.saturating_add(whole(chunk))) <= enough {
            return Ok(None);
        }
        let mut needs = Self::default();
        for (leaf, chunk) in chosen {
            let pages = Pages::of(&file.file, chunk)?;
            let column = needs.columns.entry(schema.get_column_root_idx(leaf)).or_default();
            *column = column.saturating_add(pages.data).saturating_add(pages.dictionary);
            needs.packed = needs.packed.max(pages.packed);
        }
        Ok(Some(needs).filter(|needs| needs.all() > enough))
    }

    /// All of them together, in bytes.
    pub(super) fn all(&self) -> u64 {
        self.columns.values().fold(self.packed, |sum, column| sum.saturating_add(*column))
    }
}

/// The largest pages of a column chunk, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pages {
    data: u64,
    dictionary: u64,
    /// As it lies in the file; 0 where pages are not packed.
    packed: u64,
}

impl Pages {
    fn of(file: &Positioned, chunk: &ColumnChunkMetaData) -> Result<Self> {
        if let Some(pages) = Self::walk(file, chunk) {
            return Ok(pages);
        }
        // What cannot be walked is taken for one page, unless it could not be had.
        file.trouble().map_or_else(
            || {
                let data = chunk.uncompressed_size().unsigned_abs();
                Ok(Self { data, packed: chunk.compressed_size().unsigned_abs(), ..Self::default() })
            },
            Err,
        )
    }

    fn walk(file: &Positioned, chunk: &ColumnChunkMetaData) -> Option<Self> {
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let mut at = u64::try_from(start).ok()?;
        let end = at.checked_add(u64::try_from(chunk.compressed_size()).ok()?)?;
        let packs = chunk.compression() != Compression::UNCOMPRESSED;
        let mut pages = Self::default();
        while at < end {
            let (header, length) = Header::read(file, at, end)?;
            let largest = if header.is_dictionary { &mut pages.dictionary } else { &mut pages.data };
            *largest = header.unpacked.max(*largest);
            if packs {
                pages.packed = pages.packed.max(header.packed);
            }
            at = at.checked_add(length)?.checked_add(header.packed)?;
        }
        Some(pages)
    }
}

/// What a page's header says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) unpacked: u64,
    pub(super) packed: u64,
    pub(super) is_dictionary: bool,
}

impl Header {
    /// The header at a position, and its own length in bytes.
    fn read(file: &Positioned, at: u64, end: u64) -> Option<(Self, u64)> {
        for size in HEADER_BYTES {
            let size = usize::try_from(end - at).unwrap_or(usize::MAX).min(size);
            let bytes = file.bytes(at, size).ok()?;
            if let Some((header, length)) = Self::parse(&bytes) {
                return Some((header, length as u64));
            }
        }
        None
    }

    /// The header that bytes begin with, and its length; none where it is cut short or is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut walk = Walk::new(bytes);
        let mut header = Self::default();
        let mut id = 0;
        loop {
            match (walk.field(&mut id)?, id) {
                (END, _) => return Some((header, bytes.len() - walk.left())),
                (I32, 2) => header.unpacked = u64::try_from(walk.number()?).ok()?,
                (I32, 3) => header.packed = u64::try_from(walk.number()?).ok()?,
                (STRUCT, 7) => {
                    header.is_dictionary = true;
                    walk.pass(STRUCT)?;
                }
                (kind, _) => walk.pass(kind)?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;

    use super::*;

    /// 40,000 rows in one row group, one column without a dictionary and one with.
    fn written(compression: Compression) -> (tempfile::TempDir, FileGroups) {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..40_000).map(|i| i * 7_919)));
        let words: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..40_000).map(|i| format!("word {:04}", i % 100))));
        let rows = RecordBatch::try_from_iter([("n", numbers), ("w", words)]).expect("rows");
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_column_dictionary_enabled("n".into(), false)
            .set_data_page_size_limit(64 << 10)
            .set_write_batch_size(256)
            .build();
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x.parquet");
        let file = std::fs::File::create(&path).expect("made");
        let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).expect("begun");
        writer.write(&rows).expect("written");
        writer.close().expect("closed");
        let groups = FileGroups::whole(std::fs::File::open(&path).expect("opens"), "x.parquet").expect("Parquet");
        (dir, groups)
    }

    #[test]
    fn headers_tell_what_pages_take() {
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
            let (_dir, file) = written(compression);
            let group = file.metadata.metadata().row_group(0).clone();
            let mask = ProjectionMask::all();
            let of = |mask: &ProjectionMask, enough| Needs::of(&file, &group, mask, enough).expect("walks");
            assert_eq!(of(&mask, 1 << 20), None, "all of it is less than that");
            let needs = of(&mask, 10 << 10).expect("more than that");
            // A page of 64 KiB and what came with the last few values; 100 words of 9 letters with their lengths.
            assert!((64 << 10..72 << 10).contains(&needs.columns[&0]), "{needs:?}");
            assert!((1_300..64 << 10).contains(&needs.columns[&1]), "{needs:?}");
            assert_eq!(needs.packed > 0, compression == Compression::SNAPPY, "{needs:?}");
            let one = ProjectionMask::roots(file.metadata.parquet_schema(), [1]);
            assert_eq!(of(&one, 0).expect("some").columns.len(), 1);
        }
    }

    #[test]
    fn what_cannot_be_walked_is_taken_for_one_page() {
        let (_dir, file) = written(Compression::SNAPPY);
        let chunk = file.metadata.metadata().row_group(0).column(0);
        let mut bytes = vec![0xff; usize::try_from(file.file.length()).expect("small")];
        bytes[..4].copy_from_slice(b"PAR1");
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("x");
        std::fs::write(&path, bytes).expect("written");
        let damaged = Positioned::whole(std::fs::File::open(&path).expect("opens"), "x").expect("a file");
        let pages = Pages::of(&damaged, chunk).expect("it is taken as it is");
        assert_eq!(pages.data, chunk.uncompressed_size().unsigned_abs());
        assert_eq!(Header::parse(&[0x15]), None);
    }
}
