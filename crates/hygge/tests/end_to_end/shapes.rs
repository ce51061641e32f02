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

impl Victim {
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

macro_rules! flow_of_csv {
    ($($line:literal)*) => {
        concat!("    home: {type: csv, path: in, batch_size: 40}\n", $($line, "\n",)*)
    };
}

/// Every store in every mode.
pub(crate) const VICTIMS: &[Victim] = &[
    Victim {
        shape: Shape {
            name: "parquet_replace",
            flow: flow!("    store: {type: parquet, path: data/users}"),
            place: ("parquet", "data/users"),
            incremental: false,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, FOLDER],
    },
    Victim {
        shape: Shape {
            name: "parquet_append",
            flow: flow!("    store: {type: parquet, path: data/users}" "    options: {incremental: true, verify: contents}"),
            place: ("parquet", "data/users"),
            incremental: true,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, FOLDER],
    },
    Victim {
        shape: Shape {
            name: "parquet_replace_by_moves",
            flow: flow!("    store: {type: parquet, path: data/users}"),
            place: ("parquet", "data/users"),
            incremental: false,
            csv: false,
            no_exchange: true,
        },
        points: &[ALWAYS, MOVED],
    },
    Victim {
        shape: Shape {
            name: "parquet_append_by_moves",
            flow: flow!("    store: {type: parquet, path: data/users}" "    options: {incremental: true}"),
            place: ("parquet", "data/users"),
            incremental: true,
            csv: false,
            no_exchange: true,
        },
        points: &[ALWAYS, MOVED],
    },
    Victim {
        shape: Shape {
            name: "parquet_file",
            flow: flow!("    store: {type: parquet, path: data/users.parquet}"),
            place: ("parquet", "data/users.parquet"),
            incremental: false,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, ONE_FILE],
    },
    Victim {
        shape: Shape {
            name: "csv_replace",
            flow: flow!("    store: {type: csv, path: data/users}"),
            place: ("csv", "data/users"),
            incremental: false,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, FOLDER],
    },
    Victim {
        shape: Shape {
            name: "csv_append",
            flow: flow!("    store: {type: csv, path: data/users}" "    options: {incremental: true}"),
            place: ("csv", "data/users"),
            incremental: true,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, FOLDER],
    },
    Victim {
        shape: Shape {
            name: "csv_file",
            flow: flow!("    store: {type: csv, path: data/users.csv}"),
            place: ("csv", "data/users.csv"),
            incremental: false,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, ONE_FILE],
    },
    Victim {
        shape: Shape {
            name: "sqlite_replace",
            flow: flow!("    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}"),
            place: ("sqlite", "target.db#users"),
            incremental: false,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, DATABASE],
    },
    Victim {
        shape: Shape {
            name: "sqlite_append",
            flow: flow!(
                "    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}"
                "    options: {incremental: true}"
            ),
            place: ("sqlite", "target.db#users"),
            incremental: true,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, DATABASE],
    },
    Victim {
        shape: Shape {
            name: "sqlite_merge",
            flow: flow!(
                "    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}"
                "    options: {mode: merge, key: id}"
            ),
            place: ("sqlite", "target.db#users"),
            incremental: false,
            csv: false,
            no_exchange: false,
        },
        points: &[ALWAYS, DATABASE],
    },
    Victim {
        shape: Shape {
            name: "csv_to_sqlite",
            flow: flow_of_csv!(
                "    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}"
                "    options: {mode: append}"
            ),
            place: ("sqlite", "target.db#users"),
            incremental: true,
            csv: true,
            no_exchange: false,
        },
        points: &[ALWAYS, DATABASE],
    },
    Victim {
        shape: Shape {
            name: "csv_to_parquet",
            flow: flow_of_csv!("    store: {type: parquet, path: data/users}" "    options: {mode: append}"),
            place: ("parquet", "data/users"),
            incremental: true,
            csv: true,
            no_exchange: false,
        },
        points: &[ALWAYS, FOLDER],
    },
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
    assert!(VICTIMS.iter().all(|v| v.shape.csv || v.shape.flow.starts_with(SQLITE_HOME)));
}
