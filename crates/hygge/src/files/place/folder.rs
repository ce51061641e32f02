//! Publishing a folder: a fresh one is built beside the live one, and the two are exchanged in one step.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::SchemaRef;
use hygge_core::fault::{self, FailPoint};
use hygge_core::receipt::{Mode, Receipt};
use hygge_core::split::Staged;
use hygge_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::receipts::{self, State};
use super::{Held, LiveFile, LiveFiles, fallback, files_in, folders_of, sweep};
use crate::files::durable::Ways;
use crate::files::platform::{self, Identity};

/// What a load brings to its commit.
pub struct Publish<'a> {
    /// The place.
    pub held: &'a Held,
    /// This run's staging when the load was opened.
    pub staging: Identity,
    /// What the file system can do.
    pub ways: Ways,
    /// The receipt that the load was planned on.
    pub last: Option<&'a Receipt>,
    /// Files that no receipt names and that are taken over.
    pub adopted: &'a [LiveFile],
    /// Names of the receipt that were gone when the place was locked.
    pub gone: &'a HashSet<String>,
    /// The columns that files hold.
    pub schema: &'a SchemaRef,
    /// Where an empty file goes whose rows would be parted.
    pub empty_in: Option<String>,
}

/// A file that is staged, of a split whose rows are parted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedFile {
    /// Its name among the parts.
    pub staged: String,
    /// The folders that it goes to.
    pub folder: String,
    /// As the file itself says.
    pub rows: u64,
    /// In bytes.
    pub size: u64,
}

impl PlacedFile {
    /// For [`Staged::payload`]: one text, since a tree of values would take many times the memory.
    ///
    /// # Errors
    /// Only for a bug.
    pub fn payload(files: &[Self]) -> Result<serde_json::Value> {
        serde_json::to_string(files)
            .map(serde_json::Value::String)
            .map_err(|e| Error::bug("staged files could not be written as JSON").because(e))
    }

    /// The files of a split; none where it is one file, which goes to no folder.
    ///
    /// # Errors
    /// Only for a bug.
    pub fn of(staged: &Staged) -> Result<Option<Vec<Self>>> {
        if staged.payload.is_null() {
            return Ok(None);
        }
        let text = staged.payload.as_str().unwrap_or_default();
        serde_json::from_str(text).map(Some).map_err(|e| Error::bug("a split was staged by another store").because(e))
    }
}

/// The files of a load on their way.
pub(super) struct Fresh {
    pub(super) folder: PathBuf,
    /// All files that will be live.
    pub(super) live: LiveFiles,
    /// Those of them that are live already and were given a second name.
    linked: Vec<String>,
}

