//! A store that is a program: it reads one Arrow IPC stream from its standard input, and answers with a count.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ChildStdin;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use hygge_core::Result;
use hygge_core::context::Context;
use hygge_core::place::PlaceId;
use hygge_core::simple::{Sink, Unstaged};

use crate::config::Exec;
use crate::exec::{Answer, Pipe, Program, Running};
use crate::files::arrow::compact::compact;

/// A program that takes rows.
pub struct ExecStore {
    root: PathBuf,
    config: Exec,
    entity: Option<String>,
}

impl ExecStore {
    /// The program of `config`, run in the project's root. Nothing is started yet.
    #[must_use]
    pub fn new(root: &Path, config: &Exec, entity: Option<&str>) -> Self {
        Self { root: root.to_path_buf(), config: config.clone(), entity: entity.map(str::to_owned) }
    }

    fn program(&self, entity: Option<&str>) -> Program {
        Program::new(&self.root, &self.config, entity.or(self.entity.as_deref()))
    }

    /// The program that settles in a place, which names its entity.
    fn program_of(&self, place: &PlaceId) -> Program {
        self.program(place.path.get(1).map(String::as_str))
    }
}

impl Unstaged for ExecStore {
    fn kind(&self) -> &'static str {
        "exec"
    }

    fn place(&self, entity: Option<&str>) -> Result<PlaceId> {
        let program = self.program(entity);
        let path = [Some(program.digest()), entity.map(str::to_owned)].into_iter().flatten().collect();
        Ok(PlaceId { resource: "exec:".to_owned(), path, shown: program.shown().to_owned() })
    }

    fn replaces(&self) -> bool {
        self.config.replaces
    }

    fn publish(&self) -> String {
        "the program takes one stream of all rows, and answers with its count of them".to_owned()
    }

    fn check(&self, _: &Context, place: &PlaceId) -> Result<Vec<String>> {
        self.program_of(place).check()
    }

    fn sink(&self, ctx: &Context, place: &PlaceId, schema: &SchemaRef) -> Result<Box<dyn Sink>> {
        let mut running = self.program_of(place).start(ctx, true)?;
        let answer = Answer::listen(running.whole_output()?);
        let input = BufWriter::with_capacity(64 << 10, running.input()?);
        match StreamWriter::try_new(input, schema) {
            Ok(stream) => Ok(Box::new(ExecSink { stream: Some(stream), running, answer })),
            Err(error) => Err(broken(&mut running, &error)),
        }
    }
}

struct ExecSink {
    // Dropped in this order: a program that saw the end of its pipe would take a part for all there is.
    running: Running,
    /// None once it broke.
    stream: Option<StreamWriter<BufWriter<Pipe<ChildStdin>>>>,
    answer: Answer,
}

/// Why rows cannot be sent.
fn broken(running: &mut Running, error: &ArrowError) -> hygge_core::Error {
    match error {
        ArrowError::IoError(..) => running.broke("the program stopped to take rows"),
        error => running.failed(&format!("its rows cannot be sent as Arrow IPC: {error}")),
    }
}

impl Sink for ExecSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let Some(stream) = &mut self.stream else { return Err(self.running.broke("the program stopped to take rows")) };
        let sent = compact(batch).and_then(|batch| stream.write(&batch));
        sent.map_err(|error| broken(&mut self.running, &error))
    }

    fn end(mut self: Box<Self>) -> Result<u64> {
        let Some(mut stream) = self.stream.take() else {
            return Err(self.running.broke("the program stopped to take rows"));
        };
        if let Err(error) = stream.finish() {
            // The pipe is closed after this: the program must not take what came for all there is.
            return Err(broken(&mut self.running, &error));
        }
        let closed = stream.into_inner().and_then(|buffer| buffer.into_inner().map_err(|e| e.into_error().into()));
        match closed {
            Ok(pipe) => drop(pipe),
            Err(error) => return Err(broken(&mut self.running, &error)),
        }
        self.running.end()?;
        let Self { running, answer, .. } = *self;
        answer.rows(&running)
    }
}
