//! A load on its way into a place of files.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use hygge_core::context::{Context, SplitContext};
use hygge_core::home::{Batch, BatchStream};
use hygge_core::receipt::{Mode, Receipt};
use hygge_core::split::{Split, Staged};
use hygge_core::store::{Attempt, Cleanup, Commit, Load, Settled, Writer};
use hygge_core::tally::{Tallier, Tally};
use hygge_core::{Error, ErrorKind, Result};

use super::layout::{FileColumns, Layout};
use super::partitioned::PartitionedWriter;

use crate::files::durable::Ways;
use crate::files::format::{Encoder, FileFormat};
use crate::files::hive::KeyedStream;
use crate::files::place::folder::{PlacedFile, Publish, part_path};
use crate::files::place::{Held, LiveFile, Shape, one_file, receipts, sweep};
use crate::files::platform::Identity;

/// Splits go to files of their own in this run's staging.
pub(super) struct FileLoad {
    shared: Arc<Shared>,
    ways: Ways,
    last: Option<Receipt>,
    strays: Strays,
    grace: Duration,
}

/// Where the live folder and the last receipt differed when the place was locked.
pub(super) struct Strays {
    /// Files that no receipt names and that are taken over.
    pub(super) adopted: Vec<LiveFile>,
    /// The rows of those of them that stay.
    pub(super) tally: Tally,
    /// Names of the receipt that were gone.
    pub(super) gone: HashSet<String>,
}

/// What the load and its writers share. The place is held until the last of them is gone.
pub(super) struct Shared {
    pub(super) held: Held,
    staging: Identity,
    pub(super) layout: Layout,
    staged: Mutex<HashMap<u32, Staged>>,
}

impl Shared {
    pub(super) fn staged(&self) -> MutexGuard<'_, HashMap<u32, Staged>> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileLoad {
    pub(super) fn new(
        held: Held,
        staging: Identity,
        ways: Ways,
        last: Option<Receipt>,
        strays: Strays,
        layout: Layout,
        grace: Duration,
    ) -> Self {
        let shared = Arc::new(Shared { held, staging, layout, staged: Mutex::default() });
        Self { shared, ways, last, strays, grace }
    }
}

impl Load for FileLoad {
    fn writer(&self, split: &Split, ctx: &SplitContext) -> Result<Attempt> {
        if let Some(staged) = self.shared.staged().get(&split.ordinal) {
            return Ok(Attempt::AlreadyStaged(staged.clone()));
        }
        if !self.shared.layout.keys.is_empty() {
            return Ok(Attempt::Write(Box::new(PartitionedWriter::new(Arc::clone(&self.shared), split, ctx))));
        }
        let held = &self.shared.held;
        let name = format!("{:05}-{}.{}.staged", split.ordinal, ctx.attempt, held.format.extension());
        let path = held.staging().join("parts").join(name);
        let file = held.disk.create(&path)?;
        let encoder = held.format.encoder(file, &self.shared.layout.schema, ctx).map_err(|e| in_split(e, split))?;
        Ok(Attempt::Write(Box::new(FileWriter {
            shared: Arc::clone(&self.shared),
            split: split.clone(),
            attempt: ctx.attempt,
            path,
            encoder: Some(encoder),
            tallier: Tallier::new(&self.shared.layout.schema),
            done: false,
        })))
    }

    fn read_back(&self, staged: &[Staged], ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let held = &self.shared.held;
        let mut files = VecDeque::with_capacity(staged.len());
        for split in staged {
            match PlacedFile::of(split)? {
                None => files.push_back(Shown::staged(part_path(held, split.split), String::new())),
                Some(placed) => files.extend(placed.into_iter().map(|file| {
                    Shown::staged(held.staging().join("parts").join(file.staged), format!("{}/", file.folder))
                })),
            }
        }
        Ok(Box::new(Chain::new(Arc::clone(&held.format), Arc::clone(&self.shared.layout.schema), files, ctx)))
    }

