//! The store of files: a folder of files, or one file, in any format that can be written.

mod load;
mod place;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Event;
use hygge_core::fault::{self, FailPoint};
use hygge_core::home::BatchStream;
use hygge_core::place::PlaceId;
use hygge_core::receipt::{Mode, Options, Owner, Receipt};
use hygge_core::store::{Capabilities, LoadPlan, LoadSpec, Place, Store};
use hygge_core::{Error, Part, Result};

use self::load::{Chain, Shown};
use self::place::{FilePlace, check_fits};
use crate::files::durable::{Disk, Ways};
use crate::files::format::FileFormat;
use crate::files::place::lock::PlaceLock;
use crate::files::place::receipts::State;
use crate::files::place::{Held, LiveFile, LiveFiles, Shape, Sibling, names_in, one_file, receipts, sweep};
use crate::files::{paths, platform};

/// How long the old folder stays after its exchange: a reader that had opened it can still list it.
const GRACE: Duration = Duration::from_millis(500);

/// A store of files in one format.
pub struct FileStore {
    root: PathBuf,
    written: String,
    format: Arc<dyn FileFormat>,
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
            disk: Disk::default(),
            grace: GRACE,
            ways: Arc::default(),
        }
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

    /// Names in the live folder, or the live file, that the last receipt does not speak of.
    fn foreign(&self, sibling: &Sibling, last: Option<&Receipt>) -> Result<Vec<String>> {
        if sibling.shape == Shape::OneFile {
            let ours = match last {
                _ if !sibling.live.exists() => true,
                None => false,
                Some(last) => {
                    let live = LiveFiles::of(last, &sibling.place.shown)?;
                    one_file::shows(sibling, self.format.as_ref(), last, &live)?
                }
            };
            return Ok(if ours { Vec::new() } else { sibling.place.path.last().cloned().into_iter().collect() });
        }
        let known: HashSet<String> = match last {
            Some(last) => LiveFiles::of(last, &sibling.place.shown)?.files.into_iter().map(|f| f.name).collect(),
            None => HashSet::new(),
        };
        let mut names = names_in(&sibling.live)?;
        names.retain(|name| !name.starts_with('.') && !known.contains(name));
        // The load of a run that died may count as settled though it is still to be carried out: then the files of the one
        // before are there yet.
        if !names.is_empty() && receipts::entries(sibling)?.iter().any(|entry| entry.state != State::Settled) {
            let held = receipts::held_names(sibling)?;
            names.retain(|name| !held.contains(name));
        }
        Ok(names)
    }

    /// Whether another load has settled since `last` was read.
    fn has_moved_on(&self, sibling: &Sibling, last: Option<&Receipt>) -> Result<bool> {
        let now = receipts::newest(sibling, self.format.as_ref())?;
        Ok(now.as_ref().map(|r| (r.seq, &r.run)) != last.map(|r| (r.seq, &r.run)))
    }

    /// Refuses a place that is not what its receipt says as far as names tell: files went away, or came by another hand.
    fn check_names(&self, sibling: &Sibling, receipt: &Receipt) -> Result<()> {
        let shown = &sibling.place.shown;
        let mut gone: Vec<String> = match sibling.shape {
            Shape::Folder => gone(sibling, Some(receipt))?.into_iter().collect(),
            Shape::OneFile if !sibling.live.exists() => sibling.place.path.last().cloned().into_iter().collect(),
            Shape::OneFile => Vec::new(),
        };
        gone.sort();
        // One file that another wrote is read, and its rows tell.
        let foreign = if sibling.shape == Shape::Folder { self.foreign(sibling, Some(receipt))? } else { Vec::new() };
        if gone.is_empty() && foreign.is_empty() {
            return Ok(());
        }
        if self.has_moved_on(sibling, Some(receipt))? {
            return Err(Error::moved_on("another load settled at this moment").at(shown).next("run it again"));
        }
        if !gone.is_empty() && receipts::entries(sibling)?.iter().any(|entry| entry.state != State::Settled) {
            return Err(Error::moved_on("a load is still to be carried out, by a run that works or by the next one")
                .at(shown)
                .next("run the flow, and then this again"));
        }
        if !gone.is_empty() {
            return Err(Error::refused(format!("files that settled are gone: {}", named(&gone)))
                .at(shown)
                .next_anew("to settle everything anew"));
        }
        let found = format!("no load of hygge put {} there, and readers take them for rows of it", named(&foreign));
        let what = if foreign.len() == 1 { foreign[0].as_str() } else { "these files" };
        let of_a_load = foreign.iter().any(|name| receipts::is_of_some_run(name));
        let keep = match (self.strange(sibling, &foreign), foreign.len()) {
            (Some(_), _) => String::new(),
            (None, _) if of_a_load => String::new(),
            (None, n) => {
                let them = if n == 1 { "it" } else { "them" };
                format!("; to keep {them}, write  adopt: true  in the flow's options and run it")
            }
        };
        Err(Error::refused(found).at(shown).next(format!("move {what} out of the folder{keep}")))
    }

    /// The first of some names that is no file of the format.
    fn strange<'a>(&self, sibling: &Sibling, foreign: &'a [String]) -> Option<&'a String> {
        let end = format!(".{}", self.format.extension());
        foreign.iter().find(|name| !name.ends_with(&end) || !sibling.live.join(name).is_file())
    }

    /// Refuses what nobody's receipt names, unless it is to be taken over and can be.
    fn check_foreign(
        &self,
        sibling: &Sibling,
        spec: &LoadSpec,
        last: Option<&Receipt>,
        foreign: &[String],
    ) -> Result<()> {
        let Some(first) = foreign.first() else { return Ok(()) };
        let shown = &spec.place.shown;
        if sibling.shape == Shape::OneFile {
            if spec.adopt {
                return Ok(());
            }
            return Err(Error::refused("the file there was not made by this flow: it would be overwritten")
                .at(shown)
                .next_set(Part::Flow, "adopt: true"));
        }
        let strange = self.strange(sibling, foreign);
        if let (true, Some(strange)) = (spec.adopt, strange) {
            return Err(Error::refused(format!("the folder holds {strange}, which is no {} file", self.format.name()))
                .at(shown)
                .next(format!("move {strange} out of the folder")));
        }
        if spec.mode != Mode::Replace
            && let Some(of_a_load) = foreign.iter().find(|name| receipts::is_of_some_run(name))
        {
            return Err(without_receipt(sibling, last, of_a_load).at(shown));
        }
        let misfit = match spec.mode {
            Mode::Replace => None,
            _ if strange.is_some() => None,
            _ => foreign.iter().find_map(|name| check_fits(self.format.as_ref(), sibling, name, &spec.schema).err()),
        };
        if spec.adopt {
            return misfit.map_or(Ok(()), Err);
        }
        let more = match foreign.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let fate = if spec.mode == Mode::Replace { "replaces them" } else { "keeps them beside the new rows" };
        let error = Error::refused(format!(
            "the folder holds files that no load of hygge put there ({first}{more}), and readers would take them for rows of it"
        ))
        .at(shown);
        Err(if strange.is_some() || misfit.is_some() {
            error.next("give the flow an empty folder, or move those files away")
        } else {
            error.next_set(Part::Flow, format!("adopt: true   # {fate}"))
        })
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
        self.format.writing()
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
            columns: self.format.plan(&spec.schema)?,
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
        Ok(Box::new(FilePlace { held, last, gone, grace: self.grace, ways: Arc::clone(&self.ways) }))
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
        Shape::Folder => Shown::of(sibling.live.join(&file.name), format!("{shown}/{}", file.name)),
        Shape::OneFile => Shown::of(sibling.live.clone(), shown.clone()),
    };
    Ok(LiveFiles::of(receipt, shown)?.files.into_iter().map(one).collect())
}

