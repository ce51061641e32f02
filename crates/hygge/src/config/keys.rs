//! Every key of the configuration, in one table: what the reader accepts, what the JSON Schema says, what the reference
//! tells.

use super::shape::Shape::{
    self, Columns, Command, Connection, Count, Days, Entities, Flag, Group, Kind, Literal, Literals, Named, Part, Size,
    Span, Text, Texts, Variables, Watermark, Word,
};

/// A key that a mapping may have.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// A sentence for editors and the reference.
    pub(crate) doc: &'static str,
}

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc }
}

/// The types of homes that work now.
pub(crate) const HOME_TYPES: &[&str] = &[
    "sql", "sqlite", "parquet", "csv", "ndjson", "jsonl", "json", "arrow", "ipc", "feather", "avro", "xlsx", "local",
    "exec",
];
/// The types of stores that work now.
pub(crate) const STORE_TYPES: &[&str] =
    &["parquet", "csv", "ndjson", "jsonl", "json", "arrow", "ipc", "feather", "sqlite", "sql", "local", "exec"];
/// Those that are named where something else was written: one name each, and not `local`, which needs a format.
pub(crate) const HOME_WORDS: &[&str] =
    &["sql", "sqlite", "parquet", "csv", "ndjson", "json", "arrow", "avro", "xlsx", "exec"];
/// The same of stores.
pub(crate) const STORE_WORDS: &[&str] = &["parquet", "csv", "ndjson", "json", "arrow", "sqlite", "sql", "exec"];
/// The compressions of CSV and JSON files.
pub(crate) const CSV_COMPRESSIONS: &[&str] = &["auto", "none", "gzip", "zstd", "bzip2", "xz", "lz4"];
/// The compressions of Parquet files.
pub(crate) const PARQUET_CODECS: &[&str] = &["snappy", "zstd", "gzip", "lz4", "none"];

/// The compressions of Arrow files.
pub(crate) const ARROW_CODECS: &[&str] = &["lz4", "zstd", "none"];
/// The formats of files that homes read, for `type: local`.
const HOME_FORMATS: &[&str] = &["parquet", "csv", "ndjson", "jsonl", "json", "arrow", "ipc", "feather", "avro", "xlsx"];
/// The formats of files that stores write, for `type: local`.
const STORE_FORMATS: &[&str] = &["parquet", "csv", "ndjson", "jsonl", "json", "arrow", "ipc", "feather"];

const MOST_ROWS: u64 = 1 << 24;

/// The top of hygge.yml.
pub(crate) static ROOT: &[Key] = &[
    key("name", Text, "The project's name; part of the receipts, so that a place knows whose it is."),
    key("connections", Named("connection"), "URLs by name, for `connection:`."),
    key("homes", Named("home"), "Homes by name: where rows live now."),
    key("stores", Named("store"), "Stores by name: where rows settle."),
    key("flows", Named("flow"), "Flows by name: each carries rows from one home to one store."),
    key("flows_dir", Text, "The folder with one folder per flow; `flows` if not given."),
    key("defaults", Group(DEFAULTS), "Options that hold for every flow that does not say otherwise."),
    key("options", Group(ROOT_OPTIONS), "How the whole project runs."),
];

/// The root's `options:`.
pub(crate) static ROOT_OPTIONS: &[Key] = &[
    key("concurrency", Count(1, 256), "How many flows run at once; the number of processors if not given."),
    key("continue_on_error", Flag, "Go on with independent flows after one failed (default true)."),
    key("memory", Size(16 << 20, 1 << 44), "The memory for everything in flight (default 512MiB)."),
    key("timeout", Span, "The longest a flow may take."),
    key("retries", Count(0, 100), "How often what can pass is tried again (default 3)."),
    key(
        "log_level",
        Word(&["error", "warn", "info", "debug", "trace"]),
        "How much the run's log tells (default info).",
    ),
    key("keep", Days, "How long run logs are kept (default 90d)."),
];

/// What every home takes.
pub(crate) static HOME: &[Key] = &[
    key(
        "type",
        Kind(HOME_TYPES),
        "The kind of home; told by the connection or the path's extension where it is missing.",
    ),
    key(
        "columns",
        Columns,
        "Which columns, in which order; with `name: type`, the type of a column. Of many tables, `table.name: type` means one.",
    ),
    key("batch_size", Count(1, MOST_ROWS), "The most rows of a batch (default 8192); memory bounds it, too."),
    key("readers", Count(1, 256), "The most parts read at once."),
];

