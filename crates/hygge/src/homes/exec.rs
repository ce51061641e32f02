//! A home that is a program: it writes one Arrow IPC stream to its standard output.

use std::path::{Path, PathBuf};
use std::process::ChildStdout;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arrow_schema::{Schema, SchemaRef};
use hygge_core::context::{Context, SplitContext};
use hygge_core::cut::Cut;
use hygge_core::event::Note;
use hygge_core::home::{Batch, BatchStream, Home, Opened, ReadRequest, Repeat, Scan, Source, TableInfo};
use hygge_core::place::PlaceId;
use hygge_core::receipt::Options;
use hygge_core::simple::{chosen, only_all, the_one_split};
use hygge_core::split::Split;
use hygge_core::watermark::Bound;
use hygge_core::{Error, ErrorKind, Result};

use crate::config::Exec;
use crate::exec::{Broken, IpcStream, Pipe, Program, Running};

/// A program that writes rows.
pub struct ExecHome {
    root: PathBuf,
    config: Exec,
    entity: Option<String>,
}

impl ExecHome {
    /// The program of `config`, run in the project's root. Nothing is started yet.
    #[must_use]
    pub fn new(root: &Path, config: &Exec, entity: Option<&str>) -> Self {
        Self { root: root.to_path_buf(), config: config.clone(), entity: entity.map(str::to_owned) }
    }

    fn program(&self, source: &Source) -> Program {
        let entity = match source {
            Source::Whole { entity: Some(entity) } => Some(entity),
            _ => self.entity.as_ref(),
        };
        Program::new(&self.root, &self.config, entity.map(String::as_str))
    }
}

impl Home for ExecHome {
    fn kind(&self) -> &'static str {
        "exec"
    }

    fn shown(&self, source: &Source) -> String {
        self.program(source).shown().to_owned()
    }

    fn identity(&self) -> String {
        format!("exec:{}", Program::new(&self.root, &self.config, self.entity.as_deref()).digest())
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn location(&self, _: &Source) -> Option<PlaceId> {
        None
    }

    fn max_readers(&self) -> usize {
        1
    }

    fn check(&self, _: &Context, source: &Source, _: bool) -> Result<Vec<String>> {
        self.program(source).check()
    }

    fn tables(&self, _: &Context, _: &str) -> Result<Vec<TableInfo>> {
        Err(Error::refused("a program has no tables to list").next("list the flow's  entities:  instead"))
    }

    fn open(&self, ctx: &Context, request: &ReadRequest) -> Result<Opened> {
        let program = self.program(&request.source);
        only_all("exec", request).map_err(|error| error.at(program.shown()))?;
        let splits = [the_one_split(program.shown())];
        if request.plan_only {
            program.find()?;
            return Ok(Opened::Scan(Box::new(ExecScan { schema: None, splits, reading: Mutex::default() })));
        }
        let mut running = program.start(ctx, false)?;
        let stream = match IpcStream::open(running.output()?) {
            Ok(stream) => stream,
            Err(broken) => return Err(unread(&mut running, &broken)),
        };
        let columns = chosen(&stream.schema(), request.columns.as_deref()).map_err(|e| e.at(program.shown()))?;
        let schema = Some(SchemaRef::new(stream.schema().project(&columns)?));
        let shown = program.shown().to_owned();
        let reading = Mutex::new(Some(Reading { running, stream, columns, shown }));
        Ok(Opened::Scan(Box::new(ExecScan { schema, splits, reading })))
    }
}

/// Why its stream cannot be read.
fn unread(running: &mut Running, broken: &Broken) -> Error {
    let error = running.broke(&broken.found());
    advised(running, error, broken.advice())
}

/// What a program that failed by itself said last is what to mend; any other is told.
fn advised(running: &Running, error: Error, advice: Option<&str>) -> Error {
    let told = error.advice().is_some() || error.kind() == ErrorKind::Cancelled;
    match advice.filter(|_| !told && running.meant_well()) {
        Some(advice) => error.next(advice),
        None => error,
    }
}

