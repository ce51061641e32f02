//! When things go wrong: a clear error with place and advice, or a clean retry; the documented exit code; what had
//! settled before untouched; and the next run right.

mod clock;
mod coordinator;
mod disk;
mod homes;
mod meanwhile;
mod memory;
mod one_runner;
mod places;
mod project;
mod rights;
mod secrets;
mod signals;

use crate::judge::Judge;
use crate::project::{Project, Shape};
use crate::run::Ran;

/// Everything anew into a folder of Parquet files.
const REPLACE: Shape = Shape {
    name: "replace",
    flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users, batch_size: 40}
    store: {type: parquet, path: data/users}
",
    place: ("parquet", "data/users"),
    incremental: false,
    csv: false,
    no_exchange: false,
    table: "users",
};

/// What is new into a folder of Parquet files.
const APPEND: Shape = Shape {
    name: "append",
    flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users, batch_size: 40}
    store: {type: parquet, path: data/users}
    options: {incremental: true}
",
    place: ("parquet", "data/users"),
    incremental: true,
    csv: false,
    no_exchange: false,
    table: "users",
};

/// Everything anew into one Parquet file.
const ONE_FILE: Shape = Shape {
    name: "one_file",
    flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users, batch_size: 40}
    store: {type: parquet, path: data/users.parquet}
",
    place: ("parquet", "data/users.parquet"),
    incremental: false,
    csv: false,
    no_exchange: false,
    table: "users",
};

/// Everything anew into a table of SQLite.
const TO_SQLITE: Shape = Shape {
    name: "to_sqlite",
    flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users, batch_size: 40}
    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}
",
    place: ("sqlite", "target.db#users"),
    incremental: false,
    csv: false,
    no_exchange: false,
    table: "users",
};

/// What is new into a table of SQLite.
const TO_SQLITE_APPEND: Shape = Shape {
    name: "to_sqlite_append",
    flow: "    home: {type: sqlite, connection: 'sqlite:///source.db', table: users, batch_size: 40}
    store: {type: sqlite, connection: 'sqlite:///target.db', table: users}
    options: {incremental: true}
",
    place: ("sqlite", "target.db#users"),
    incremental: true,
    csv: false,
    no_exchange: false,
    table: "users",
};

/// CSV into a folder of Parquet files, everything anew.
const CSV: Shape = Shape {
    name: "csv",
    flow: "    home: {type: csv, path: in}
    store: {type: parquet, path: data/users}
",
    place: ("parquet", "data/users"),
    incremental: false,
    csv: true,
    no_exchange: false,
    table: "users",
};

/// A project in which something has settled before trouble comes.
struct Story {
    project: Project,
    /// The project as it was then; its home is what the place must go on showing.
    before: Project,
    judge: Judge,
}

impl Story {
    /// 130 rows have settled, and the home has changed since.
    fn of(shape: &Shape) -> Self {
        Self::with_rows(shape, 130)
    }

    fn with_rows(shape: &Shape, rows: u32) -> Self {
        let project = Project::new(shape);
        project.grow(rows, false);
        project.go_well();
        let before = project.copy();
        project.grow(70, !shape.incremental && !shape.csv);
        assert_ne!(project.state(), before.state(), "the home has changed");
        Self { project, before, judge: Judge::new() }
    }

    /// Runs all flows.
    fn go(&self) -> Ran {
        Ran::of(&mut self.project.hygge(&["go"]))
    }

    /// The place shows exactly what had settled before.
    #[track_caller]
    fn is_intact(&mut self) {
        self.judge.same(&self.before.home(), self.project.place());
    }

    /// The next run succeeds, and then the place shows exactly what the home holds.
    #[track_caller]
    fn next_run_is_right(&mut self) {
        let _ = self.go().exits(0);
        self.shows_the_home();
    }

    /// The place shows exactly what the home holds, and nothing is left lying about.
    #[track_caller]
    fn shows_the_home(&mut self) {
        self.judge.same(&self.project.home(), self.project.place());
        assert_eq!(self.project.leftovers(), [""; 0]);
    }
}
