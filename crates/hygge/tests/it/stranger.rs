//! A home and a store as somebody else would write them, with nothing but what the guide's page names, put to the laws.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use hygge::extend::arrow_array::{RecordBatch, RecordBatchIterator};
use hygge::extend::conformance::{HomeUnderTest, Row, StoreUnderTest, batch, home_laws, rows_of, schema, store_laws};
use hygge::extend::home::{Home, Source};
use hygge::extend::store::Store;
use hygge::extend::{Reader, Result, SimpleHome, SimpleStore};

type Rows = Arc<Mutex<Vec<Row>>>;

fn home(rows: &Rows) -> impl Home + use<> {
    let rows = Arc::clone(rows);
    SimpleHome::new("my_home", "people", move || -> Result<Reader> {
        let rows = batch(&rows.lock().expect("no panic"));
        Ok(Box::new(RecordBatchIterator::new([Ok(rows)], schema())))
    })
}

fn store(rows: &Rows) -> impl Store + use<> {
    let rows = Arc::clone(rows);
    SimpleStore::new("my_store", "people", move |batch: &RecordBatch| -> Result<()> {
        rows.lock().expect("no panic").extend(rows_of(batch));
        Ok(())
    })
}

/// What the laws must know of a home: how to fill it, and what changes when something is written to it.
struct MyHome {
    home: Box<dyn Home>,
    rows: Rows,
}

impl HomeUnderTest for MyHome {
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
        format!("{:?}", self.rows)
    }

    fn root(&self) -> PathBuf {
        PathBuf::new()
    }
}

#[test]
fn my_home_keeps_the_laws() {
    home_laws(|| {
        let rows = Rows::default();
        MyHome { home: Box::new(home(&rows)), rows }
    });
}

/// What the laws must know of a store: what readers see, read without the store's own code.
struct MyStore {
    rows: Rows,
    folder: tempfile::TempDir,
}

impl StoreUnderTest for MyStore {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(store(&self.rows))
    }

    fn visible(&self) -> Option<Vec<Row>> {
        Some(self.rows.lock().expect("no panic").clone())
    }

    fn lose_lock(&self) -> bool {
        false
    }

    fn fingerprint(&self) -> String {
        format!("{:?} {}", self.rows, std::fs::read_dir(self.folder.path()).expect("listed").count())
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }
}

#[test]
fn my_store_keeps_the_laws() {
    store_laws(|| MyStore { rows: Rows::default(), folder: tempfile::tempdir().expect("a folder") });
}

/// A store that loses a row is found out: the laws can fail.
#[test]
fn a_store_that_loses_rows_breaks_a_law() {
    struct Leaky(MyStore);
    impl StoreUnderTest for Leaky {
        fn store(&self) -> Arc<dyn Store> {
            self.0.store()
        }
        fn visible(&self) -> Option<Vec<Row>> {
            self.0.visible().map(|rows| rows.into_iter().filter(|(id, _)| *id != 7).collect())
        }
        fn lose_lock(&self) -> bool {
            false
        }
        fn fingerprint(&self) -> String {
            self.0.fingerprint()
        }
        fn root(&self) -> PathBuf {
            self.0.root()
        }
    }
    let broken = std::panic::catch_unwind(|| {
        store_laws(|| Leaky(MyStore { rows: Rows::default(), folder: tempfile::tempdir().expect("a folder") }));
    });
    let text = broken.expect_err("a law is broken").downcast::<String>().expect("a text");
    assert!(text.starts_with("law broken: all rows of a load are there when it has settled"), "{text}");
}

/// Every piece of code on the guide's page is a piece of a program that is built and run by these tests.
#[test]
fn the_guides_code_is_code_that_runs() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_else(|_| panic!("no {path}"));
    let page = read("docs/guide/write-your-own.md");
    let flowing = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let sources = [
        "crates/hygge/tests/it/stranger.rs",
        "examples/custom_home.rs",
        "examples/custom_home.yml",
        "examples/custom_store.rs",
        "examples/custom_store.yml",
        "examples/exec/hygge.yml",
        "examples/exec/my_home.py",
        "examples/exec/my_store.py",
    ]
    .map(|path| flowing(&read(path)));
    let mut pieces = 0;
    for block in page.split("```").skip(1).step_by(2) {
        let Some((language, code)) = block.split_once('\n') else { continue };
        if !["rust", "python", "yaml"].contains(&language) {
            continue;
        }
        pieces += 1;
        let code = flowing(code);
        assert!(sources.iter().any(|source| source.contains(&code)), "nobody runs this:\n{block}");
    }
    assert!(pieces >= 8, "{pieces} pieces");
}