/// Refuses to add rows beside a file of a load that no receipt names, which may hold the very same: even `adopt: true`
/// was written for others.
fn without_receipt(sibling: &Sibling, last: Option<&Receipt>, name: &str) -> Error {
    let hidden = sibling.base.file_name().unwrap_or_default().display();
    match last {
        None => Error::refused(format!(
            "the folder holds files of loads ({name}) whose receipts are gone: to add all rows to them would double rows"
        ))
        .next(format!(
            "bring the hidden folder {hidden} beside it back; or write `adopt: true` and run once with --full-drop, which settles all rows anew"
        )),
        Some(_) => Error::refused(format!(
            "the folder holds {name}, a file of a load that no receipt here names: its rows may be there twice"
        ))
        .next(format!("move {name} out of the folder; under a name of its own it can be taken over by `adopt: true`")),
    }
}

/// The first few of some names.
fn named(names: &[String]) -> String {
    const FEW: usize = 3;
    let few = names[..names.len().min(FEW)].join(", ");
    if names.len() > FEW { format!("{few} and {} more", names.len() - FEW) } else { few }
}

/// The names of a receipt that are not there.
fn gone(sibling: &Sibling, last: Option<&Receipt>) -> Result<HashSet<String>> {
    let (Some(last), Shape::Folder) = (last, sibling.shape) else { return Ok(HashSet::new()) };
    let files = LiveFiles::of(last, &sibling.place.shown)?.files;
    let there: HashSet<String> = names_in(&sibling.live)?.into_iter().collect();
    Ok(files.into_iter().map(|file| file.name).filter(|name| !there.contains(name)).collect())
}

#[cfg(test)]
pub(crate) mod tests;