    fn commit(self: Box<Self>, _ctx: &Context, commit: Commit) -> Result<Settled> {
        let Commit { mut receipt, mut staged } = commit;
        staged.sort_by_key(|s| s.split);
        {
            let admitted = self.shared.staged();
            if let Some(strange) = staged.iter().find(|s| admitted.get(&s.split) != Some(*s)) {
                return Err(Error::bug(format!("split {} was handed to the commit but never staged", strange.split)));
            }
        }
        if receipt.mode != Mode::Replace {
            // Where nothing had settled, what is taken over and the load are all there is.
            let before = if self.last.is_none() { Some(receipt.load) } else { receipt.total };
            receipt.total = before.map(|total| total.plus(self.strays.tally));
            if !self.strays.adopted.is_empty() {
                receipt.adopted = Some(receipt.adopted.unwrap_or_default().plus(self.strays.tally));
            }
        }
        let held = &self.shared.held;
        let publish = Publish {
            held,
            staging: self.shared.staging,
            ways: self.ways,
            last: self.last.as_ref(),
            adopted: &self.strays.adopted,
            gone: &self.strays.gone,
            schema: &self.shared.layout.file_schema,
            empty_in: self.shared.layout.empty_in(),
        };
        let (receipt, wait) = match held.sibling.shape {
            Shape::Folder => publish.commit(receipt, &staged)?,
            Shape::OneFile => (one_file::commit(&publish, receipt, &staged)?, false),
        };
        let now = Instant::now();
        let shared = self.shared;
        Ok(Settled {
            receipt,
            cleanup: Some(Cleanup {
                not_before: if wait { now + self.grace } else { now },
                run: Box::new(move || {
                    let held = &shared.held;
                    // What cannot be removed now is removed by the next run.
                    let _ = sweep::remove_staging(held, &held.staging(), &held.run, &mut sweep::Removed::default());
                    receipts::prune(&held.sibling, &held.disk);
                }),
            }),
        })
    }

    fn abort(self: Box<Self>) {
        let held = &self.shared.held;
        let _ = sweep::remove_staging(held, &held.staging(), &held.run, &mut sweep::Removed::default());
    }
}

/// One attempt at a split, in a file that nobody else knows.
struct FileWriter {
    shared: Arc<Shared>,
    split: Split,
    attempt: u32,
    path: PathBuf,
    encoder: Option<Box<dyn Encoder>>,
    tallier: Tallier,
    done: bool,
}

impl Writer for FileWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let encoder = self.encoder.as_mut().ok_or_else(|| Error::bug("rows were written to a finished split"))?;
        self.tallier.add(batch)?;
        encoder.write(batch).map_err(|e| in_split(e, &self.split))
    }

    fn finish(mut self: Box<Self>) -> Result<Staged> {
        let encoder = self.encoder.take().ok_or_else(|| Error::bug("a split was finished twice"))?;
        let held = &self.shared.held;
        let file = encoder.finish().map_err(|e| in_split(e, &self.split))?;
        held.disk.sync_file(&file, &self.path)?;
        let staged = Staged {
            split: self.split.ordinal,
            attempt: self.attempt,
            tally: self.tallier.tally(),
            stored_rows: held.format.count_rows(&self.path)?,
            bytes: file.metadata().map_err(|e| Error::io("look at", &self.path, e))?.len(),
            payload: serde_json::Value::Null,
        };
        // One attempt per split: the first to take the name is the one. The name itself becomes durable with the folder
        // that is published.
        let mut admitted = self.shared.staged();
        if let Some(first) = admitted.get(&self.split.ordinal) {
            return Ok(first.clone());
        }
        let to = part_path(held, self.split.ordinal);
        held.disk.rename_new(&self.path, &to).map_err(|e| Error::io("stage", &to, e))?;
        admitted.insert(self.split.ordinal, staged.clone());
        drop(admitted);
        self.done = true;
        Ok(staged)
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if !self.done {
            self.encoder = None;
            let _ = self.shared.held.disk.remove_file(&self.path);
        }
    }
}

