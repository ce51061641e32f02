//! The store of files: a folder of files, or one file, in any format that can be written.

mod layout;
mod load;
mod partitioned;
mod place;
mod strangers;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_schema::SchemaRef;
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Event;
use hygge_core::fault::{self, FailPoint};
use hygge_core::home::BatchStream;
use hygge_core::place::PlaceId;
use hygge_core::receipt::{Mode, Options, Owner, Receipt};
use hygge_core::store::{Capabilities, ColumnPlan, LoadPlan, LoadSpec, Place, Store};
use hygge_core::{Error, Part, Result};

use self::layout::Layout;
use self::load::{Chain, Shown};
use self::place::FilePlace;
use self::strangers::{gone, named};
use crate::files::durable::{Disk, Ways};
use crate::files::format::FileFormat;
use crate::files::place::lock::PlaceLock;
use crate::files::place::{Held, LiveFile, LiveFiles, Shape, Sibling, receipts, sweep};
use crate::files::{paths, platform};

/// How long the old folder stays after its exchange: a reader that had opened it can still list it.
const GRACE: Duration = Duration::from_millis(500);

/// A store of files in one format.
pub struct FileStore {
    root: PathBuf,
    written: String,
    format: Arc<dyn FileFormat>,
    partition_by: Vec<String>,
    disk: Disk,
    grace: Duration,
    /// What file systems were found able to do, by place.
    ways: Arc<Mutex<HashMap<String, Ways>>>,
}

impl FileStore {
    /// Files at `written` (a folder, or one file where the path ends in the format's extension), from the project's root.
    /// The path may hold `{entity}`.
    #[must_use]
    pub fn new(root: &Path, written: &str, format: Arc<dyn FileFormat>) -> Self {
        Self {
            root: root.to_path_buf(),
            written: written.to_owned(),
            format,
            partition_by: Vec::new(),
            disk: Disk::default(),
            grace: GRACE,
            ways: Arc::default(),
        }
    }

    /// The same with rows in folders called `name=value` of these columns, the first outermost.
    #[must_use]
    pub fn partitioned_by(self, columns: Vec<String>) -> Self {
        Self { partition_by: columns, ..self }
    }

    /// The same on another disk, and with another time that an old folder stays; for tests.
    #[must_use]
    pub fn on_disk(self, disk: Disk, grace: Duration) -> Self {
        Self { disk, grace, ..self }
    }

    fn shape(&self) -> Shape {
        let end = format!(".{}", self.format.extension());
        let name = self.written.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        if name.len() > end.len() && name.ends_with(&end) { Shape::OneFile } else { Shape::Folder }
    }

    fn sibling(&self, place: &PlaceId) -> Result<Sibling> {
        Sibling::of(place, self.shape())
    }

    /// How each column arrives.
    fn columns(&self, schema: &SchemaRef) -> Result<Vec<ColumnPlan>> {
        let layout = Layout::new(schema, &self.partition_by)?;
        let mut own = self.format.plan(&layout.file_schema)?.into_iter();
        let mut out = Vec::with_capacity(schema.fields().len());
        for (at, field) in schema.fields().iter().enumerate() {
            if layout.keys.contains(&at) {
                let (name, arrow) = (field.name().clone(), field.data_type().to_string());
                out.push(ColumnPlan { name, arrow, store: "name of a folder".to_owned(), exact_text: false });
            } else {
                out.extend(own.next());
            }
        }
        Ok(out)
    }

    fn likely_ways(&self, sibling: &Sibling) -> Ways {
        let known = self.ways.lock().unwrap_or_else(PoisonError::into_inner).get(&sibling.place.key()).copied();
        known.unwrap_or_else(|| {
            let mut there = sibling.live.as_path();
            while let (false, Some(parent)) = (there.exists(), there.parent()) {
                there = parent;
            }
            let likely = platform::likely_exchanges(there);
            Ways { exchange: likely, link: likely }
        })
    }
}

