//! The kinds of homes and stores, resolved: what their constructors need to know.

use std::fmt;
use std::ops::Deref;

use arrow_schema::DataType;

use crate::extend::{HomeType, Options, StoreType};
pub use crate::files::arrow::Packing as ArrowPacking;
pub(super) use crate::files::codec::Codec;
pub use crate::files::listing::Below;
pub(super) use crate::files::packing::Packing;
use crate::files::web::{is_web, shown_url};
pub use crate::homes::files::partitions::Partitions;
pub use crate::homes::xlsx::HeaderAt;
pub use crate::homes::xlsx::area::Area;

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
    /// Arrow files and streams.
    Arrow(FilesHome),
    /// Avro files.
    Avro(FilesHome),
    /// Excel workbooks.
    Xlsx(XlsxHome),
    /// A program.
    Exec(Exec),
    /// Of a registered type.
    Custom(CustomHome),
}

impl HomeConfig {
    /// One word for the kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Parquet(_) => "parquet",
            Self::Csv(_) => "csv",
            Self::Json(home) if home.lines => "ndjson",
            Self::Json(_) => "json",
            Self::Arrow(_) => "arrow",
            Self::Avro(_) => "avro",
            Self::Xlsx(_) => "xlsx",
            Self::Exec(_) => "exec",
            Self::Custom(home) => &home.kind,
        }
    }

    /// The path, as the project writes it; may hold `{entity}`, and for files be a pattern. Empty where there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Sqlite(home) => &home.path,
            Self::Parquet(home) => &home.path,
            Self::Csv(home) => &home.path,
            Self::Json(home) => &home.path,
            Self::Arrow(home) | Self::Avro(home) => &home.path,
            Self::Xlsx(home) => &home.path,
            Self::Exec(_) | Self::Custom(_) => "",
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

/// Where the files of a home lie.
#[derive(Clone, PartialEq, Eq)]
pub struct HomePath {
    /// A file, a folder, a pattern, or the URL of a file.
    pub text: String,
    /// What is sent to the server of a URL.
    pub headers: Vec<(String, Argument)>,
}

impl Deref for HomePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// Without the values of headers and of a query, and the user and password of a URL.
impl fmt::Debug for HomePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_web(&self.text) {
            fmt::Debug::fmt(&shown_url(&self.text), f)?;
        } else {
            fmt::Debug::fmt(&super::source::mask(&self.text), f)?;
        }
        if self.headers.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, " with headers {names:?}")
    }
}

/// Files to read that say all of themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct FilesHome {
    /// A file, a folder, a pattern, or a URL.
    pub path: HomePath,
    /// What folders called `name=value` tell.
    pub partitions: Partitions,
}

/// Workbooks to read.
#[derive(Clone, Debug, PartialEq)]
pub struct XlsxHome {
    /// A file, a folder, a pattern, or a URL.
    pub path: HomePath,
    /// Types that win over those that the cells tell.
    pub types: ColumnTypes,
    /// What folders called `name=value` tell.
    pub partitions: Partitions,
    /// The sheet by its name or its number from 1; none takes the only one with data.
    pub sheet: Option<String>,
    /// The part of the sheet; none takes all of it.
    pub range: Option<Area>,
    /// The row that names the columns.
    pub header: HeaderAt,
    /// The texts and errors that mean NULL, beside the empty cell.
    pub nulls: Vec<String>,
}

/// Parquet files to read.
#[derive(Clone, Debug, PartialEq)]
pub struct ParquetHome {
    /// A file, a folder, a pattern, or a URL.
    pub path: HomePath,
    /// What folders called `name=value` tell.
    pub partitions: Partitions,
}

/// CSV files to read.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvHome {
    /// A file, a folder, a pattern, or a URL.
    pub path: HomePath,
    /// What folders called `name=value` tell.
    pub partitions: Partitions,
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
    pub compression: Option<Codec>,
}

/// JSON files to read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonHome {
    /// A file, a folder, a pattern, or a URL.
    pub path: HomePath,
    /// What folders called `name=value` tell.
    pub partitions: Partitions,
    /// Whether rows stand one on a line; else it is told by looking.
    pub lines: bool,
    /// Types that are given rather than told from the rows.
    pub types: ColumnTypes,
    /// Which rows types are told from.
    pub infer: Infer,
    /// Whether objects and lists are read as the JSON that they are.
    pub nested_as_text: bool,
    /// How the files are compressed.
    pub compression: Option<Codec>,
}

/// Which rows the types of CSV and JSON columns are told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Infer {
    /// The beginning, and a slice of every split.
    Sample,
    /// All of them.
    All,
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
    /// Arrow files.
    Arrow(ArrowStore),
    /// A table of a SQLite database.
    Sqlite(SqliteStore),
    /// A program.
    Exec(Exec),
    /// Of a registered type.
    Custom(CustomStore),
}

