//! Files of Parquet with their footers, and the row groups in them.

use std::fs::File;
use std::io::{self, BufReader};
use std::sync::Arc;

use hygge_core::{Error, Result};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::damaged;
use crate::files::parquet::{sealed, types, unreadable};
use crate::files::positioned::{From, Positioned, guarded};

impl Length for Positioned {
    fn len(&self) -> u64 {
        self.length()
    }
}

impl ChunkReader for Positioned {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(From::new(self.clone(), start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<bytes::Bytes, ParquetError> {
        self.bytes(start, length).map(bytes::Bytes::from).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => ParquetError::EOF("a part lies beyond the end of the file".to_owned()),
            _ => ParquetError::External(Box::new(e)),
        })
    }
}

/// Row groups of one file.
#[derive(Clone)]
pub struct FileGroups {
    /// The file.
    pub file: Positioned,
    /// Its name for messages.
    pub shown: String,
    /// Its footer.
    pub metadata: ArrowReaderMetadata,
    /// Which of its row groups, by position.
    pub groups: Vec<usize>,
}

impl FileGroups {
    /// All row groups of a file.
    ///
    /// # Errors
    /// If its footer cannot be read.
    pub fn whole(file: File, shown: &str) -> Result<Self> {
        let file = Positioned::whole(file, shown)?;
        let metadata = footer(&file, shown)?;
        let groups = (0..metadata.metadata().num_row_groups()).collect();
        Ok(Self { file, shown: shown.to_owned(), metadata, groups })
    }
}

/// Reads a file's footer.
///
/// # Errors
/// If it cannot be read as Parquet.
pub fn footer(file: &Positioned, shown: &str) -> Result<ArrowReaderMetadata> {
    if sealed::is_sealed(file) {
        return Err(Error::failed("the file is encrypted, in whole or in some columns, and hygge has no keys")
            .at(shown)
            .next("give a file that is not encrypted"));
    }
    guarded(shown, || {
        let told = |e| file.trouble().unwrap_or_else(|| unreadable(shown, e));
        let found = ArrowReaderMetadata::load(file, ArrowReaderOptions::new()).map_err(told)?;
        if found.metadata().row_groups().iter().any(|group| group.num_rows() < 0) {
            return Err(damaged("a row group has fewer rows than none, as its footer says").at(shown));
        }
        match types::readable_schema(found.schema()) {
            None => Ok(found),
            Some(schema) => {
                let options = ArrowReaderOptions::new().with_schema(schema);
                ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), options).map_err(told)
            }
        }
    })
}