impl Store for FileStore {
    fn kind(&self) -> &'static str {
        self.format.name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            parallel_writers: true,
            loads_at_once: usize::MAX,
            staging: true,
            receipts: true,
            merge: false,
            append: self.shape() == Shape::Folder,
            scan_must_end_first: false,
        }
    }

    fn place(&self, entity: Option<&str>) -> Result<PlaceId> {
        if self.shape() == Shape::OneFile && entity.is_some() && !self.written.contains("{entity}") {
            return Err(Error::refused("several entities cannot settle in one file")
                .at(&self.written)
                .next("give the path of a folder, or put {entity} in the file's name"));
        }
        let filled = paths::fill_entity(&self.written, entity)?;
        paths::place_id(&paths::resolve(&self.root, &filled), &filled)
    }

    fn writing(&self) -> Options {
        let mut options = self.format.writing();
        if !self.partition_by.is_empty() {
            options.insert("partition_by".to_owned(), self.partition_by.join(", "));
        }
        options
    }

    fn agreeing(&self) -> &'static [&'static str] {
        self.format.agreeing()
    }

    fn check(&self, _ctx: &Context, place: &PlaceId) -> Result<Vec<String>> {
        let sibling = self.sibling(place)?;
        sibling.check()?;
        let line = match receipts::newest(&sibling, self.format.as_ref())? {
            None => format!("{place}: nothing has settled yet"),
            Some(last) => {
                let files = LiveFiles::of(&last, &place.shown)?.files;
                let files =
                    if let [_] = files.as_slice() { "1 file".to_owned() } else { format!("{} files", files.len()) };
                format!("{place}: {files}, load {} of {}", last.seq, last.committed_at)
            }
        };
        Ok(vec![line])
    }

    fn peek(&self, _ctx: &Context, place: &PlaceId) -> Result<Option<Receipt>> {
        receipts::newest(&self.sibling(place)?, self.format.as_ref())
    }

    fn plan(&self, _ctx: &Context, spec: &LoadSpec, last: Option<&Receipt>) -> Result<LoadPlan> {
        let sibling = self.sibling(&spec.place)?;
        sibling.check()?;
        match (&spec.mode, sibling.shape) {
            (Mode::Merge { .. }, _) => {
                return Err(Error::refused(format!("rows of {} files cannot be updated by key", self.format.name()))
                    .at(&spec.place.shown)
                    .next_set(Part::Flow, "mode: append   # or replace"));
            }
            (_, Shape::OneFile) if !self.partition_by.is_empty() => {
                return Err(Error::refused("rows in one file cannot lie in folders")
                    .at(&spec.place.shown)
                    .next("give the path of a folder, or take `partition_by` out"));
            }
            (Mode::Append, Shape::OneFile) => {
                return Err(Error::refused("rows cannot be appended to one file")
                    .at(&spec.place.shown)
                    .next("give the path of a folder, or use mode: replace"));
            }
            _ => {}
        }
        let mut foreign = self.foreign(&sibling, last)?;
        if !foreign.is_empty() && self.has_moved_on(&sibling, last)? {
            // Another run settled between the reading of the receipt and the listing: these are its files. Under the
            // lock the plan is made again.
            foreign.clear();
        }
        self.check_foreign(&sibling, spec, last, &foreign)?;
        let mut warnings = Vec::new();
        let adopts = !foreign.is_empty();
        if !foreign.is_empty() {
            let replaces = spec.mode == Mode::Replace;
            warnings.push(match foreign.len() {
                1 => {
                    let fate = if replaces { "goes" } else { "stays" };
                    format!("a file that no load put there is taken over, and {fate}: {}", foreign[0])
                }
                n => {
                    let fate = if replaces { "go" } else { "stay" };
                    format!("{n} files that no load put there are taken over, and {fate}: {}", named(&foreign))
                }
            });
        }
        let ways = self.likely_ways(&sibling);
        let exchanged = ways.exchange && (ways.link || spec.mode == Mode::Replace);
        let (publish, guarantee) = match sibling.shape {
            Shape::OneFile => (
                "a new file takes the old one's name in one step",
                "nothing lost, nothing twice; readers see the old file or the new one",
            ),
            Shape::Folder if !self.partition_by.is_empty() && (exchanged || !sibling.live.exists()) => (
                "a new folder with all partitions takes the old one's name in one step",
                "nothing lost, nothing twice; no file is seen before its load, but readers list folder by folder: one that lists in that moment can see some partitions as they were and others as they are, or a file that is gone",
            ),
            Shape::Folder if exchanged || !sibling.live.exists() => (
                "a new folder takes the old one's name in one step",
                "nothing lost, nothing twice; readers see whole loads only, or (on a replace) a file that is gone",
            ),
            Shape::Folder => (
                "the folder is moved aside, changed and moved back: this file system cannot exchange folders",
                "nothing lost, nothing twice; the folder is absent for a moment, or after a kill until the next run; readers that skip names which vanish can see a part then",
            ),
        };
        Ok(LoadPlan {
            publish: publish.to_owned(),
            guarantee: guarantee.to_owned(),
            ddl: Vec::new(),
            columns: self.columns(&spec.schema)?,
            warnings,
            adopts,
        })
    }

    fn lock(&self, ctx: &Context, place: &PlaceId, owner: &Owner) -> Result<Box<dyn Place>> {
        let sibling = self.sibling(place)?;
        sibling.check()?;
        let lock = PlaceLock::take(&sibling, &self.disk, ctx, owner)?;
        let held = Held {
            sibling,
            lock,
            disk: self.disk.clone(),
            format: Arc::clone(&self.format),
            run: Arc::clone(&ctx.run),
        };
        fault::pass(FailPoint::Locked)?;
        for text in sweep::sweep(&held, self.grace)? {
            ctx.tell(&Event::Note { owner: owner.clone(), text });
        }
        let last = receipts::newest(&held.sibling, held.format.as_ref())?;
        let gone = gone(&held.sibling, last.as_ref())?;
        Ok(Box::new(FilePlace {
            held,
            last,
            gone,
            partition_by: self.partition_by.clone(),
            grace: self.grace,
            ways: Arc::clone(&self.ways),
        }))
    }

    fn read_back(&self, ctx: &SplitContext, place: &PlaceId, receipt: &Receipt) -> Result<Box<dyn BatchStream>> {
        let sibling = self.sibling(place)?;
        self.check_names(&sibling, receipt)?;
        let files = live_files(&sibling, receipt)?.into();
        let chain = Chain::new(Arc::clone(&self.format), Arc::clone(&receipt.schema), files, ctx);
        let (format, read) = (Arc::clone(&self.format), (receipt.seq, receipt.run.clone()));
        Ok(Box::new(chain.while_it_stands(Box::new(move || {
            let now = receipts::newest(&sibling, format.as_ref())?;
            Ok(now.map(|now| (now.seq, now.run)).as_ref() == Some(&read))
        }))))
    }
}

/// What is to be read of a place, by the names that people know it by.
fn live_files(sibling: &Sibling, receipt: &Receipt) -> Result<Vec<Shown>> {
    let shown = &sibling.place.shown;
    let one = |file: LiveFile| match sibling.shape {
        Shape::Folder => {
            let (path, told) = (sibling.live.join(&file.name), format!("{shown}/{}", file.name));
            Shown::of(path, file.name, told)
        }
        Shape::OneFile => Shown::of(sibling.live.clone(), String::new(), shown.clone()),
    };
    Ok(LiveFiles::of(receipt, shown)?.files.into_iter().map(one).collect())
}

#[cfg(test)]
pub(crate) mod tests;