/// A program in the middle of its stream.
struct Reading {
    running: Running,
    stream: IpcStream<Pipe<ChildStdout>>,
    columns: Vec<usize>,
    shown: String,
}

struct ExecScan {
    /// None where the program does not run, as it does not for a plan.
    schema: Option<SchemaRef>,
    splits: [Split; 1],
    reading: Mutex<Option<Reading>>,
}

impl Scan for ExecScan {
    fn schema(&self) -> SchemaRef {
        self.schema.clone().unwrap_or_else(|| SchemaRef::new(Schema::empty()))
    }

    fn knows_columns(&self) -> bool {
        self.schema.is_some()
    }

    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn bound(&self) -> Option<&Bound> {
        None
    }

    fn repeat(&self) -> Repeat {
        Repeat::Once
    }

    fn notes(&self) -> Vec<Note> {
        if self.knows_columns() {
            return Vec::new();
        }
        vec![
            "a plan does not run the program: only a run tells its columns, and whether the store takes them"
                .to_owned()
                .into(),
        ]
    }

    fn read(&self, _: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut reading =
            reading.ok_or_else(|| Error::moved_on("a program's rows come once, and were read already"))?;
        reading.running.heed(ctx.cancel());
        reading.stream.pipe().heed(ctx.cancel());
        Ok(Box::new(ExecStream { reading, cut: None, ctx: ctx.clone() }))
    }

    fn finish(self: Box<Self>, _: &Context) -> Result<Option<serde_json::Value>> {
        Ok(None)
    }
}

struct ExecStream {
    reading: Reading,
    cut: Option<Cut>,
    ctx: SplitContext,
}

impl ExecStream {
    /// The next batch as the program cut it.
    fn batch(&mut self) -> Result<Option<Cut>> {
        let Reading { running, stream, columns, shown } = &mut self.reading;
        let share = &self.ctx.share;
        loop {
            let message = match stream.announced() {
                Ok(Some(message)) => message,
                Ok(None) => return Ok(None),
                Err(broken) => return Err(unread(running, &broken)),
            };
            // Before a byte of it is held. What dictionaries keep stays beside it.
            let bytes = message.bytes.saturating_add(stream.kept_bytes());
            let number = stream.batches() + 1;
            share.admit_batch(bytes, self.ctx.cancel(), || format!("{shown}, batch {number}"))?;
            let batch = match stream.read(&message) {
                Ok(batch) => batch,
                Err(broken) => return Err(unread(running, &broken)),
            };
            self.ctx.add_bytes_read(message.bytes as u64);
            if let Some(batch) = batch {
                return Cut::new(batch.project(columns)?, bytes, &self.ctx, || format!("{shown}, batch {number}"))
                    .map(Some);
            }
        }
    }

    /// The stream has ended: nothing may follow, and the program must call it a success.
    fn end(&mut self) -> Result<()> {
        let Reading { running, stream, .. } = &mut self.reading;
        let mut more = stream.has_more();
        let mut closed = false;
        while !more && !closed {
            self.ctx.cancel().check()?;
            // In this order: what it wrote before it ended is there to be read.
            let over = running.is_over();
            match stream.pipe().read_now(&mut [0; 64]) {
                Ok(Some(0)) | Err(_) => closed = true,
                Ok(Some(_)) => more = true,
                Ok(None) if over => closed = true,
                Ok(None) => self.ctx.cancel().sleep(Duration::from_millis(2)),
            }
        }
        if more {
            let error = running.broke("the program wrote on after the end of its stream");
            return Err(advised(running, error, Some("let it write whatever it has to say to standard error")));
        }
        running.end()
    }
}

impl BatchStream for ExecStream {
    fn next(&mut self) -> Result<Option<Batch>> {
        loop {
            self.ctx.cancel().check()?;
            if let Some(rows) = self.cut.as_mut().and_then(Iterator::next) {
                return Ok(Some(rows?.into()));
            }
            self.cut = None;
            self.cut = self.batch()?;
            if self.cut.is_none() {
                self.end()?;
                return Ok(None);
            }
        }
    }
}
