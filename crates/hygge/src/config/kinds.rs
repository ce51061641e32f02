//! The kinds of homes and stores, resolved: what their constructors need to know.

use arrow_schema::DataType;

/// Where rows live now. Paths are as the project writes them: relative to its root, or absolute.
#[derive(Clone, Debug, PartialEq)]
pub enum HomeConfig {
    /// A SQLite database.
    Sqlite(SqliteHome),
    /// Parquet files.
    Parquet(ParquetHome),
    /// CSV files.
    Csv(CsvHome),
    /// JSON files.
    Json(JsonHome),
}

impl HomeConfig {
    /// One word for the kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Parquet(_) => "parquet",
            Self::Csv(_) => "csv",
            Self::Json(home) if home.lines => "ndjson",
            Self::Json(_) => "json",
        }
    }

    /// The path, as the project writes it; may hold `{entity}`, and for files be a pattern.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Sqlite(home) => &home.path,
            Self::Parquet(home) => &home.path,
            Self::Csv(home) => &home.path,
            Self::Json(home) => &home.path,
        }
    }
}

/// Column types that were written, in their order.
pub type ColumnTypes = Vec<(String, DataType)>;

/// A SQLite database to read.
#[derive(Clone, Debug, PartialEq)]
pub struct SqliteHome {
    /// The database file.
    pub path: String,
    /// Types that win over declared ones.
    pub types: ColumnTypes,
    /// Whether they are meant for many tables: for each that has such a column, or for one as `table.column`.
    pub many_tables: bool,
}

/// Parquet files to read.
#[derive(Clone, Debug, PartialEq)]
pub struct ParquetHome {
    /// A file, a folder, or a pattern.
    pub path: String,
}

/// CSV files to read.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvHome {
    /// A file, a folder, or a pattern.
    pub path: String,
    /// The byte between fields.
    pub separator: u8,
    /// The byte around fields that hold separators; none for files without quotes.
    pub quote: Option<u8>,
    /// Whether the first row names the columns.
    pub header: bool,
    /// The texts that mean NULL. The empty field does where none is given.
    pub nulls: Vec<String>,
    /// Types that are given rather than told from the rows.
    pub types: ColumnTypes,
    /// Which rows types are told from.
    pub infer: Infer,
    /// How the files are compressed.
    pub compression: CsvCompression,
}

/// JSON files to read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonHome {
    /// A file, a folder, or a pattern.
    pub path: String,
    /// Whether rows stand one on a line; else it is told by looking.
    pub lines: bool,
    /// Types that are given rather than told from the rows.
    pub types: ColumnTypes,
    /// Which rows types are told from.
    pub infer: Infer,
    /// Whether objects and lists are read as the JSON that they are.
    pub nested_as_text: bool,
    /// How the files are compressed.
    pub compression: CsvCompression,
}

/// Which rows the types of CSV and JSON columns are told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Infer {
    /// The beginning, and a slice of every split.
    Sample,
    /// All of them.
    All,
}

/// How CSV and JSON files to read are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvCompression {
    /// By each file's extension.
    Auto,
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// Where rows settle. Paths are as the project writes them: relative to its root, or absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreConfig {
    /// Parquet files.
    Parquet(ParquetStore),
    /// CSV files.
    Csv(CsvStore),
    /// JSON files.
    Json(JsonStore),
    /// A table of a SQLite database.
    Sqlite(SqliteStore),
}

impl StoreConfig {
    /// One word for the kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Parquet(_) => "parquet",
            Self::Csv(_) => "csv",
            Self::Json(store) if store.array => "json",
            Self::Json(_) => "ndjson",
        }
    }

    /// Whether rows can be merged on a key.
    #[must_use]
    pub fn can_merge(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Whether rows settle in one file, which can only be replaced.
    #[must_use]
    pub fn is_one_file(&self) -> bool {
        match self {
            Self::Parquet(store) => store.one_file,
            Self::Csv(store) => store.one_file,
            Self::Json(store) => store.one_file,
            Self::Sqlite(_) => false,
        }
    }

    /// The path, as the project writes it; may hold `{entity}`.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Sqlite(store) => &store.path,
            Self::Parquet(store) => &store.path,
            Self::Csv(store) => &store.path,
            Self::Json(store) => &store.path,
        }
    }
}

/// Parquet files to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParquetStore {
    /// A folder, or one file. With entities, `{entity}` in it is filled in; without `{entity}`, a folder of the entity's
    /// name below it is meant.
    pub path: String,
    /// Whether the path is one file.
    pub one_file: bool,
    /// The codec, with a level that it takes.
    pub codec: ParquetCodec,
    /// The most bytes of a row group; none leaves it to the budget.
    pub row_group_bytes: Option<u64>,
    /// Whether values that no dictionary holds are written plain, for readers that know nothing else.
    pub plain: bool,
}

/// The codec of Parquet files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParquetCodec {
    /// None.
    None,
    /// Snappy.
    Snappy,
    /// LZ4 (raw).
    Lz4,
    /// gzip with a level of 0 to 9.
    Gzip(u32),
    /// Zstandard with a level of 1 to 22.
    Zstd(u32),
}

/// CSV files to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvStore {
    /// A folder, or one file; see [`ParquetStore::path`].
    pub path: String,
    /// Whether the path is one file.
    pub one_file: bool,
    /// The byte between fields.
    pub separator: u8,
    /// Whether the first row names the columns.
    pub header: bool,
    /// The text that stands for NULL.
    pub null_text: String,
    /// How files are compressed.
    pub compression: CsvCodec,
}

/// JSON files to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonStore {
    /// A folder, or one file; see [`ParquetStore::path`].
    pub path: String,
    /// Whether the path is one file.
    pub one_file: bool,
    /// Whether a file is one array; else rows stand one on a line.
    pub array: bool,
    /// How files are compressed.
    pub compression: CsvCodec,
}

/// How CSV and JSON files are compressed when written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvCodec {
    /// Not at all (`.csv`).
    None,
    /// gzip with a level of 0 to 9 (`.csv.gz`).
    Gzip(u32),
    /// Zstandard with a level of 1 to 22 (`.csv.zst`).
    Zstd(u32),
}

/// A table of a SQLite database to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteStore {
    /// The database file.
    pub path: String,
    /// The table; none lets each entity settle in the table of its name. May hold `{entity}`.
    pub table: Option<String>,
}
