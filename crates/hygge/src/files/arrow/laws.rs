//! The laws of a store, kept by folders and files of Arrow. What is visible is read by the library, not by our reading.

use std::path::Path;
use std::sync::Arc;

use hygge_core::conformance::{Row, rows_of, store_laws};

use super::{ArrowFormat, Packing};
use crate::stores::files::tests::subject::Subject;

fn rows_in(path: &Path) -> Vec<Row> {
    let file = std::fs::File::open(path).expect("opens");
    let reader = arrow_ipc::reader::FileReader::try_new(file, None).expect("a whole file");
    reader.flat_map(|batch| rows_of(&batch.expect("reads"))).collect()
}

#[test]
fn folders_and_files_keep_the_laws() {
    for (path, packing) in [("data/laws", Packing::Zstd), ("data/laws.arrow", Packing::Lz4)] {
        store_laws(|| Subject::of(path, Arc::new(ArrowFormat::new(packing)), rows_in));
    }
}