/// What a home of files takes beside, whatever their format.
static HOME_FORMAT: &[Key] = &[key(
    "format",
    Kind(HOME_FORMATS),
    "With `type: local`, the format of the files; the same as writing it as the type.",
)];

/// What a home in a database takes beside.
pub(crate) static HOME_SQL: &[Key] = &[
    key(
        "connection",
        Connection,
        "A URL (sqlite:///shop.db is relative to the project, sqlite:////var/shop.db is not), or a name of `connections:`.",
    ),
    key("path", Text, "The database file, instead of a connection."),
    key("table", Text, "The table or view to read."),
    key("query", Text, "A SELECT to read instead of a table."),
    key("tables", Text, "A pattern of tables (`*`); each is an entity of the flow."),
    key("exclude", Texts, "Patterns of tables that `tables` leaves out."),
    key("where", Text, "A condition on the rows, in the database's SQL."),
    key("connections", Count(1, 256), "The same as `readers`."),
];

/// What folders of files tell, for every home of files.
const PARTITIONS: Key = key(
    "partitions",
    Columns,
    "Columns from folders called `name=value`: auto (default), hive, off, their names, or a mapping of names to types.",
);

const FILES_PATH: Key = key("path", Text, "A file, a folder, a pattern of files, or the http or https URL of a file.");

const HEADERS: Key =
    key("headers", Variables, "What is sent with each request where the path is a URL; values can be ${VARIABLES}.");

/// What a home of Parquet files takes beside.
pub(crate) static HOME_PARQUET: &[Key] = &[FILES_PATH, HEADERS, PARTITIONS];

/// What a home of Arrow or Avro files takes beside.
pub(crate) static HOME_FILES: &[Key] = &[FILES_PATH, HEADERS, PARTITIONS];

/// What a home of workbooks takes beside.
pub(crate) static HOME_XLSX: &[Key] = &[
    FILES_PATH,
    HEADERS,
    PARTITIONS,
    key("sheet", Literal, "The sheet, by its name or its number from 1 (default: the only one with data)."),
    key("range", Text, "The part of the sheet, as A1:F100 or A:F (default: all of it)."),
    key("header", Literal, "The row that names the columns: true for the first with a value, its number, or false."),
    key("nulls", Literals, "The texts and errors that mean NULL, such as #N/A (default: the empty cell)."),
];

/// What a home of CSV files takes beside.
pub(crate) static HOME_CSV: &[Key] = &[
    FILES_PATH,
    HEADERS,
    PARTITIONS,
    key("separator", Text, "The character between fields, or tab, comma, semicolon, pipe (default `,`; tab for .tsv)."),
    key("quote", Text, "The character around fields that hold separators, or none (default `\"`)."),
    key("header", Flag, "Whether the first row names the columns (default true)."),
    key("nulls", Literals, "The texts that mean NULL (default: the empty field)."),
    key("infer", Word(&["sample", "all"]), "Tell the types from a sample (default) or from all rows."),
    key("compression", Word(CSV_COMPRESSIONS), "How the files are compressed (default auto: by extension)."),
];

/// What a home of JSON files takes beside.
pub(crate) static HOME_JSON: &[Key] = &[
    FILES_PATH,
    HEADERS,
    PARTITIONS,
    key(
        "nested",
        Word(&["columns", "text"]),
        "Read objects and lists as columns of their own (default), or as text: the JSON that they are.",
    ),
    key("infer", Word(&["sample", "all"]), "Tell keys and types from a sample (default) or from all rows."),
    key("compression", Word(CSV_COMPRESSIONS), "How the files are compressed (default auto: by extension)."),
];

/// What every store takes.
pub(crate) static STORE: &[Key] = &[key(
    "type",
    Kind(STORE_TYPES),
    "The kind of store; told by the connection or the path's extension where it is missing.",
)];

/// What a store of files takes beside, whatever their format.
static STORE_FORMAT: &[Key] = &[key(
    "format",
    Kind(STORE_FORMATS),
    "With `type: local`, the format of the files; the same as writing it as the type.",
)];

/// How rows of a store of files are parted.
const PARTITION_BY: Key = key(
    "partition_by",
    Texts,
    "Columns whose values are the names of folders, outermost first (year=2024/month=1/); files leave them out.",
);

