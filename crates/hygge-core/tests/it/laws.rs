//! The memory reference and every wrapper keep every law.

use std::path::PathBuf;
use std::sync::Arc;

use hygge_core::conformance::{HomeUnderTest, Row, StoreUnderTest, batch, home_laws, rows_of, store_laws};
use hygge_core::faulty::{FaultyHome, FaultyStore, Script};
use hygge_core::home::{Home, Source};
use hygge_core::memory::{MemoryDatabase, MemoryHome, MemoryStore};
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
