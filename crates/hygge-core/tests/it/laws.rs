//! The memory reference and every wrapper keep every law.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_schema::SchemaRef;
use hygge_core::conformance::{HomeUnderTest, Row, StoreUnderTest, batch, home_laws, rows_of, schema, store_laws};
use hygge_core::faulty::{FaultyHome, FaultyStore, Script};
use hygge_core::home::{Home, Source};
use hygge_core::memory::{MemoryDatabase, MemoryHome, MemoryStore};
use hygge_core::simple::{Reader, SimpleHome, SimpleStore, WriteBatches};
use hygge_core::store::Store;

struct Stored {
    database: MemoryDatabase,
    wrapped: bool,
    one_writer: bool,
}

impl StoreUnderTest for Stored {
    fn store(&self) -> Arc<dyn Store> {
        let store = MemoryStore::new(&self.database, "t");
        let store: Arc<dyn Store> = Arc::new(if self.one_writer { store.with_one_writer() } else { store });
        if self.wrapped { Arc::new(FaultyStore::new(store, &Script::default())) } else { store }
    }

    fn visible(&self) -> Option<Vec<Row>> {
        Some(self.database.visible("t").iter().flat_map(rows_of).collect())
    }

    fn lose_lock(&self) -> bool {
        self.database.lose_lock("t");
        true
    }

    fn fingerprint(&self) -> String {
        format!("{:?}", self.visible())
    }

    fn root(&self) -> PathBuf {
        PathBuf::new()
    }
}

#[test]
fn the_memory_store_keeps_the_laws() {
    store_laws(|| Stored { database: MemoryDatabase::default(), wrapped: false, one_writer: false });
    store_laws(|| Stored { database: MemoryDatabase::default(), wrapped: false, one_writer: true });
}

#[test]
fn the_faulty_store_without_faults_keeps_the_laws() {
    store_laws(|| Stored { database: MemoryDatabase::default(), wrapped: true, one_writer: false });
}

struct Lived {
    inner: MemoryHome,
    home: Arc<dyn Home>,
}

impl HomeUnderTest for Lived {
    fn home(&self) -> &dyn Home {
        self.home.as_ref()
    }

    fn source(&self) -> Source {
        Source::Whole { entity: None }
    }

    fn fill(&self, rows: &[Row]) {
        self.inner.set(batch(rows));
    }

    fn follows_id(&self) -> bool {
        true
    }

    fn fingerprint(&self) -> String {
        format!("{:?}", self.inner.rows())
    }

    fn root(&self) -> PathBuf {
        PathBuf::new()
    }
}

#[test]
fn the_memory_home_keeps_the_laws() {
    home_laws(|| {
        let inner = MemoryHome::new("people", batch(&[]), 100);
        Lived { home: Arc::new(inner.clone()), inner }
    });
}

#[test]
fn the_faulty_home_without_faults_keeps_the_laws() {
    home_laws(|| {
        let inner = MemoryHome::new("people", batch(&[]), 100);
        Lived { home: Arc::new(FaultyHome::new(Arc::new(inner.clone()), &Script::default())), inner }
    });
}

/// Rows of the laws behind the one method of a simple home.
struct Simple {
    rows: Arc<Mutex<Vec<Row>>>,
    home: Box<dyn Home>,
}

impl Simple {
    fn new() -> Self {
        let rows: Arc<Mutex<Vec<Row>>> = Arc::default();
        let inner = Arc::clone(&rows);
        let read = move || -> hygge_core::Result<Reader> {
            let all = inner.lock().expect("no panic").clone();
            let batches: Vec<_> = all.chunks(333).map(|chunk| Ok(batch(chunk))).collect();
            Ok(Box::new(RecordBatchIterator::new(batches, schema())))
        };
        Self { rows, home: Box::new(SimpleHome::new("mine", "people", read)) }
    }
}

impl HomeUnderTest for Simple {
    fn home(&self) -> &dyn Home {
        self.home.as_ref()
    }

    fn source(&self) -> Source {
        Source::Whole { entity: None }
    }

    fn fill(&self, rows: &[Row]) {
        *self.rows.lock().expect("no panic") = rows.to_vec();
    }

    fn follows_id(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        format!("{:?}", self.rows.lock().expect("no panic"))
    }

    fn root(&self) -> PathBuf {
        PathBuf::new()
    }
}

#[test]
fn a_home_in_one_method_keeps_the_laws() {
    home_laws(Simple::new);
}

type Sunk = Arc<Mutex<Vec<Row>>>;

/// Takes rows; where `replaces`, a load begins with none.
struct Taker {
    rows: Sunk,
    replaces: bool,
}

impl WriteBatches for Taker {
    fn write(&mut self, batch: &RecordBatch) -> hygge_core::Result<()> {
        self.rows.lock().expect("no panic").extend(rows_of(batch));
        Ok(())
    }

    fn begin(&mut self, _: &SchemaRef) -> hygge_core::Result<()> {
        if self.replaces {
            self.rows.lock().expect("no panic").clear();
        }
        Ok(())
    }
}

struct Taken {
    rows: Sunk,
    replaces: bool,
    folder: tempfile::TempDir,
}

impl StoreUnderTest for Taken {
    fn store(&self) -> Arc<dyn Store> {
        let taker = Taker { rows: Arc::clone(&self.rows), replaces: self.replaces };
        if self.replaces {
            return Arc::new(SimpleStore::replacing("mine", "people", taker));
        }
        Arc::new(SimpleStore::new("mine", "people", taker))
    }

    fn visible(&self) -> Option<Vec<Row>> {
        Some(self.rows.lock().expect("no panic").clone())
    }

    fn lose_lock(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).expect("listed").count();
        format!("{:?} {files}", self.visible())
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }
}

#[test]
fn a_store_in_one_method_keeps_the_laws_of_stores_without_staging() {
    for replaces in [false, true] {
        store_laws(|| Taken { rows: Sunk::default(), replaces, folder: tempfile::tempdir().expect("a folder") });
    }
}
