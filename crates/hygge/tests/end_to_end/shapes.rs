//! The flows that the crash tests kill: every store in every mode.

use hygge_core::fault::FailPoint as P;

use crate::project::Shape;

/// Points that every run of every flow passes.
const ALWAYS: &[P] = &[
    P::Locked,
    P::Opened,
    P::LoadOpened,
    P::BatchWritten,
    P::BeforeFinish,
    P::SplitStaged,
    P::ScanFinished,
    P::BeforeCommit,
    P::BeforeJournal,
];

const FOLDER: &[P] = &[
    P::SweepRenamed,
    P::SweepSettled,
    P::ExchangeProbed,
    P::FreshBuilt,
    P::PendingWritten,
    P::Exchanged,
    P::ExchangeSynced,
    P::ReceiptNamed,
    P::Cleanup,
];

/// Where folders cannot be exchanged.
const MOVED: &[P] =
    &[P::SweepRenamed, P::SweepSettled, P::FreshBuilt, P::PendingWritten, P::FallbackHalf, P::ReceiptNamed, P::Cleanup];

const ONE_FILE: &[P] =
    &[P::SweepRenamed, P::SweepSettled, P::FreshBuilt, P::SidecarWritten, P::FileRenamed, P::ReceiptNamed, P::Cleanup];

/// From these on the load is visible: what fails here is found out by asking the place, and is no failure of the run.
pub(crate) const VISIBLE: &[P] =
    &[P::Exchanged, P::ExchangeSynced, P::ReceiptNamed, P::FileRenamed, P::DatabaseCommitted];

const DATABASE: &[P] = &[P::BeforeDatabaseCommit, P::DatabaseCommitted];

/// A flow to kill, and the points on its way.
pub(crate) struct Victim {
    pub(crate) shape: Shape,
    pub(crate) points: &'static [&'static [P]],
}

const fn victim_of(
    name: &'static str,
    flow: &'static str,
    place: (&'static str, &'static str),
    points: &'static [&'static [P]],
) -> Victim {
    Victim {
        shape: Shape { name, flow, place, incremental: false, csv: false, no_exchange: false, table: "users" },
        points,
    }
}

impl Victim {
    /// Of which a run carries new rows only.
    const fn incremental(mut self) -> Self {
        self.shape.incremental = true;
        self
    }

    /// From CSV or NDJSON files.
    const fn csv(mut self) -> Self {
        self.shape.csv = true;
        self
    }

    /// Where folders cannot be exchanged.
    const fn no_exchange(mut self) -> Self {
        self.shape.no_exchange = true;
        self
    }

    /// From the view that has a column to part rows by.
    const fn parted(mut self) -> Self {
        self.shape.table = "parted";
        self
    }

    pub(crate) fn passes(&self, point: P) -> bool {
        self.points.iter().any(|points| points.contains(&point))
    }
}

const SQLITE_HOME: &str = "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users, batch_size: 40}\n";

macro_rules! flow {
    ($($line:literal)*) => {
        concat!(
            "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users, batch_size: 40}\n",
            $($line, "\n",)*
        )
    };
}

macro_rules! flow_of_parts {
    ($($line:literal)*) => {
        concat!(
            "    home: {type: sqlite, connection: 'sqlite:///source.db', table: parted, batch_size: 40}\n",
            $($line, "\n",)*
        )
    };
}

macro_rules! flow_of_ndjson {
    ($($line:literal)*) => {
        concat!("    home: {type: ndjson, path: lines, batch_size: 40}\n", $($line, "\n",)*)
    };
}

macro_rules! flow_of_csv {
    ($($line:literal)*) => {
        concat!("    home: {type: csv, path: in, batch_size: 40}\n", $($line, "\n",)*)
    };
}

