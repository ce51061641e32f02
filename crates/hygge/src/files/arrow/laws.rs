//! The laws of a store, kept by folders and files of Arrow. What is visible is read by the library, not by our reading.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hygge_core::conformance::{Row, StoreUnderTest, rows_of, store_laws};
use hygge_core::store::Store;

use super::{ArrowFormat, Packing};
use crate::files::durable::Disk;
use crate::stores::files::FileStore;
use crate::stores::files::tests::all_below;

struct Subject {
    dir: tempfile::TempDir,
    path: &'static str,
    packing: Packing,
}

fn rows_in(path: &Path) -> Vec<Row> {
    let file = std::fs::File::open(path).expect("opens");
    let reader = arrow_ipc::reader::FileReader::try_new(file, None).expect("a whole file");
    reader.flat_map(|batch| rows_of(&batch.expect("reads"))).collect()
}

impl StoreUnderTest for Subject {
    fn store(&self) -> Arc<dyn Store> {
        let store = FileStore::new(self.dir.path(), self.path, Arc::new(ArrowFormat::new(self.packing)));
        Arc::new(store.on_disk(Disk::default(), Duration::from_millis(1)))
    }

    fn visible(&self) -> Option<Vec<Row>> {
        let live = self.dir.path().join(self.path);
        if live.is_file() {
            return Some(rows_in(&live));
        }
        let entries = std::fs::read_dir(live).ok()?;
        Some(entries.flat_map(|entry| rows_in(&entry.expect("an entry").path())).collect())
    }

    fn lose_lock(&self) -> bool {
        let name = self.path.rsplit('/').next().expect("a name");
        std::fs::remove_file(self.dir.path().join(format!("data/.{name}.hygge/lock"))).expect("the lock is there");
        true
    }

    fn fingerprint(&self) -> String {
        all_below(self.dir.path())
    }

    fn root(&self) -> PathBuf {
        self.dir.path().to_path_buf()
    }
}

#[test]
fn folders_and_files_keep_the_laws() {
    for (path, packing) in [("data/laws", Packing::Zstd), ("data/laws.arrow", Packing::Lz4)] {
        store_laws(|| Subject { dir: tempfile::tempdir().expect("a folder"), path, packing });
    }
}
