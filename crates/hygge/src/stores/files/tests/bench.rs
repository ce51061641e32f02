//! Loads from lock to cleanup in few words.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hygge_core::conformance::{Row, batch, context, schema, split_context};
use hygge_core::context::Context;
use hygge_core::place::PlaceId;
use hygge_core::receipt::{Mode, Owner, Question, RECEIPT_FORMAT, Receipt};
use hygge_core::split::Split;
use hygge_core::store::{Attempt, Commit, Coverage, Load, LoadSpec, Settled, Store};
use hygge_core::tally::Tallier;
use hygge_core::{Error, Result};

use super::rows_in;
use crate::files::csv::format::{CsvFormat, CsvFormatConfig};
use crate::files::durable::Disk;
use crate::files::format::FileFormat;
use crate::files::parquet::ParquetFormat;
use crate::stores::files::FileStore;

/// A folder in memory where there is one: syncing it costs nothing.
pub(super) fn quick_folder() -> tempfile::TempDir {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.expect("a folder")
}

/// A place that loads settle in.
pub(super) struct Bench {
    pub(super) root: PathBuf,
    pub(super) path: &'static str,
    pub(super) disk: Disk,
    pub(super) adopt: bool,
    pub(super) grace: Duration,
}

/// A load that is open.
pub(super) struct Open {
    pub(super) ctx: Context,
    pub(super) load: Box<dyn Load>,
    receipt: Receipt,
    staged: Vec<hygge_core::split::Staged>,
}

impl Bench {
    pub(super) fn new(root: &Path, path: &'static str, disk: Disk) -> Self {
        Self { root: root.to_path_buf(), path, disk, adopt: false, grace: Duration::ZERO }
    }

    pub(super) fn store(&self) -> FileStore {
        let format: Arc<dyn FileFormat> = if self.path.ends_with("csv") {
            Arc::new(CsvFormat::new(&CsvFormatConfig::default()).expect("a format"))
        } else {
            Arc::new(ParquetFormat::default())
        };
        let parted = if self.path.ends_with("hive") { vec!["id".to_owned()] } else { Vec::new() };
        FileStore::new(&self.root, self.path, format).partitioned_by(parted).on_disk(self.disk.clone(), self.grace)
    }

    pub(super) fn live(&self) -> PathBuf {
        self.root.join(self.path)
    }

    pub(super) fn hidden(&self) -> PathBuf {
        let live = self.live();
        let name = live.file_name().expect("a name").to_str().expect("text");
        live.with_file_name(format!(".{name}.hygge"))
    }

    pub(super) fn place(&self) -> PlaceId {
        self.store().place(None).expect("a place")
    }

    pub(super) fn owner() -> Owner {
        Owner { project: "tests".into(), flow: "flow".into(), entity: None }
    }

    /// Locks, plans, opens.
    pub(super) fn open(&self, mode: Mode) -> Result<Open> {
        let store = self.store();
        let ctx = context(self.root.clone());
        let place = store.place(None)?;
        let held = store.lock(&ctx, &place, &Self::owner())?;
        let last = held.last_receipt().cloned();
        let spec = LoadSpec {
            place,
            owner: Self::owner(),
            schema: schema(),
            mode: mode.clone(),
            key: Vec::new(),
            coverage: Coverage::Full,
            adopt: self.adopt,
            last_wins: false,
        };
        let plan = store.plan(&ctx, &spec, last.as_ref())?;
        let load = held.open(&ctx, &spec, &plan)?;
        let receipt = Receipt {
            format: RECEIPT_FORMAT,
            seq: last.map_or(0, |l| l.seq) + 1,
            run: ctx.run.to_string(),
            committed_at: "2013-01-01T00:00:00Z".into(),
            owner: Self::owner(),
            question: Question {
                home: "tests".into(),
                source: "all".into(),
                columns: None,
                filter: None,
                cursor: None,
                key: Vec::new(),
                reading: None,
            },
            schema: schema(),
            mode,
            watermark: None,
            home_state: None,
            load: Tallier::new(&schema()).tally(),
            total: None,
            replaced: None,
            adopted: None,
            proved: false,
            live: serde_json::Value::Null,
            writing: None,
        };
        Ok(Open { ctx, load, receipt, staged: Vec::new() })
    }

    /// One load of splits, tidied up.
    pub(super) fn settle(&self, mode: Mode, splits: &[Vec<Row>]) -> Result<Receipt> {
        let mut open = self.open(mode)?;
        for (ordinal, rows) in splits.iter().enumerate() {
            open.write(u32::try_from(ordinal).expect("few"), rows)?;
        }
        let Settled { receipt, cleanup } = open.commit()?;
        if let Some(cleanup) = cleanup {
            std::thread::sleep(cleanup.not_before.saturating_duration_since(Instant::now()));
            (cleanup.run)();
        }
        Ok(receipt)
    }

    /// What a reader sees: all rows of all files, sorted; none where there is nothing. Fails on a file that is half.
    pub(super) fn visible(&self) -> Option<Vec<Row>> {
        let live = self.live();
        let mut rows = if live.is_file() {
            rows_in(&live)
        } else {
            let entries = std::fs::read_dir(live).ok()?;
            entries
                .map(|e| e.expect("an entry").path())
                .filter(|p| !p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.')))
                .flat_map(|path| rows_in(&path))
                .collect()
        };
        rows.sort();
        Some(rows)
    }
}

impl Open {
    pub(super) fn write(&mut self, ordinal: u32, rows: &[Row]) -> Result<()> {
        self.write_batches(ordinal, &[rows])
    }

    pub(super) fn write_batches(&mut self, ordinal: u32, batches: &[&[Row]]) -> Result<()> {
        let split = Split {
            ordinal,
            label: format!("split {ordinal}"),
            payload: serde_json::Value::Null,
            rows: None,
            bytes: None,
            window: false,
        };
        let Attempt::Write(mut writer) = self.load.writer(&split, &split_context(&self.ctx, 100))? else {
            return Err(Error::bug("staged already"));
        };
        for rows in batches {
            writer.write(&batch(rows))?;
        }
        self.staged.push(writer.finish()?);
        Ok(())
    }

    pub(super) fn commit(self) -> Result<Settled> {
        self.load.commit(&self.ctx, Commit { receipt: self.receipt, staged: self.staged })
    }
}
