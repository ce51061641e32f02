//! Files of any format as a home: a file, a folder or a glob.
//!
//! Which files there are, which of them have settled, whether they stay as they were: that is the same for all formats
//! and is done here. What the bytes mean is the format's: [`ReadFormat`], or where files tell their own columns,
//! [`described::Described`], which is smaller.

pub mod agreed;
pub mod cut;
pub mod described;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
pub mod partitions;
mod scan;
pub mod text;

use std::path::Path;

use arrow_schema::{DataType, Schema, SchemaRef};
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::{BatchStream, Home, Opened, ReadRequest, Since, Source, TableInfo, Unchanged};
use hygge_core::place::PlaceId;
use hygge_core::receipt::{Options, Question};
use hygge_core::split::Split;
use hygge_core::watermark::Bound;
use hygge_core::{Error, Result};
use serde_json::{Map, Value};

use self::partitions::{Partitioned, Partitions};
use self::scan::FilesScan;
use crate::files::home::{HomeFiles, Look};
use crate::files::listing::{Listing, PinnedFile, emptied};
use crate::files::settled::{self, Looked};
use crate::files::web::Header;

/// More splits than this at once would only wait for each other.
const READERS: usize = 64;

/// A format that files can be read in.
pub trait ReadFormat: Send + Sync + 'static {
    /// Its name, as `type:` takes it (`csv`).
    fn name(&self) -> &'static str;

    /// Its name in sentences (`CSV`).
    fn shown(&self) -> &'static str;

    /// How its files' names end in a folder, without the leading dot, in small letters.
    fn extensions(&self) -> &'static [&'static str];

    /// See [`Home::reading`].
    fn reading(&self) -> Options;

    /// Types of columns that the configuration gives.
    fn declared(&self) -> &[(String, DataType)] {
        &[]
    }

    /// See [`Home::widened`].
    fn widened(&self, before: &Options, settled: &Schema) -> Vec<(&'static str, String)> {
        let _ = (before, settled);
        Vec::new()
    }

    /// All that decides what is read out of the bytes, as a text that differs where it does.
    fn read_as(&self, request: &ReadRequest) -> String;

    /// Whether a watermark's column can be followed, and [`Found::bound`] is given where the request has a cursor.
    fn follows(&self) -> bool {
        false
    }

    /// Whether [`Split::rows`] is exact rather than a guess.
    fn counts(&self) -> bool {
        false
    }

    /// Whether parts of a file that is far can be fetched when they are needed; else all of it is fetched first.
    fn in_parts(&self) -> bool {
        false
    }

    /// Tries that the files can be read; says what it found in lines for people. `shown` is the home.
    ///
    /// # Errors
    /// What is wrong with a file.
    fn check(&self, ctx: &Context, shown: &str, files: &[PinnedFile]) -> Result<Vec<String>>;

    /// Looks at files: what is read of them, and how.
    ///
    /// # Errors
    /// If a file cannot be read, or they do not go together.
    fn look(&self, ask: &Ask<'_>) -> Result<Found>;
}

/// What a format is asked.
pub struct Ask<'a> {
    /// The run.
    pub ctx: &'a Context,
    /// The question; filter and cursor are answered where they could not be.
    pub request: &'a ReadRequest,
    /// The files to read; at least one, in the order of their paths.
    pub files: &'a [PinnedFile],
    /// [`Found::remember`] of the load before; empty where there is none.
    pub before: &'a Map<String, Value>,
}

/// What is read of files.
pub struct Found {
    /// The columns of every batch.
    pub schema: SchemaRef,
    /// All columns of the files, also those that were not asked for.
    pub names: Vec<String>,
    /// Splits that cover every row once.
    pub splits: Vec<Split>,
    /// The new end of a cursor.
    pub bound: Option<Bound>,
    /// For the plan and the screen.
    pub notes: Vec<Note>,
    /// What the format asks to be shown next time (types that were told). `files`, `form` and `partitions` are taken.
    pub remember: Map<String, Value>,
    /// Reads the splits.
    pub rows: Box<dyn ReadSplit>,
}

/// Reads the splits of one look at files.
pub trait ReadSplit: Send + Sync {
    /// Reads a split from its start.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>>;

    /// The split in parts, in their order, each with the first file that it reads: neighbouring files of which `alike`
    /// says that they belong together may be one part. Files are told by their position among those that were looked at.
    ///
    /// # Errors
    /// If the split is one of another look.
    fn by_file(&self, split: &Split, alike: &dyn Fn(usize, usize) -> bool) -> Result<Vec<(usize, Split)>>;
}

