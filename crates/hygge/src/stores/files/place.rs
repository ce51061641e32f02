//! A place of files that this run holds.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow_schema::SchemaRef;
use hygge_core::context::{Context, SplitContext};
use hygge_core::home::BatchStream as _;
use hygge_core::receipt::{Mode, Receipt};
use hygge_core::store::{Live, Load, LoadPlan, LoadSpec, Place};
use hygge_core::tally::{Tallier, Tally};
use hygge_core::{Error, ErrorKind, Result};

use super::layout::{FileColumns, Layout};
use super::load::{Chain, FileLoad, Shown, Strays};
use crate::files::durable::Ways;
use crate::files::format::FileFormat;
use crate::files::place::{Held, LiveFile, LiveFiles, Shape, Sibling, files_in, last_part, one_file};
use crate::files::platform::Identity;

/// The most rows of a batch of what is taken over; its bytes are bounded by the share.
const BATCH_ROWS: usize = 8_192;

/// Refuses a file of others that could not be read as one table with the rows to come.
pub(super) fn check_fits(format: &dyn FileFormat, sibling: &Sibling, name: &str, schema: &SchemaRef) -> Result<()> {
    let fits = FileColumns::of(name, schema).and_then(|columns| {
        // What its folders tell must be values of the columns, too.
        if let Some((keys, values)) = &columns.keyed {
            keys.check(values)?;
        }
        format.check_fits(&sibling.live.join(name), &columns.own)
    });
    fits.map_err(|error| {
        error
            .as_refusal()
            .at(format!("{}/{name}", sibling.place.shown))
            .next(format!("move {name} out of the folder, or write it anew with the columns of the others"))
    })
}

/// What `Store::lock` answers with.
pub(super) struct FilePlace {
    pub(super) held: Held,
    pub(super) last: Option<Receipt>,
    /// Names of the last receipt that were gone when the place was locked.
    pub(super) gone: HashSet<String>,
    pub(super) partition_by: Vec<String>,
    pub(super) grace: Duration,
    pub(super) ways: Arc<Mutex<HashMap<String, Ways>>>,
}

impl FilePlace {
    /// The files that no receipt names and that are taken over; with their rows, where they stay.
    fn adopted(&self, spec: &LoadSpec) -> Result<Vec<LiveFile>> {
        let held = &self.held;
        if held.sibling.shape == Shape::OneFile {
            return Ok(Vec::new());
        }
        let known: Vec<String> = match &self.last {
            Some(last) => LiveFiles::of(last, &held.sibling.place.shown)?.files.into_iter().map(|f| f.name).collect(),
            None => Vec::new(),
        };
        let end = format!(".{}", held.format.extension());
        let mut out = Vec::new();
        for name in files_in(&held.sibling.live)? {
            if last_part(&name).starts_with('.') || known.contains(&name) || !name.ends_with(&end) {
                continue;
            }
            let path = held.sibling.live.join(&name);
            let meta = std::fs::metadata(&path).map_err(|e| Error::io("look at", &path, e))?;
            let rows = if spec.mode == Mode::Replace {
                0
            } else {
                check_fits(held.format.as_ref(), &held.sibling, &name, &spec.schema)?;
                held.format.count_rows(&path)?
            };
            out.push(LiveFile { name, size: meta.len(), rows });
        }
        Ok(out)
    }

