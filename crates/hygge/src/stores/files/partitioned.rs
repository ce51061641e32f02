//! Rows that go to folders called `name=value`: parted by the values of some columns, which the files then leave out.
//!
//! Rows are held back until they fill a part of the split's memory, and are then written folder by folder, so that files
//! are as large as they can be. A few files stay open for what comes next; the one that waited longest gives way.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::interleave::interleave_record_batch;
use hygge_core::context::SplitContext;
use hygge_core::split::{Split, Staged};
use hygge_core::store::Writer;
use hygge_core::tally::Tallier;
use hygge_core::{Error, Result};

use super::load::{Shared, in_split};
use crate::files::format::Encoder;
use crate::files::hive::texts::Texts;
use crate::files::place::folder::PlacedFile;

/// An open file is worth at least so much memory, in bytes.
const WRITER_FLOOR: usize = 1 << 20;

/// More files than this are never open at once.
const MOST_OPEN: usize = 16;

/// More folders than this are no partitions but rows.
const MOST_FOLDERS: usize = 100_000;

/// What is kept of a folder, in bytes: its name, its rows that wait, its files.
const FOLDER_BYTES: usize = 128;

/// What is kept of a file in the end, in bytes: its name and numbers, and twice the text that tells them.
const FILE_BYTES: usize = 384;

/// One attempt at a split, in files that nobody else knows.
pub(super) struct PartitionedWriter {
    shared: Arc<Shared>,
    split: Split,
    ctx: SplitContext,
    tallier: Tallier,
    /// The columns that files hold, by position.
    own: Vec<usize>,
    /// Those that folders tell.
    keys: Vec<usize>,
    schema: SchemaRef,
    folders: Folders,
    /// How many rows came.
    rows: u64,
    /// Rows that wait: whole batches, of the columns that files hold, and of every folder which of their rows.
    held: Vec<RecordBatch>,
    waiting: Vec<Vec<(usize, usize)>>,
    held_bytes: usize,
    /// Files that are open, by folder; the one that was written last is the last.
    open: Vec<OpenFile>,
    most_open: usize,
    files: Vec<DoneFile>,
    /// How many files were begun.
    begun: u32,
    /// No more are: when they are told, no row waits any more, and the share is theirs.
    most_files: usize,
    done: bool,
}

/// A file that rows of one folder go to.
struct OpenFile {
    folder: usize,
    number: u32,
    encoder: Box<dyn Encoder>,
}

/// A file that is complete.
struct DoneFile {
    folder: usize,
    number: u32,
    rows: u64,
    size: u64,
}

/// The folders of a split, numbered.
struct Folders {
    numbers: HashMap<Arc<str>, usize>,
    names: Vec<Arc<str>>,
    most: usize,
}

impl Folders {
    fn number(&mut self, name: &str) -> Result<usize> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        if self.names.len() >= self.most {
            return Err(Error::failed(format!("the rows of one split would go to more than {} folders", self.most))
                .next("choose columns of fewer values for `partition_by`, or give more --memory"));
        }
        let number = self.names.len();
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        Ok(number)
    }
}

impl PartitionedWriter {
    pub(super) fn new(shared: Arc<Shared>, split: &Split, ctx: &SplitContext) -> Self {
        let keys = shared.layout.keys.clone();
        let own: Vec<usize> = (0..shared.layout.schema.fields().len()).filter(|at| !keys.contains(at)).collect();
        let most_open = (ctx.share.writer_bytes() / 2 / WRITER_FLOOR).clamp(1, MOST_OPEN);
        // Half of what a writer may hold is for rows that wait.
        ctx.share.divide_writers(2 * most_open);
        Self {
            tallier: Tallier::new(&shared.layout.schema),
            schema: Arc::clone(&shared.layout.file_schema),
            split: split.clone(),
            ctx: ctx.clone(),
            own,
            keys,
            folders: Folders {
                numbers: HashMap::new(),
                names: Vec::new(),
                most: (ctx.share.bytes() / 4 / FOLDER_BYTES).min(MOST_FOLDERS),
            },
            rows: 0,
            held: Vec::new(),
            waiting: Vec::new(),
            held_bytes: 0,
            open: Vec::new(),
            most_open,
            files: Vec::new(),
            begun: 0,
            most_files: ctx.share.bytes() / FILE_BYTES,
            done: false,
            shared,
        }
    }