/// What a store of Parquet files takes beside.
pub(crate) static STORE_PARQUET: &[Key] = &[
    key("path", Text, "A folder, or one file if it ends in .parquet."),
    PARTITION_BY,
    key("compression", Word(PARQUET_CODECS), "The codec (default snappy)."),
    key("compression_level", Count(0, 22), "The level, for zstd (1 to 22) and gzip (0 to 9)."),
    key("row_group_size", Size(1 << 20, 1 << 31), "The most bytes of a row group."),
    key("encoding", Word(&["delta", "plain"]), "How values that repeat little are written (default delta)."),
];

/// The level of files of text.
const TEXT_LEVEL: Key = key(
    "compression_level",
    Count(0, 22),
    "The level, for zstd (1 to 22), gzip (0 to 9), bzip2 (1 to 9) and xz (0 to 9).",
);

/// What a store of CSV files takes beside.
pub(crate) static STORE_CSV: &[Key] = &[
    key("path", Text, "A folder, or one file if it ends in .csv or .tsv, maybe with .gz, .zst, .bz2, .xz or .lz4."),
    PARTITION_BY,
    key("separator", Text, "The character between fields, or tab, comma, semicolon, pipe (default `,`)."),
    key("header", Flag, "Whether the first row names the columns (default true)."),
    key("null_text", Literal, "The text that stands for NULL (default: the empty field)."),
    key(
        "compression",
        Word(CSV_COMPRESSIONS),
        "How files are compressed (default auto: by extension, none for a folder).",
    ),
    TEXT_LEVEL,
];

/// What a store of Arrow files takes beside.
pub(crate) static STORE_ARROW: &[Key] = &[
    key("path", Text, "A folder, or one file if it ends in .arrow, .feather or .ipc."),
    PARTITION_BY,
    key("compression", Word(ARROW_CODECS), "How columns are packed (default lz4)."),
];

/// What a store of NDJSON files takes beside.
pub(crate) static STORE_NDJSON: &[Key] = &[
    key(
        "path",
        Text,
        "A folder, or one file if it ends in .ndjson or .jsonl, maybe with .gz, .zst, .bz2, .xz or .lz4.",
    ),
    PARTITION_BY,
    key(
        "compression",
        Word(CSV_COMPRESSIONS),
        "How files are compressed (default auto: by extension, none for a folder).",
    ),
    TEXT_LEVEL,
];

/// What a store of JSON files takes beside.
pub(crate) static STORE_JSON: &[Key] = &[
    key(
        "path",
        Text,
        "A folder, or one file if it ends in .json, maybe with .gz, .zst, .bz2, .xz or .lz4; each is one array.",
    ),
    PARTITION_BY,
    key(
        "compression",
        Word(CSV_COMPRESSIONS),
        "How files are compressed (default auto: by extension, none for a folder).",
    ),
    TEXT_LEVEL,
];

/// What a store in a database takes beside.
pub(crate) static STORE_SQL: &[Key] = &[
    key("connection", Connection, "A URL (sqlite:///shop.db is relative to the project), or a name of `connections:`."),
    key("path", Text, "The database file, instead of a connection."),
    key("table", Text, "The table that rows settle in; with entities, the entity's name if not given."),
];

/// What a home that is a program takes beside.
pub(crate) static HOME_EXEC: &[Key] = &[
    key(
        "command",
        Command,
        "The program and its arguments, without a shell; it writes one Arrow IPC stream to its standard output.",
    ),
    key("env", Variables, "Variables for the program, beside those of hygge's own environment."),
];

/// What a store that is a program takes beside.
pub(crate) static STORE_EXEC: &[Key] = &[
    key(
        "command",
        Command,
        "The program and its arguments, without a shell; it reads one Arrow IPC stream and answers with {\"rows\": N}.",
    ),
    key("env", Variables, "Variables for the program, beside those of hygge's own environment."),
    key(
        "replaces",
        Flag,
        "Whether the program puts each load in the place of the one before (default false: it adds rows).",
    ),
];

/// What a flow takes beside its options.
pub(crate) static FLOW: &[Key] = &[
    key("home", Part("home"), "Where rows live now: a name of `homes:`, a path, or a mapping."),
    key("store", Part("store"), "Where rows settle: a name of `stores:`, a path, or a mapping."),
    key("entities", Entities, "The tables or files of the flow: names, or mappings that say what differs."),
    key("depends_on", Texts, "Flows that must have settled, or have nothing to do, before this one begins."),
    key("formerly", Text, "The name that the flow had before it was renamed."),
    key("defaults", Group(DEFAULTS), "Options that hold for every entity that does not say otherwise."),
];