    /// Reads what is taken over and stays: from now on the receipt answers for it.
    fn tally(&self, ctx: &Context, spec: &LoadSpec, adopted: &[LiveFile]) -> Result<Tally> {
        let mut tallier = Tallier::new(&spec.schema);
        if spec.mode == Mode::Replace || adopted.is_empty() {
            return Ok(tallier.tally());
        }
        let ctx = SplitContext {
            run: ctx.clone(),
            share: ctx.budget.share(&ctx.cancel)?,
            attempt: 1,
            batch_rows: BATCH_ROWS,
            bytes_read: Arc::default(),
        };
        let sibling = &self.held.sibling;
        for file in adopted {
            let shown = format!("{}/{}", sibling.place.shown, file.name);
            let files = [Shown::of(sibling.live.join(&file.name), file.name.clone(), shown)].into();
            let mut rows = Chain::new(Arc::clone(&self.held.format), Arc::clone(&spec.schema), files, &ctx);
            let advised = |error: Error| match error.kind() {
                ErrorKind::Cancelled => error,
                _ => error.next(format!("move {} out of the folder", file.name)),
            };
            while let Some(batch) = rows.next().map_err(advised)? {
                ctx.cancel().check()?;
                tallier.add(&batch.rows)?;
            }
        }
        Ok(tallier.tally())
    }

    fn ways(&self) -> Result<Ways> {
        let key = self.held.sibling.place.key();
        let mut known = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ways) = known.get(&key) {
            return Ok(*ways);
        }
        let ways = match self.held.sibling.shape {
            Shape::Folder => self.held.disk.probe(&self.held.staging())?,
            // One file is renamed, which every file system can.
            Shape::OneFile => Ways { exchange: true, link: true },
        };
        known.insert(key, ways);
        Ok(ways)
    }
}

impl Place for FilePlace {
    fn last_receipt(&self) -> Option<&Receipt> {
        self.last.as_ref()
    }

    fn live(&self, _ctx: &Context) -> Result<Live> {
        let Some(last) = &self.last else { return Ok(Live::Present) };
        let sibling = &self.held.sibling;
        let live = LiveFiles::of(last, &sibling.place.shown)?;
        if sibling.shape == Shape::OneFile {
            return Ok(if !sibling.live.exists() {
                Live::Missing("the file is gone".to_owned())
            } else if one_file::shows(sibling, self.held.format.as_ref(), last, &live)? {
                Live::Present
            } else {
                Live::Missing("the file is not the one that settled".to_owned())
            });
        }
        let mut gone = Vec::new();
        let mut changed = Vec::new();
        for file in &live.files {
            let path = sibling.live.join(&file.name);
            match std::fs::metadata(&path) {
                Ok(meta) if meta.len() == file.size => {}
                Ok(_) => changed.push(&file.name),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => gone.push(&file.name),
                Err(error) => return Err(Error::io("look at", &path, error)),
            }
        }
        let of = live.files.len();
        Ok(match (gone.as_slice(), changed.as_slice()) {
            ([], []) => Live::Present,
            ([first, ..], _) if of == 1 => Live::Missing(format!("its file is gone: {first}")),
            ([first, ..], _) => Live::Missing(format!("{} of {of} files are gone, first: {first}", gone.len())),
            ([], [first, ..]) => Live::Missing(format!(
                "{} of {of} files have another size than they had, first: {first}",
                changed.len()
            )),
        })
    }

    fn open(self: Box<Self>, ctx: &Context, spec: &LoadSpec, _plan: &LoadPlan) -> Result<Box<dyn Load>> {
        let staging = self.held.staging();
        self.held.disk.make_dir(&staging)?;
        self.held.disk.make_dir(&staging.join("parts"))?;
        self.held.disk.sync_dir(&self.held.sibling.staging())?;
        let identity = Identity::at(&staging)
            .map_err(|e| Error::io("look at", &staging, e))?
            .ok_or_else(|| Error::failed("the staging that was just made is gone").at(&spec.place.shown))?;
        let ways = self.ways()?;
        let adopted = if spec.adopt { self.adopted(spec)? } else { Vec::new() };
        let tally = self.tally(ctx, spec, &adopted)?;
        let layout = Layout::new(&spec.schema, &self.partition_by)?;
        let Self { held, last, gone, grace, .. } = *self;
        Ok(Box::new(FileLoad::new(held, identity, ways, last, Strays { adopted, tally, gone }, layout, grace)))
    }
}