impl Publish<'_> {
    /// Makes the load visible and leaves its receipt, as it was stored; true where an old folder is left to be emptied.
    ///
    /// # Errors
    /// `CommitUnknown` once the load may be visible, any other before.
    pub fn commit(&self, mut receipt: Receipt, staged: &[Staged]) -> Result<(Receipt, bool)> {
        self.compare(&receipt, None)?;
        let mut kept = self.kept(&receipt.mode)?;
        let parts: Vec<&Staged> = staged.iter().filter(|s| s.stored_rows > 0).collect();
        let live_is_there = self.held.sibling.live.exists();
        if parts.is_empty() && receipt.mode != Mode::Replace && live_is_there && !kept.is_empty() {
            receipt.live = LiveFiles { files: kept, ..LiveFiles::default() }.into_json()?;
            self.name_receipt(&receipt)?;
            return Ok((receipt, false));
        }
        let taken_away = match receipt.mode {
            Mode::Replace => self.adopted.iter().map(|f| f.name.clone()).collect(),
            _ => Vec::new(),
        };
        let folder = self.held.staging().join("fresh");
        let stem = self.stem(&receipt);
        self.held.disk.make_dir(&folder)?;
        if live_is_there {
            let live = &self.held.sibling.live;
            platform::copy_rights(live, &folder)
                .map_err(|e| Error::io("give the rights of the live folder to", &folder, e))?;
        }
        let brought = self.placed(&parts, &stem)?;
        let names = kept.iter().map(|file| &file.name).chain(brought.iter().map(|(_, file)| &file.name));
        let names: Vec<String> = names.cloned().collect();
        self.make_folders(&folder, &names, live_is_there)?;
        let linked = if live_is_there && (self.ways.link || kept.is_empty()) && self.ways.exchange {
            self.link(&mut kept, &folder)?
        } else {
            None
        };
        let mut files = kept;
        files.extend(self.bring(brought, &folder)?);
        if files.is_empty() {
            files.push(self.empty_file(&folder, &stem)?);
        }
        for inner in folders_of(files.iter().map(|file| file.name.as_str())).into_iter().rev() {
            let inner = folder.join(inner);
            // Where files are not linked, those that stay are not here.
            if inner.is_dir() {
                self.held.disk.sync_dir(&inner)?;
            }
        }
        self.held.disk.sync_dir(&folder)?;
        fault::pass(FailPoint::FreshBuilt)?;
        let live = LiveFiles { files, taken_away, ..LiveFiles::default() };
        match linked {
            _ if !live_is_there => self.exchange(receipt, Fresh { folder, live, linked: Vec::new() }, false),
            Some(linked) => self.exchange(receipt, Fresh { folder, live, linked }, true),
            None => {
                receipt.live = live.into_json()?;
                fallback::publish(self, &receipt)?;
                Ok((receipt, true))
            }
        }
    }

    /// The compare of compare-and-set; `own` is this load's receipt, where it lies there in doubt.
    pub(super) fn compare(&self, receipt: &Receipt, own: Option<&Path>) -> Result<()> {
        self.held.still_ours(self.staging)?;
        let there = receipts::newest_but(&self.held.sibling, self.held.format.as_ref(), own)?;
        let expected = self.last.map(|last| (last.seq, last.run.as_str()));
        let found = there.as_ref().map(|last| (last.seq, last.run.as_str()));
        if found != expected || receipt.seq != self.last.map_or(0, |last| last.seq) + 1 {
            return Err(Error::failed(format!(
                "the place has moved on: load {} was to follow load {}, but load {} is there",
                receipt.seq,
                expected.map_or(0, |(seq, _)| seq),
                found.map_or(0, |(seq, _)| seq)
            ))
            .at(&self.held.sibling.place.shown)
            .next("run again"));
        }
        Ok(())
    }

    /// The live files that stay.
    fn kept(&self, mode: &Mode) -> Result<Vec<LiveFile>> {
        let mut kept = Vec::new();
        if *mode != Mode::Replace {
            if let Some(last) = self.last {
                kept = LiveFiles::of(last, &self.held.sibling.place.shown)?.files;
            }
            kept.extend(self.adopted.iter().cloned());
            // Those that were gone when the place was locked were reported then; going on was asked for.
            kept.retain(|file| !self.gone.contains(&file.name));
            let live = &self.held.sibling.live;
            let vanished: Vec<_> = kept.iter().filter(|file| !live.join(&file.name).exists()).collect();
            if let Some(first) = vanished.first() {
                return Err(Error::failed(format!(
                    "{} of {} settled files went away while the run was under way, first: {}; nothing was published",
                    vanished.len(),
                    kept.len(),
                    first.name
                ))
                .at(&self.held.sibling.place.shown)
                .next_anew("to settle everything anew"));
            }
        }
        Ok(kept)
    }

    /// The head of the new files' names: the run, and where the run has settled here before, the load.
    fn stem(&self, receipt: &Receipt) -> String {
        match self.last {
            Some(last) if last.run == receipt.run => format!("{}.{}", receipt.run, receipt.seq),
            _ => receipt.run.clone(),
        }
    }

    /// Gives the live files a second name in the fresh folder; none where the file system or its owner does not let us.
    fn link(&self, kept: &mut Vec<LiveFile>, folder: &Path) -> Result<Option<Vec<String>>> {
        let mut linked = Vec::new();
        for file in std::mem::take(kept) {
            let from = self.held.sibling.live.join(&file.name);
            match self.held.disk.link(&from, &folder.join(&file.name)) {
                Ok(()) => {
                    linked.push(file.name.clone());
                    kept.push(file);
                }
                // It vanished this instant. The receipt goes on naming it, so that the next run tells.
                Err(error) if error.kind() == io::ErrorKind::NotFound => kept.push(file),
                Err(error) if cannot_link(&error) => {
                    for name in linked {
                        self.held.disk.remove_file(&folder.join(name))?;
                    }
                    *kept = self.kept(&Mode::Append)?;
                    return Ok(None);
                }
                Err(error) => return Err(Error::io("link", &from, error)),
            }
        }
        Ok(Some(linked))
    }

    /// The staged files, with what they will be.
    fn placed(&self, parts: &[&Staged], stem: &str) -> Result<Vec<(PathBuf, LiveFile)>> {
        let extension = self.held.format.extension();
        let mut out = Vec::with_capacity(parts.len());
        for part in parts {
            let Some(files) = PlacedFile::of(part)? else {
                let name = format!("{stem}-{:05}.{extension}", part.split);
                let file = LiveFile { name, size: part.bytes, rows: part.stored_rows };
                out.push((part_path(self.held, part.split), file));
                continue;
            };
            for (n, file) in files.into_iter().enumerate() {
                let name = format!("{}/{stem}-{:05}-{n:05}.{extension}", file.folder, part.split);
                let from = self.held.staging().join("parts").join(&file.staged);
                out.push((from, LiveFile { name, size: file.size, rows: file.rows }));
            }
        }
        Ok(out)
    }

    /// Makes the folders `name=value` that names lie in, with the rights of the live ones.
    fn make_folders(&self, fresh: &Path, names: &[String], live_is_there: bool) -> Result<()> {
        let live = &self.held.sibling.live;
        for folder in folders_of(names.iter().map(String::as_str)) {
            let path = fresh.join(folder);
            if path.symlink_metadata().is_ok() {
                return Err(Error::failed(format!(
                    "this file system takes the names of two folders for one, {folder} among them: their rows would be mixed"
                ))
                .at(&self.held.sibling.place.shown)
                .next("write to another file system, or part the rows by columns whose values differ in more than capitals"));
            }
            self.held.disk.make_dir(&path)?;
            let same = Some(live.join(folder)).filter(|there| there.is_dir()).unwrap_or_else(|| live.clone());
            if live_is_there {
                platform::copy_rights(&same, &path)
                    .map_err(|e| Error::io("give the rights of the live folder to", &path, e))?;
            }
        }
        Ok(())
    }

    /// Moves the staged files into the fresh folder under their final names.
    fn bring(&self, files: Vec<(PathBuf, LiveFile)>, folder: &Path) -> Result<Vec<LiveFile>> {
        let mut out = Vec::with_capacity(files.len());
        for (from, file) in files {
            self.held.disk.rename(&from, &folder.join(&file.name)).map_err(|e| Error::io("move", &from, e))?;
            out.push(file);
        }
        Ok(out)
    }

    /// A file of no rows, so that readers find an empty table rather than nothing.
    fn empty_file(&self, folder: &Path, stem: &str) -> Result<LiveFile> {
        let mut name = format!("{stem}-00000.{}", self.held.format.extension());
        if let Some(inside) = &self.empty_in {
            // There the columns are found, too, of which nobody has a value.
            self.make_folders(folder, &[format!("{inside}/")], self.held.sibling.live.exists())?;
            name = format!("{inside}/{name}");
        }
        let path = folder.join(&name);
        let file = self.held.disk.create(&path)?;
        let into = file.try_clone().map_err(|e| Error::io("write", &path, e))?;
        self.held.format.assemble(&[], self.schema, None, into)?;
        self.held.disk.sync_file(&file, &path)?;
        let size = file.metadata().map_err(|e| Error::io("look at", &path, e))?.len();
        Ok(LiveFile { name, size, rows: 0 })
    }

    /// A load that changes no file: the receipt's final name is the step.
    fn name_receipt(&self, receipt: &Receipt) -> Result<()> {
        let held = self.held;
        let staged = held.staging().join("receipt.staged");
        held.disk.write(&staged, receipt.to_json()?.as_bytes())?;
        self.compare(receipt, None)?;
        let to = receipts::settled_path(&held.sibling, receipt.seq);
        held.disk.rename_new(&staged, &to).map_err(|e| Error::io("name", &to, e))?;
        doubtful((|| {
            held.disk.sync_dir(&held.sibling.receipts())?;
            fault::pass(FailPoint::ReceiptNamed)
        })())
    }

    fn exchange(&self, mut receipt: Receipt, mut fresh: Fresh, replaces: bool) -> Result<(Receipt, bool)> {
        let held = self.held;
        let (live, folder) = (&held.sibling.live, &fresh.folder);
        fresh.live.published = Identity::at(folder).map_err(|e| Error::io("look at", folder, e))?;
        receipt.live = fresh.live.clone().into_json()?;
        let pending = self.write_pending(&receipt)?;
        let exchanged = (|| {
            fault::pass(FailPoint::PendingWritten)?;
            self.compare(&receipt, Some(&pending))?;
            let done = if replaces { held.disk.exchange(folder, live) } else { held.disk.rename_new(folder, live) };
            done.map_err(|e| Error::io("exchange", live, e).at(&held.sibling.place.shown))
        })();
        if let Err(error) = exchanged {
            // Nothing is visible; if this fails too, the next run finds that out by itself.
            let _ = held.disk.remove_file(&pending);
            return Err(error);
        }
        doubtful((|| {
            fault::pass(FailPoint::Exchanged)?;
            held.disk.sync_dir(&held.sibling.parent)?;
            held.disk.sync_dir(&held.staging())?;
            fault::pass(FailPoint::ExchangeSynced)?;
            self.name_doubt(&receipt, &pending)
        })())?;
        if replaces {
            // The load has settled: what fails here is done by the next sweep.
            let _ = self.reconcile(&fresh);
        }
        Ok((receipt, replaces))
    }

    /// Leaves a receipt whose load is not visible yet.
    pub(super) fn write_pending(&self, receipt: &Receipt) -> Result<PathBuf> {
        let held = self.held;
        let path = receipts::doubt_path(&held.sibling, receipt.seq, &receipt.run, State::Pending);
        let written = (|| {
            held.disk.write(&path, receipt.to_json()?.as_bytes())?;
            held.disk.sync_dir(&held.sibling.receipts())
        })();
        if written.is_err() {
            let _ = held.disk.remove_file(&path);
        }
        written.map(|()| path)
    }

    /// Gives a receipt its final name.
    pub(super) fn name_doubt(&self, receipt: &Receipt, path: &Path) -> Result<()> {
        let held = self.held;
        let to = receipts::settled_path(&held.sibling, receipt.seq);
        held.disk.rename(path, &to).map_err(|e| Error::io("name", &to, e))?;
        held.disk.sync_dir(&held.sibling.receipts())?;
        fault::pass(FailPoint::ReceiptNamed)
    }

    /// What others did to the old folder while the fresh one was built: names they brought are carried over, names they
    /// removed are removed.
    fn reconcile(&self, fresh: &Fresh) -> Result<()> {
        let held = self.held;
        let there: HashSet<String> = files_in(&fresh.folder)?.into_iter().collect();
        let mut known: HashSet<String> = self.adopted.iter().map(|f| f.name.clone()).collect();
        if let Some(last) = self.last {
            known.extend(LiveFiles::of(last, &held.sibling.place.shown)?.files.into_iter().map(|f| f.name));
        }
        for name in there.difference(&known) {
            sweep::bring_back(held, &fresh.folder.join(name), name)?;
        }
        for name in fresh.linked.iter().filter(|name| !there.contains(*name)) {
            held.disk.remove_file(&held.sibling.live.join(name))?;
        }
        Ok(())
    }
}

/// Where a split is staged.
#[must_use]
pub fn part_path(held: &Held, split: u32) -> PathBuf {
    held.staging().join("parts").join(format!("{split:05}.{}.staged", held.format.extension()))
}

/// From here on the load may be visible: an error leaves that open.
pub(super) fn doubtful(result: Result<()>) -> Result<()> {
    result.map_err(|error| {
        Error::commit_unknown("the load may have become visible, but its receipt could not be completed").because(error)
    })
}

fn cannot_link(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::Unsupported | K::PermissionDenied | K::CrossesDevices | K::TooManyLinks)
}