/// Parts of a split, of a payload that lists them: neighbours whose files are `alike` stay together.
pub(super) fn parts_by_file<T, P: serde::Serialize>(
    split: &Split,
    parts: Vec<T>,
    file: impl Fn(&T) -> usize,
    alike: &dyn Fn(usize, usize) -> bool,
    payload: impl Fn(Vec<T>) -> P,
) -> Result<Vec<(usize, Split)>> {
    let mut groups: Vec<(usize, Vec<T>)> = Vec::new();
    for part in parts {
        let at = file(&part);
        match groups.last_mut() {
            Some((first, group)) if *first == at || alike(*first, at) => group.push(part),
            _ => groups.push((at, vec![part])),
        }
    }
    // Each part has a payload of its own: a copy of the whole one for every part would be too much.
    let bare = Split {
        ordinal: split.ordinal,
        label: split.label.clone(),
        payload: Value::Null,
        rows: split.rows,
        bytes: split.bytes,
        window: split.window,
    };
    let as_split = |(at, parts): (usize, Vec<T>)| {
        let payload = serde_json::to_value(payload(parts))
            .map_err(|e| Error::bug("a split could not be written as JSON").because(e))?;
        Ok((at, Split { payload, ..bare.clone() }))
    };
    groups.into_iter().map(as_split).collect()
}

/// Files of one format as a home.
pub struct FilesHome<F> {
    source: HomeFiles,
    partitions: Partitions,
    pub(super) format: F,
}

impl<F: ReadFormat> FilesHome<F> {
    /// The files at `written` (a file, a folder or a glob, maybe with `{entity}`), from the project's root.
    #[must_use]
    pub fn of(root: &Path, written: &str, format: F) -> Self {
        let source = HomeFiles::new(root, written, format.extensions());
        Self { source, partitions: Partitions::default(), format }
    }

    /// The same, with headers to send where the files lie behind a URL.
    #[must_use]
    pub fn with_headers(self, headers: Vec<Header>) -> Self {
        Self { source: self.source.with_headers(headers), ..self }
    }

    /// The same, with another rule for folders that are called `name=value`.
    #[must_use]
    pub fn with_partitions(self, partitions: Partitions) -> Self {
        Self { source: self.source.with_below(partitions.below), partitions, ..self }
    }

    fn entity<'a>(&self, source: &'a Source) -> Result<Option<&'a str>> {
        let shown = self.format.shown();
        match source {
            Source::Whole { entity } => Ok(entity.as_deref()),
            Source::Table(_) => Err(Error::refused(format!("{shown} files have no tables"))
                .next("take `table:` out; the home's `path:` says what is read")),
            Source::Query(_) => Err(Error::refused(format!("{shown} files cannot be queried"))
                .next("take `query:` out; choose columns with `columns:`")),
        }
    }

    fn answers(&self, request: &ReadRequest) -> Result<()> {
        let shown = self.format.shown();
        if request.filter.is_some() {
            return Err(Error::refused(format!("{shown} files cannot be filtered while they are read"))
                .next("take `where:` out, or settle the rows in SQLite first and read from there"));
        }
        if request.cursor.is_some() && !self.format.follows() {
            return Err(Error::refused(format!("{shown} files have no order that a watermark could follow"))
                .next("take `watermark:` out and write  mode: append  : each file is then loaded once"));
        }
        Ok(())
    }

    /// Looks at files, with the columns that their folders tell.
    fn look(&self, ask: &Ask<'_>, entity: Option<&str>) -> Result<Found> {
        match self.source.keys(entity, ask.files)? {
            Some(keys) => Partitioned::of(&self.partitions, ask.files, keys)?.look(&self.format, ask),
            None => self.format.look(ask),
        }
    }

    /// A sentence about files that a folder holds and that are not read.
    fn passed_over(&self, listing: &Listing) -> Option<String> {
        let shown = self.format.shown();
        let first = listing.passed_over.first()?;
        Some(match listing.passed_over.len() {
            1 => format!("1 file that is not {shown} was passed over: {first}"),
            n => format!("{n} files that are not {shown} were passed over, {first} first"),
        })
    }
}