    /// Where each row of a batch goes.
    fn part(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = self.keys.iter().map(|&at| {
            let field = batch.schema_ref().field(at);
            Texts::of(field.name(), batch.column(at))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let at = self.held.len();
        let mut last: Option<usize> = None;
        let mut name = String::new();
        for row in 0..batch.num_rows() {
            let same = row > 0 && columns.iter().all(|column| column.same(row - 1, row));
            let folder = if let Some(folder) = last.filter(|_| same) {
                folder
            } else {
                name.clear();
                for column in &columns {
                    if !name.is_empty() {
                        name.push('/');
                    }
                    let at = self.rows + row as u64 + 1;
                    column.folder(row, &mut name).map_err(|e| match e.place() {
                        Some(column) => {
                            let place = format!("row {at} of the split, {column}");
                            e.at(place)
                        }
                        None => e,
                    })?;
                }
                self.folders.number(&name)?
            };
            last = Some(folder);
            if self.waiting.len() <= folder {
                self.waiting.resize_with(folder + 1, Vec::new);
            }
            self.waiting[folder].push((at, row));
        }
        Ok(())
    }

    /// Writes all rows that wait, those of open files first and then from small to large, so that the folders of many
    /// rows stay open.
    fn let_go(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let held = std::mem::take(&mut self.held);
        let rows: usize = held.iter().map(RecordBatch::num_rows).sum();
        let each = (self.held_bytes / rows.max(1)).max(1);
        let most = (self.ctx.batch_bytes() / each).clamp(1, self.ctx.batch_rows.max(1));
        self.held_bytes = 0;
        let is_open = |folder: usize| self.open.iter().any(|file| file.folder == folder);
        let mut order: Vec<usize> = (0..waiting.len()).filter(|&folder| !waiting[folder].is_empty()).collect();
        order.sort_by_key(|&folder| (!is_open(folder), waiting[folder].len(), folder));
        let batches: Vec<&RecordBatch> = held.iter().collect();
        for folder in order {
            self.ctx.cancel().check()?;
            let rows = &waiting[folder];
            let mut from = 0;
            while from < rows.len() {
                let (batch, first) = rows[from];
                // Neighbours need no copy.
                let near = rows[from..].iter().zip(first..).take_while(|((b, r), at)| *b == batch && r == at).count();
                let take =
                    if near > most / 2 || near == rows.len() - from { near } else { most.min(rows.len() - from) };
                let part = if take == near {
                    held[batch].slice(first, near)
                } else {
                    interleave_record_batch(&batches, &rows[from..from + take])
                        .map_err(|e| Error::failed("rows could not be parted").because(e))?
                };
                self.file(folder)?.encoder.write(&part)?;
                from += take;
            }
        }
        Ok(())
    }

    /// The open file of a folder; another is finished for it where too many are open.
    fn file(&mut self, folder: usize) -> Result<&mut OpenFile> {
        let file = if let Some(at) = self.open.iter().position(|file| file.folder == folder) {
            self.open.remove(at)
        } else {
            if self.open.len() >= self.most_open {
                let longest = self.open.remove(0);
                self.close(longest)?;
            }
            let held = &self.shared.held;
            let number = self.begun;
            if number as usize >= self.most_files {
                return Err(Error::failed(format!("the rows of one split would go to more than {} files", self.most_files))
                    .next("sort the rows by the columns of `partition_by`, choose columns of fewer values, or give more --memory"));
            }
            let file = held.disk.create(&self.path(number))?;
            self.begun += 1;
            OpenFile { folder, number, encoder: held.format.encoder(file, &self.schema, &self.ctx)? }
        };
        self.open.push(file);
        self.open.last_mut().ok_or_else(|| Error::bug("a file that was just opened is not there"))
    }

    /// The name of a file of this attempt among the parts.
    fn name(&self, number: u32) -> String {
        let extension = self.shared.held.format.extension();
        format!("{:05}-{}-{number:05}.{extension}.staged", self.split.ordinal, self.ctx.attempt)
    }

    fn path(&self, number: u32) -> PathBuf {
        self.shared.held.staging().join("parts").join(self.name(number))
    }

    /// Completes a file.
    fn close(&mut self, file: OpenFile) -> Result<()> {
        let held = &self.shared.held;
        let path = self.path(file.number);
        let written = file.encoder.finish()?;
        held.disk.sync_file(&written, &path)?;
        self.files.push(DoneFile {
            folder: file.folder,
            number: file.number,
            rows: held.format.count_rows(&path)?,
            size: written.metadata().map_err(|e| Error::io("look at", &path, e))?.len(),
        });
        Ok(())
    }

    fn take(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.part(batch)?;
        let own = batch.project(&self.own).map_err(|e| Error::bug("a column of the load is gone").because(e))?;
        let own = own.with_schema(Arc::clone(&self.schema)).map_err(|e| Error::bug("a column changed").because(e))?;
        self.held_bytes += own.get_array_memory_size() + batch.num_rows() * size_of::<(usize, usize)>();
        self.held.push(own);
        self.rows += batch.num_rows() as u64;
        if self.held_bytes >= self.ctx.share.writer_bytes().saturating_mul(self.most_open) {
            self.let_go()?;
        }
        Ok(())
    }

    fn complete(&mut self) -> Result<Staged> {
        self.let_go()?;
        while let Some(file) = self.open.pop() {
            self.close(file)?;
        }
        let placed = self.files.iter().map(|file| PlacedFile {
            staged: self.name(file.number),
            folder: self.folders.names[file.folder].to_string(),
            rows: file.rows,
            size: file.size,
        });
        let payload = PlacedFile::payload(&placed.collect::<Vec<_>>())?;
        Ok(Staged {
            split: self.split.ordinal,
            attempt: self.ctx.attempt,
            tally: self.tallier.tally(),
            stored_rows: self.files.iter().map(|file| file.rows).sum(),
            bytes: self.files.iter().map(|file| file.size).sum(),
            payload,
        })
    }
}

impl Writer for PartitionedWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.tallier.add(batch)?;
        self.take(batch).map_err(|e| in_split(e, &self.split))
    }

    fn finish(mut self: Box<Self>) -> Result<Staged> {
        let staged = self.complete().map_err(|e| in_split(e, &self.split))?;
        // One attempt per split: the first is the one. The names become durable with the folder that is published.
        let mut admitted = self.shared.staged();
        if let Some(first) = admitted.get(&self.split.ordinal) {
            return Ok(first.clone());
        }
        admitted.insert(self.split.ordinal, staged.clone());
        drop(admitted);
        self.done = true;
        Ok(staged)
    }
}

impl Drop for PartitionedWriter {
    fn drop(&mut self) {
        if !self.done {
            self.open.clear();
            for number in 0..self.begun {
                let _ = self.shared.held.disk.remove_file(&self.path(number));
            }
        }
    }
}