/// Says which split an error speaks of, where it does not say anything more precise.
pub(super) fn in_split(error: Error, split: &Split) -> Error {
    if error.place().is_some() { error } else { error.at(split.label.clone()) }
}

/// A file to read, and how people know it.
pub(super) struct Shown {
    path: PathBuf,
    /// Its name in the place, as far as its folders tell columns.
    name: String,
    known_as: Option<String>,
}

impl Shown {
    /// One that readers see, with its name in the place.
    pub(super) fn of(path: PathBuf, name: String, shown: String) -> Self {
        Self { path, name, known_as: Some(shown) }
    }

    /// One of a load that is on its way, which nobody knows.
    fn staged(path: PathBuf, name: String) -> Self {
        Self { path, name, known_as: None }
    }

    /// An error of its reader, which knows it by the last part of its name.
    fn told(&self, error: Error) -> Error {
        let Some(shown) = self.known_as.as_ref().filter(|_| error.kind() != ErrorKind::Cancelled) else { return error };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let at = match error.place() {
            None => shown.clone(),
            Some(at) => at.strip_prefix(&*name).map_or_else(|| at.to_owned(), |rest| format!("{shown}{rest}")),
        };
        let advised = error.advice().is_some();
        let error = error.at(at);
        if advised { error } else { error.next_anew("to settle everything anew") }
    }
}

/// Files read one after the other.
pub(super) struct Chain {
    format: Arc<dyn FileFormat>,
    schema: SchemaRef,
    files: VecDeque<Shown>,
    current: Option<(Shown, Box<dyn BatchStream>)>,
    ctx: SplitContext,
    stands: Option<Stands>,
}

/// Whether the load whose files are read is still the last one.
pub(super) type Stands = Box<dyn Fn() -> Result<bool> + Send>;

impl Chain {
    pub(super) fn new(
        format: Arc<dyn FileFormat>,
        schema: SchemaRef,
        files: VecDeque<Shown>,
        ctx: &SplitContext,
    ) -> Self {
        Self { format, schema, files, current: None, ctx: ctx.clone(), stands: None }
    }

    /// Files that readers see: another load may take them away.
    pub(super) fn while_it_stands(self, stands: Stands) -> Self {
        Self { stands: Some(stands), ..self }
    }

    /// Begins a file.
    fn read(&self, file: &Shown) -> Result<Box<dyn BatchStream>> {
        let columns = FileColumns::of(&file.name, &self.schema)?;
        let own = self.format.read(&file.path, &columns.own, &self.ctx)?;
        Ok(match columns.keyed {
            None => own,
            Some((columns, values)) => Box::new(KeyedStream::new(own, &columns, &self.schema, &values, &self.ctx)),
        })
    }

    /// What to say of an error while `file` is read.
    fn told(&self, file: &Shown, error: Error) -> Error {
        if error.kind() != ErrorKind::Cancelled
            && self.stands.as_ref().is_some_and(|stands| stands().is_ok_and(|is| !is))
        {
            let shown = file.known_as.clone().unwrap_or_default();
            return Error::moved_on("another load settled at this moment")
                .at(shown)
                .next("run it again")
                .because(error);
        }
        file.told(error)
    }
}

impl BatchStream for Chain {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            if let Some((file, mut stream)) = self.current.take()
                && let Some(batch) = stream.next().map_err(|e| self.told(&file, e))?
            {
                self.current = Some((file, stream));
                return Ok(Some(batch));
            }
            let Some(file) = self.files.pop_front() else { return Ok(None) };
            let stream = self.read(&file).map_err(|e| self.told(&file, e))?;
            self.current = Some((file, stream));
        }
    }
}