/// What the flow.yml of a flow's folder takes beside.
pub(crate) static FLOW_FILE: &[Key] = &[key("name", Text, "The flow's name; the folder's if not given.")];

/// What an entity takes beside the options of a flow.
pub(crate) static ENTITY: &[Key] = &[
    key("name", Text, "The entity's name: the table, or what fills {entity} in a path."),
    key("home", Part("home"), "What differs from the flow's home; with a `type:`, another home."),
    key("store", Part("store"), "What differs from the flow's store; with a `type:`, another store."),
];

/// The options of a flow or an entity that speak of its own rows.
pub(crate) static QUESTION: &[Key] = &[
    key(
        "columns",
        Columns,
        "Which columns, in which order; with `name: type`, the type of a column. Of many tables, `table.name: type` means one.",
    ),
    key("where", Text, "A condition on the rows, in the home's SQL."),
];

/// The options of a flow or an entity that defaults may give, too.
pub(crate) static DEFAULTS: &[Key] = &[
    key("incremental", Flag, "Read only what is new since the last run (default false)."),
    key("run_type", Word(&["full_drop", "incremental"]), "The same as `incremental`, as a word."),
    key(
        "mode",
        Word(&["append", "replace", "merge"]),
        "How rows settle (default replace; for incremental flows merge where there is a key, else append).",
    ),
    key("append", Word(&["every_run"]), "Append all rows on every run, remembering nothing."),
    key("watermark", Watermark(WATERMARK), "The column that grows with every new or changed row."),
    key("key", Texts, "The columns that identify a row."),
    key("batch_size", Count(1, MOST_ROWS), "The most rows of a batch (default 8192); memory bounds it, too."),
    key("readers", Count(1, 256), "The most parts read at once."),
    key(
        "verify",
        Word(&["counted", "contents"]),
        "Compare counts and hashes (counted, the default), or also read back what was written (contents).",
    ),
    key("missing", Word(&["error", "ignore"]), "What to do when settled rows are gone (default error)."),
    key("adopt", Flag, "Take over files or a table that hygge did not write (default false)."),
    key("retries", Count(0, 100), "How often what can pass is tried again."),
    key("timeout", Span, "The longest the flow may take."),
];

/// The mapping form of `watermark:`.
pub(crate) static WATERMARK: &[Key] = &[
    key("column", Text, "The column."),
    key("watermark_column", Text, "The same as `column`."),
    key("primary_key", Texts, "The same as the flow's `key`."),
    key("lookback", Text, "How far below the watermark to read again: 10 for numbers, 2h, 3d or 1w for times."),
    key("nulls", Word(&["error", "skip"]), "What to do about rows without a value in the column (default error)."),
    key("rewound", Word(&["error", "ignore"]), "What to do when the home ends below what was read (default error)."),
    key("future", Word(&["error", "allow"]), "What to do when the greatest value is a time to come (default error)."),
];

/// The keys of one kind of home or store.
pub(crate) struct PartKind {
    /// The words of `type:` that mean it.
    pub(crate) types: &'static [&'static str],
    /// For messages: `a csv home`.
    pub(crate) shown: &'static str,
    /// Those that others take, too; the last are its own.
    pub(crate) keys: &'static [&'static [Key]],
}

impl PartKind {
    /// The keys that only this kind takes.
    pub(crate) fn own(&self) -> &'static [Key] {
        self.keys.last().copied().unwrap_or_default()
    }
}

/// Every kind of home.
pub(crate) static HOMES: [PartKind; 9] = [
    PartKind { types: &["sql", "sqlite"], shown: "an SQL home", keys: &[HOME, HOME_SQL] },
    PartKind { types: &["parquet"], shown: "a parquet home", keys: &[HOME, HOME_FORMAT, HOME_PARQUET] },
    PartKind { types: &["csv"], shown: "a csv home", keys: &[HOME, HOME_FORMAT, HOME_CSV] },
    PartKind { types: &["arrow", "ipc", "feather"], shown: "an arrow home", keys: &[HOME, HOME_FORMAT, HOME_FILES] },
    PartKind { types: &["avro"], shown: "an avro home", keys: &[HOME, HOME_FORMAT, HOME_FILES] },
    PartKind { types: &["xlsx"], shown: "an xlsx home", keys: &[HOME, HOME_FORMAT, HOME_XLSX] },
    PartKind { types: &["exec"], shown: "an exec home", keys: &[HOME, HOME_EXEC] },
    PartKind { types: &["ndjson", "jsonl"], shown: "an ndjson home", keys: &[HOME, HOME_FORMAT, HOME_JSON] },
    PartKind { types: &["json"], shown: "a json home", keys: &[HOME, HOME_FORMAT, HOME_JSON] },
];

