//! The stores under the matrix. One more is one more entry of [`STORES`].

use std::path::Path;
use std::sync::Arc;

use arrow_schema::DataType;
use hygge::files::arrow::{ArrowFormat, Packing};
use hygge::files::csv::format::{CsvFormat, CsvFormatConfig};
use hygge::files::json::format::{JsonFormat, JsonFormatConfig};
use hygge::files::parquet::ParquetFormat;
use hygge::homes::arrow::ArrowHome;
use hygge::homes::csv::{CsvHome, CsvHomeConfig};
use hygge::homes::json::{JsonHome, JsonHomeConfig};
use hygge::homes::parquet::ParquetHome;
use hygge::homes::sqlite::{SqliteHome, SqliteHomeConfig};
use hygge::stores::files::FileStore;
use hygge::stores::sqlite::{SqliteStore, SqliteStoreConfig};
use hygge_core::home::{Home, Source};
use hygge_core::store::Store;

/// A home, and what is read of it.
pub(crate) type Asked = (Arc<dyn Home>, Source);

/// A store, the home that reads it, and who else does.
pub(crate) struct Subject {
    /// As `type:` calls it.
    pub(crate) name: &'static str,
    /// As the tables call it.
    pub(crate) title: &'static str,
    /// The page of `docs/reference` that has its table, and what it calls a type of the store.
    pub(crate) page: (&'static str, &'static str),
    /// The store in a folder.
    pub(crate) store: fn(&Path) -> Arc<dyn Store>,
    /// Its home; where files keep no types, it is told that of the column `value`.
    pub(crate) home: fn(&Path, Option<&DataType>) -> Asked,
    /// Whether files keep no types.
    pub(crate) untyped: bool,
    /// Who judges it, as `tests/judge/lattice.py` names tables; the path is put at `{}`.
    pub(crate) readers: &'static [&'static str],
    /// What a reader itself does not hold: reader, how the case's name begins, why.
    pub(crate) beyond: &'static [(&'static str, &'static str, &'static str)],
    /// Whether -0.0 arrives as 0.0, which counts as the same number.
    pub(crate) zeros: bool,
}

pub(crate) const STORES: &[Subject] = &[
    Subject {
        name: "parquet",
        title: "Parquet",
        page: ("parquet-types.md", "in the file"),
        store: |root| Arc::new(FileStore::new(root, "lake", Arc::new(ParquetFormat::default()))),
        home: |root, _| (Arc::new(ParquetHome::new(root, "lake")), Source::Whole { entity: None }),
        untyped: false,
        readers: &["parquet:{}/lake", "duckdb:{}/lake"],
        beyond: &[
            ("duckdb", "Decimal128(38, -3)", "decimals of more than 38 digits are read as DOUBLE"),
            ("duckdb", "Decimal256(76", "decimals of more than 38 digits are read as DOUBLE"),
            ("duckdb", "Time64(ns)", "times are kept in microseconds"),
            ("duckdb", "Timestamp(ms", "the last years of 64 bits of milliseconds are beyond its own"),
            ("duckdb", "Timestamp(ns, ", "times with a zone are kept in microseconds"),
        ],
        zeros: false,
    },
    Subject {
        name: "arrow",
        title: "Arrow",
        page: ("arrow-types.md", "in the file"),
        store: |root| Arc::new(FileStore::new(root, "lake", Arc::new(ArrowFormat::new(Packing::Lz4)))),
        home: |root, _| (Arc::new(ArrowHome::new(root, "lake")), Source::Whole { entity: None }),
        untyped: false,
        readers: &["ipc:{}/lake"],
        beyond: &[
            ("ipc", "Interval(YearMonth)", "pyarrow has no such type"),
            ("arrow", "Interval(YearMonth)", "pyarrow has no such type"),
            ("ipc", "Interval(DayTime)", "pyarrow has no such type"),
            ("arrow", "Interval(DayTime)", "pyarrow has no such type"),
        ],
        zeros: false,
    },
    Subject {
        name: "csv",
        title: "CSV",
        page: ("csv-types.md", "written as"),
        store: |root| {
            let format = CsvFormat::new(&CsvFormatConfig::default()).expect("a format");
            Arc::new(FileStore::new(root, "lake", Arc::new(format)))
        },
        home: |root, told| {
            let mut config = CsvHomeConfig::new(root, "lake");
            config.columns = told.map(|told| ("value".to_owned(), told.clone())).into_iter().collect();
            (Arc::new(CsvHome::new(config).expect("a home")), Source::Whole { entity: None })
        },
        untyped: true,
        readers: &["csv:{}/lake", "duckcsv:{}/lake"],
        beyond: &[],
        zeros: false,
    },
    Subject {
        name: "ndjson",
        title: "JSON",
        page: ("json-types.md", "written as"),
        store: |root| {
            let format = JsonFormat::new(JsonFormatConfig::new(false)).expect("a format");
            Arc::new(FileStore::new(root, "lake", Arc::new(format)))
        },
        home: |root, told| {
            let mut config = JsonHomeConfig::new(root, "lake", true);
            config.columns = told.map(|told| ("value".to_owned(), told.clone())).into_iter().collect();
            (Arc::new(JsonHome::new(config).expect("a home")), Source::Whole { entity: None })
        },
        untyped: true,
        readers: &["ndjson:{}/lake", "duckjson:{}/lake"],
        beyond: &[
            ("duckjson", "Decimal", "numbers are kept as doubles"),
            ("duckjson", "Dictionary(Int32, Decimal128", "numbers are kept as doubles"),
        ],
        zeros: false,
    },
    Subject {
        name: "sqlite",
        title: "SQLite",
        page: ("sqlite-types.md", "declared"),
        store: |root| {
            let mut config = SqliteStoreConfig::new(root.join("shop.db"), "shop.db");
            config.table = Some("t".into());
            Arc::new(SqliteStore::new(config))
        },
        home: |root, _| {
            let home = SqliteHome::new(SqliteHomeConfig::new(root.join("shop.db"), "shop.db"));
            (Arc::new(home), Source::Table("t".into()))
        },
        untyped: false,
        readers: &["sqlite:{}/shop.db#t"],
        beyond: &[],
        zeros: true,
    },
];