impl StoreConfig {
    /// One word for the kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Parquet(_) => "parquet",
            Self::Csv(_) => "csv",
            Self::Json(store) if store.array => "json",
            Self::Json(_) => "ndjson",
            Self::Arrow(_) => "arrow",
            Self::Exec(_) => "exec",
            Self::Custom(store) => &store.kind,
        }
    }

    /// Whether rows may be merged on a key; a store that decides by itself is asked when the flow is planned.
    #[must_use]
    pub fn can_merge(&self) -> bool {
        matches!(self, Self::Sqlite(_)) || self.is_free()
    }

    /// Whether it decides by itself where rows settle and how: a registered type, or a program.
    #[must_use]
    pub fn is_free(&self) -> bool {
        matches!(self, Self::Exec(_) | Self::Custom(_))
    }

    /// Whether rows settle in one file, which can only be replaced.
    #[must_use]
    pub fn is_one_file(&self) -> bool {
        match self {
            Self::Parquet(store) => store.one_file,
            Self::Csv(store) => store.one_file,
            Self::Json(store) => store.one_file,
            Self::Arrow(store) => store.one_file,
            Self::Sqlite(_) | Self::Exec(_) | Self::Custom(_) => false,
        }
    }

    /// The path, as the project writes it; may hold `{entity}`. Empty where there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Sqlite(store) => &store.path,
            Self::Parquet(store) => &store.path,
            Self::Csv(store) => &store.path,
            Self::Json(store) => &store.path,
            Self::Arrow(store) => &store.path,
            Self::Exec(_) | Self::Custom(_) => "",
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
    /// Columns whose values are the names of folders.
    pub partition_by: Vec<String>,
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

/// Arrow files to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrowStore {
    /// A folder, or one file; see [`ParquetStore::path`].
    pub path: String,
    /// Whether the path is one file.
    pub one_file: bool,
    /// Columns whose values are the names of folders.
    pub partition_by: Vec<String>,
    /// How buffers are packed.
    pub compression: ArrowPacking,
}

/// CSV files to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvStore {
    /// A folder, or one file; see [`ParquetStore::path`].
    pub path: String,
    /// Whether the path is one file.
    pub one_file: bool,
    /// Columns whose values are the names of folders.
    pub partition_by: Vec<String>,
    /// The byte between fields.
    pub separator: u8,
    /// Whether the first row names the columns.
    pub header: bool,
    /// The text that stands for NULL.
    pub null_text: String,
    /// How files are compressed.
    pub compression: Packing,
}

/// JSON files to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonStore {
    /// A folder, or one file; see [`ParquetStore::path`].
    pub path: String,
    /// Whether the path is one file.
    pub one_file: bool,
    /// Columns whose values are the names of folders.
    pub partition_by: Vec<String>,
    /// Whether a file is one array; else rows stand one on a line.
    pub array: bool,
    /// How files are compressed.
    pub compression: Packing,
}

/// A table of a SQLite database to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteStore {
    /// The database file.
    pub path: String,
    /// The table; none lets each entity settle in the table of its name. May hold `{entity}`.
    pub table: Option<String>,
}

/// A program that rows come from, or go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The program and its arguments; never empty. May hold `{entity}`.
    pub command: Vec<Argument>,
    /// Variables of its environment, beside hygge's own.
    pub env: Vec<(String, Argument)>,
    /// Of a store: whether each load takes the place of the one before.
    pub replaces: bool,
}

impl Exec {
    /// Whether a text stands somewhere in the command.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        self.command.iter().any(|argument| argument.text.contains(text))
    }
}

/// A text that may have come from a variable, and then is nobody's business.
#[derive(Clone, PartialEq, Eq)]
pub struct Argument {
    /// The text itself.
    pub text: String,
    /// As it was written, if a variable stood in it.
    pub written: Option<String>,
}

impl Argument {
    /// The form that may be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        super::source::mask(self.written.as_deref().unwrap_or(&self.text))
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown(), f)
    }
}

/// A home of a registered type.
#[derive(Clone)]
pub struct CustomHome {
    /// The type.
    pub kind: String,
    /// What stands below it.
    pub options: Options,
    pub(crate) made_by: HomeType,
}

/// A store of a registered type.
#[derive(Clone)]
pub struct CustomStore {
    /// The type.
    pub kind: String,
    /// What stands below it.
    pub options: Options,
    pub(crate) made_by: StoreType,
}

impl PartialEq for CustomHome {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.options == other.options
    }
}

impl PartialEq for CustomStore {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.options == other.options
    }
}

impl Eq for CustomStore {}

impl fmt::Debug for CustomHome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.options)
    }
}

impl fmt::Debug for CustomStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_noted_without_the_secrets_of_its_url() {
        let noted = |text: &str| format!("{:?}", HomePath { text: text.to_owned(), headers: Vec::new() });
        assert_eq!(noted("https://ann:p,a's@h.com/{entity}.csv?k=a,b'c"), "\"https://h.com/{entity}.csv?k=…\"");
        assert_eq!(noted("https://ann:pa ss@h.com/x.csv"), "\"https://h.com/x.csv\"");
        assert_eq!(noted("data/*.csv"), "\"data/*.csv\"");
    }
}