/// Every kind of store.
pub(crate) static STORES: [PartKind; 7] = [
    PartKind { types: &["sql", "sqlite"], shown: "an SQL store", keys: &[STORE, STORE_SQL] },
    PartKind { types: &["parquet"], shown: "a parquet store", keys: &[STORE, STORE_FORMAT, STORE_PARQUET] },
    PartKind { types: &["csv"], shown: "a csv store", keys: &[STORE, STORE_FORMAT, STORE_CSV] },
    PartKind {
        types: &["arrow", "ipc", "feather"],
        shown: "an arrow store",
        keys: &[STORE, STORE_FORMAT, STORE_ARROW],
    },
    PartKind { types: &["exec"], shown: "an exec store", keys: &[STORE, STORE_EXEC] },
    PartKind { types: &["ndjson", "jsonl"], shown: "an ndjson store", keys: &[STORE, STORE_FORMAT, STORE_NDJSON] },
    PartKind { types: &["json"], shown: "a json store", keys: &[STORE, STORE_FORMAT, STORE_JSON] },
];

/// Keys of other tools, with ours.
pub(crate) const SYNONYMS: [(&str, &str); 42] = [
    ("cmd", "command"),
    ("program", "command"),
    ("environment", "env"),
    ("primary_key", "key"),
    ("unique_key", "key"),
    ("key_column", "key"),
    ("keys", "key"),
    ("watermark_column", "watermark"),
    ("cursor", "watermark"),
    ("cursor_field", "watermark"),
    ("update_key", "watermark"),
    ("incremental_key", "watermark"),
    ("delimiter", "separator"),
    ("sep", "separator"),
    ("null_values", "nulls"),
    ("na_values", "nulls"),
    ("null", "nulls"),
    ("null_text", "nulls"),
    ("null", "null_text"),
    ("nulls", "null_text"),
    ("source", "home"),
    ("from", "home"),
    ("destination", "store"),
    ("target", "store"),
    ("to", "store"),
    ("filter", "where"),
    ("sql", "query"),
    ("url", "connection"),
    ("uri", "connection"),
    ("database", "connection"),
    ("file", "path"),
    ("folder", "path"),
    ("directory", "path"),
    ("base_path", "path"),
    ("level", "compression_level"),
    ("codec", "compression"),
    ("parallelism", "concurrency"),
    ("max_workers", "concurrency"),
    ("jobs", "concurrency"),
    ("depends", "depends_on"),
    ("after", "depends_on"),
    ("write_disposition", "mode"),
];

/// Keys of the older Python project that have no like here: what is so, where that is not plain, and what to do.
pub(crate) const MOVED: [(&str, &str, &str); 8] = [
    (
        "polish",
        "comes later; this version changes neither names nor values on their way",
        "take it out, and rename or compute columns where the rows are read from (a `query:` can)",
    ),
    (
        "journal",
        "is not needed: what has settled is kept with the rows, and the history of runs in .hygge",
        "take it out",
    ),
    ("full_drop", "", "write  run_type: full_drop  or  run_type: incremental"),
    ("if_exists", "", "take it out, and write  mode: append  or  mode: replace  in the flow"),
    ("queue_size", "", "take it out; what is in flight is bounded by  memory:  under `options:` of hygge.yml"),
    ("file_pattern", "", "take it out; the names of files carry the run and never repeat"),
    ("parallel_workers", "", "take it out; a store is written by as many as the home has  readers:"),
    ("pool_size", "", "take it out, and write  readers:  in the home"),
];

/// Whether a text is a word of the configuration itself: a key or one of the words that a key takes.
pub(crate) fn is_word(text: &str) -> bool {
    let kinds = HOMES.iter().chain(&STORES).flat_map(|part| part.keys.iter().copied());
    let tables = [ROOT, ROOT_OPTIONS, FLOW, FLOW_FILE, ENTITY, QUESTION, DEFAULTS, WATERMARK];
    kinds
        .chain(tables)
        .flatten()
        .any(|key| key.name == text || matches!(&key.shape, Word(words) | Kind(words) if words.contains(&text)))
        || super::units::TYPE_WORDS.contains(&text)
}