/// Every store in every mode.
pub(crate) const VICTIMS: &[Victim] = &[
    victim_of(
        "parquet_replace",
        flow!("    store: {type: parquet, path: data/users}"),
        ("parquet", "data/users"),
        &[ALWAYS, FOLDER],
    ),
    victim_of(
        "parquet_append",
        flow!(
            "    store: {type: parquet, path: data/users}"
            "    options: {incremental: true, verify: contents}"
        ),
        ("parquet", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .incremental(),
    victim_of(
        "parquet_replace_by_moves",
        flow!("    store: {type: parquet, path: data/users}"),
        ("parquet", "data/users"),
        &[ALWAYS, MOVED],
    )
    .no_exchange(),
    victim_of(
        "parquet_append_by_moves",
        flow!("    store: {type: parquet, path: data/users}" "    options: {incremental: true}"),
        ("parquet", "data/users"),
        &[ALWAYS, MOVED],
    )
    .incremental()
    .no_exchange(),
    victim_of(
        "parquet_file",
        flow!("    store: {type: parquet, path: data/users.parquet}"),
        ("parquet", "data/users.parquet"),
        &[ALWAYS, ONE_FILE],
    ),
    victim_of(
        "partitions_replace",
        flow_of_parts!("    store: {type: parquet, path: data/users, partition_by: part}" "    options: {verify: contents}"),
        ("hive", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .parted(),
    victim_of(
        "partitions_append",
        flow_of_parts!(
            "    store: {type: parquet, path: data/users, partition_by: [part]}"
            "    options: {incremental: true, watermark: id, verify: contents}"
        ),
        ("polars_hive", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .incremental()
    .parted(),
    victim_of(
        "partitions_append_by_moves",
        flow_of_parts!(
            "    store: {type: parquet, path: data/users, partition_by: part}"
            "    options: {incremental: true, watermark: id}"
        ),
        ("duckdb_hive", "data/users"),
        &[ALWAYS, MOVED],
    )
    .incremental()
    .no_exchange()
    .parted(),
    victim_of(
        "csv_partitions_append",
        flow_of_parts!(
            "    store: {type: csv, path: data/users, partition_by: part}"
            "    options: {incremental: true, watermark: id}"
        ),
        ("csv_hive", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .incremental()
    .parted(),
    victim_of(
        "csv_replace",
        flow!("    store: {type: csv, path: data/users}"),
        ("csv", "data/users"),
        &[ALWAYS, FOLDER],
    ),
    victim_of(
        "csv_append",
        flow!("    store: {type: csv, path: data/users}" "    options: {incremental: true}"),
        ("csv", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .incremental(),
    victim_of(
        "csv_file",
        flow!("    store: {type: csv, path: data/users.csv}"),
        ("csv", "data/users.csv"),
        &[ALWAYS, ONE_FILE],
    ),
    victim_of(
        "ndjson_append",
        flow!(
            "    store: {type: ndjson, path: data/users, compression: gzip}"
            "    options: {incremental: true, verify: contents}"
        ),
        ("json", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .incremental(),
    victim_of(
        "json_file",
        flow!("    store: {type: json, path: data/users.json}"),
        ("json", "data/users.json"),
        &[ALWAYS, ONE_FILE],
    ),
    victim_of(
        "arrow_replace",
        flow!("    store: {type: arrow, path: data/users}"),
        ("arrow", "data/users"),
        &[ALWAYS, FOLDER],
    ),
    victim_of(
        "arrow_append",
        flow!(
            "    store: {type: arrow, path: data/users, compression: zstd}"
            "    options: {incremental: true, verify: contents}"
        ),
        ("arrow", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .incremental(),
    victim_of(
        "arrow_file",
        flow!("    store: {type: arrow, path: data/users.arrow}"),
        ("arrow", "data/users.arrow"),
        &[ALWAYS, ONE_FILE],
    ),
    victim_of(
        "sqlite_replace",
        flow!("    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}"),
        ("sqlite", "target.db#users"),
        &[ALWAYS, DATABASE],
    ),
    victim_of(
        "sqlite_append",
        flow!(
            "    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}"
            "    options: {incremental: true}"
        ),
        ("sqlite", "target.db#users"),
        &[ALWAYS, DATABASE],
    )
    .incremental(),
    victim_of(
        "sqlite_merge",
        flow!(
            "    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}"
            "    options: {mode: merge, key: id}"
        ),
        ("sqlite", "target.db#users"),
        &[ALWAYS, DATABASE],
    ),
    victim_of(
        "csv_to_sqlite",
        flow_of_csv!(
            "    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}"
            "    options: {mode: append}"
        ),
        ("sqlite", "target.db#users"),
        &[ALWAYS, DATABASE],
    )
    .incremental()
    .csv(),
    victim_of(
        "csv_to_parquet",
        flow_of_csv!("    store: {type: parquet, path: data/users}" "    options: {mode: append}"),
        ("parquet", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .incremental()
    .csv(),
    victim_of(
        "ndjson_to_parquet",
        flow_of_ndjson!("    store: {type: parquet, path: data/users}" "    options: {mode: append}"),
        ("parquet", "data/users"),
        &[ALWAYS, FOLDER],
    )
    .incremental()
    .csv(),
];

/// The flow of a name.
pub(crate) fn victim(name: &str) -> &'static Victim {
    VICTIMS.iter().find(|victim| victim.shape.name == name).expect("a victim of that name")
}

#[test]
fn no_fail_point_is_missed() {
    for point in P::ALL {
        assert!(VICTIMS.iter().any(|victim| victim.passes(*point)), "nothing is killed at {}", point.name());
    }
    assert!(VICTIMS.iter().all(|v| v.shape.csv || v.shape.table != "users" || v.shape.flow.starts_with(SQLITE_HOME)));
}