impl<F: ReadFormat> Home for FilesHome<F> {
    fn kind(&self) -> &'static str {
        self.format.name()
    }

    fn shown(&self, source: &Source) -> String {
        self.source.shown(self.entity(source).unwrap_or_default())
    }

    fn identity(&self) -> String {
        self.source.identity()
    }

    fn reading(&self) -> Options {
        let mut options = self.format.reading();
        options.extend(self.partitions.said().map(|said| (partitions::OPTION.to_owned(), said)));
        options
    }

    fn widened(&self, before: &Options, settled: &Schema) -> Vec<(&'static str, String)> {
        let mut more = self.format.widened(before, settled);
        more.extend(self.partitions.widened(before, settled).map(|more| (partitions::OPTION, more)));
        more
    }

    fn location(&self, source: &Source) -> Option<PlaceId> {
        self.source.location(self.entity(source).ok()?)
    }

    fn max_readers(&self) -> usize {
        READERS
    }

    fn check(&self, ctx: &Context, source: &Source, settled: bool) -> Result<Vec<String>> {
        let look = Look { in_parts: self.format.in_parts(), cancel: &ctx.cancel };
        let listing = self.source.list_to_check(self.entity(source)?, settled, &look)?;
        if listing.files.is_empty() {
            return Ok(vec![emptied(&self.shown(source))]);
        }
        let mut lines = self.format.check(ctx, &self.shown(source), &listing.files)?;
        lines.extend(listing.notes());
        if let Some(keys) = self.source.keys(self.entity(source)?, &listing.files)? {
            lines.push(Partitioned::of(&self.partitions, &listing.files, keys)?.told());
        }
        lines.extend(self.passed_over(&listing));
        Ok(lines)
    }

    fn tables(&self, ctx: &Context, pattern: &str) -> Result<Vec<TableInfo>> {
        let mut out = Vec::new();
        for name in self.source.entities(pattern)? {
            ctx.cancel.check()?;
            let look = Look { in_parts: self.format.in_parts(), cancel: &ctx.cancel };
            let Ok(Listing { files, .. }) = self.source.list(Some(&name), &look) else { continue };
            let source = Source::Whole { entity: Some(name.clone()) };
            let request = ReadRequest { plan_only: true, ..ReadRequest::all(source) };
            let ask = Ask { ctx, request: &request, files: &files, before: &Map::new() };
            let found = self.look(&ask, Some(&name))?;
            let columns = found.schema.fields().iter().map(|f| (f.name().clone(), f.data_type().to_string())).collect();
            let rows = self.format.counts().then(|| found.splits.iter().map(|split| split.rows).sum()).flatten();
            out.push(TableInfo { name, rows, key: Vec::new(), columns });
        }
        Ok(out)
    }

    fn open(&self, ctx: &Context, request: &ReadRequest) -> Result<Opened> {
        let entity = self.entity(&request.source)?;
        self.answers(request)?;
        let look = Look { in_parts: self.format.in_parts(), cancel: &ctx.cancel };
        let listing = self.source.list_for(request, entity, &look)?;
        let mut notes: Vec<Note> = Vec::new();
        if let Some(state) = &request.dropped {
            let shown = self.shown(&request.source);
            notes.extend(settled::rows_that_go(&apart(state).0, &listing.files, &shown, &ctx.cancel)?);
        }
        if listing.files.is_empty() {
            return Ok(Opened::Unchanged(Unchanged { notes, ..settled::none_new() }));
        }
        let passed_over = self.passed_over(&listing);
        let fetched: Vec<Note> = listing.notes().map(Note::from).collect();
        let state = request.since.as_ref().and_then(|since| since.state.as_ref()).map(apart);
        let (state, before) = state.map_or_else(Default::default, |(state, before)| (Some(state), before));
        let asked =
            ReadRequest { since: request.since.clone().map(|since| Since { state, ..since }), ..request.clone() };
        // All of them must agree, also with those that have settled.
        let keyed = self.source.keys(entity, &listing.files)?.is_some();
        let read_as = self.format.read_as(request) + &self.partitions.said().unwrap_or_default();
        let read_as = Question::digest(&read_as);
        let to_read = match settled::look(&asked, listing.files, &read_as, keyed, &ctx.cancel)? {
            Looked::Unchanged(how) => return Ok(Opened::Unchanged(how)),
            Looked::Read(to_read) => to_read,
        };
        notes.extend(to_read.notes.iter().cloned());
        notes.extend(fetched);
        notes.extend(passed_over.map(Note::from));
        let mut found = self.look(&Ask { ctx, request, files: &to_read.files, before: &before }, entity)?;
        notes.append(&mut found.notes);
        found.notes = notes;
        Ok(Opened::Scan(Box::new(FilesScan { found, to_read })))
    }
}

/// What is remembered of files, and what the format has asked for beside.
fn apart(state: &Value) -> (Value, Map<String, Value>) {
    match state {
        Value::Object(all) if !all.contains_key("form") && all.contains_key("files") => {
            let mut format = all.clone();
            let files = format.remove("files").unwrap_or_default();
            (files, format)
        }
        files => (files.clone(), Map::new()),
    }
}

/// [`apart`] put together.
fn together(files: Value, mut format: Map<String, Value>) -> Value {
    if format.is_empty() {
        return files;
    }
    format.insert("files".to_owned(), files);
    Value::Object(format)
}

/// Files by their number and size, for people.
pub(super) fn files_and_size(files: &[PinnedFile]) -> String {
    let size = hygge_core::budget::shown_bytes(files.iter().map(|f| f.len).sum());
    match files {
        [one] => format!("{}, {size}", one.shown),
        [first, .., last] => format!("{} files, {size}, from {} to {}", files.len(), first.shown, last.shown),
        [] => "no file".to_owned(),
    }
}

/// A split's payload as its home wrote it.
pub(super) fn payload<T: serde::de::DeserializeOwned>(split: &Split) -> Result<T> {
    serde::Deserialize::deserialize(&split.payload).map_err(|e| Error::bug("a split of another home").because(e))
}

/// A number of things: `1 row`, `2 rows`.
pub(super) fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
pub(crate) mod tests;
