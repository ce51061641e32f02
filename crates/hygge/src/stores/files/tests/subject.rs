//! A place of files under the laws, whatever their format.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hygge_core::conformance::{Row, StoreUnderTest};
use hygge_core::store::Store;

use super::all_below;
use crate::files::durable::Disk;
use crate::files::format::FileFormat;
use crate::stores::files::FileStore;

type StoreIn = Box<dyn Fn(&Path) -> Arc<dyn Store> + Send + Sync>;
type RowsIn = Box<dyn Fn(&Path) -> Vec<Row> + Send + Sync>;

/// A folder, or one file, below a folder of its own.
pub(crate) struct Subject {
    dir: tempfile::TempDir,
    path: &'static str,
    store: StoreIn,
    rows_in: RowsIn,
}

impl Subject {
    /// The place at `path`, which must begin with `data/`. `store` is given the folder; `rows_in` reads one
    /// file, without our own readers.
    pub(crate) fn new(
        path: &'static str,
        store: impl Fn(&Path) -> Arc<dyn Store> + Send + Sync + 'static,
        rows_in: impl Fn(&Path) -> Vec<Row> + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self { dir, path, store: Box::new(store), rows_in: Box::new(rows_in) }
    }

    /// A place of a format.
    pub(crate) fn of(
        path: &'static str,
        format: Arc<dyn FileFormat>,
        rows_in: impl Fn(&Path) -> Vec<Row> + Send + Sync + 'static,
    ) -> Self {
        let store = move |dir: &Path| {
            let store = FileStore::new(dir, path, Arc::clone(&format));
            Arc::new(store.on_disk(Disk::default(), Duration::from_millis(1))) as Arc<dyn Store>
        };
        Self::new(path, store, rows_in)
    }
}

impl StoreUnderTest for Subject {
    fn store(&self) -> Arc<dyn Store> {
        (self.store)(self.dir.path())
    }

    fn visible(&self) -> Option<Vec<Row>> {
        let live = self.dir.path().join(self.path);
        if live.is_file() {
            return Some((self.rows_in)(&live));
        }
        let entries = std::fs::read_dir(live).ok()?;
        Some(entries.flat_map(|entry| (self.rows_in)(&entry.expect("an entry").path())).collect())
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
