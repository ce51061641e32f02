//! What every command of a project needs: its configuration, its flows, and a context to run them in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hygge_core::budget::Budget;
use hygge_core::context::{Cancellation, Clock, Context, SystemClock, new_run_id};
use hygge_core::coordinator::{check_graph, expand};
use hygge_core::event::{Observer, Silent};
use hygge_core::flow::FlowSpec;
use hygge_core::{Error, Result};

use super::args::{Everywhere, Select};
use super::choose::choose;
use super::signals;
use super::stop::Stop;
use crate::config::{Locate, Project, size};
use crate::project::{self, Overrides};
use crate::report::advisor::Advisor;
use crate::report::screen::stopping;
use crate::report::{Verbosity, screen::Screen};

/// A project, read and understood.
pub(super) struct Session {
    pub(super) project: Project,
    /// The chosen flows.
    pub(super) flows: Vec<FlowSpec>,
    pub(super) advisor: Arc<Advisor>,
}

impl Session {
    /// Reads the project and chooses flows.
    pub(super) fn open(everywhere: &Everywhere, select: &Select, overrides: Overrides) -> Result<Self, Stop> {
        let project = load(everywhere)?;
        let flows = project::build(&project.root, &project.name, &project.flows, overrides)?;
        // The whole graph is looked at: a flow that was not chosen may stand between two that were.
        check_graph(&flows)?;
        let wanted: Vec<String> = select.flows.iter().chain(&select.more_flows).cloned().collect();
        let names = |flow: &FlowSpec| names_of(&project.root, project.options.memory, flow);
        let flows = choose(&flows, &wanted, &select.entities, &names)?;
        let advisor = Arc::new(project::advisor(&project.flows));
        Ok(Self { project, flows, advisor })
    }

    /// The name that the project's folder gives it, where it has none of its own.
    pub(super) fn unnamed(&self) -> Option<&str> {
        (!self.project.is_named).then_some(self.project.name.as_str())
    }

    /// Where this machine's history of the project lies.
    pub(super) fn journal(&self) -> PathBuf {
        self.project.root.join(".hygge").join("journal.db")
    }

    /// A context that writes nothing and tells nobody, for commands that only look.
    pub(super) fn looking(&self) -> Result<Context> {
        let cores = cores();
        context(&self.project.root, self.project.options.memory, cores, Arc::new(Silent), None)
    }
}

/// The entities that a flow has now; none where its home does not tell them, as before another flow has settled there.
fn names_of(root: &Path, memory: u64, flow: &FlowSpec) -> Option<Vec<String>> {
    let ctx = quiet_context(&new_run_id(&SystemClock), root, memory, cores(), Arc::new(Silent)).ok()?;
    Some(expand(&ctx, flow).ok()?.into_iter().filter_map(|spec| spec.owner.entity).collect())
}

/// Reads the project that is meant.
pub(super) fn load(everywhere: &Everywhere) -> Result<Project, Stop> {
    Ok(Project::load(&locate(everywhere)?)?)
}

/// Where to look for the project.
pub(super) fn locate(everywhere: &Everywhere) -> Result<Locate> {
    Ok(Locate {
        project: everywhere.project.clone(),
        env_file: everywhere.env_file.clone(),
        vars: everywhere.vars.clone(),
        registry: Arc::clone(&everywhere.registry),
        ..Locate::here()?
    })
}

/// Whether a text is a path or a URL: it says so itself, or nothing else can be meant and there is such a file. What may
/// be a name of the project as well is left to those who know its names.
pub(super) fn is_place(text: &str, locate: &Locate) -> Result<bool> {
    // What - would stand for is told where places are read.
    if text == "-" || text.contains(['/', '.', '*']) || text.starts_with("sqlite:") {
        return Ok(true);
    }
    match locate.find() {
        Ok(_) => Ok(false),
        Err(_) if locate.project.is_none() && locate.cwd.join(text).exists() => Ok(true),
        Err(_) if locate.project.is_none() => {
            Err(Error::refused(format!("there is no {text} here, and no project in which it could be a name"))
                .next("name a file, a folder or a URL, or the project with  -C FOLDER"))
        }
        Err(error) => Err(error),
    }
}

/// How much is told.
pub(super) fn verbosity(everywhere: &Everywhere) -> Verbosity {
    match (everywhere.quiet, everywhere.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    }
}

/// How many threads run at once on this machine.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A size as it was typed.
pub(super) fn memory(typed: Option<&str>, configured: u64) -> Result<u64> {
    typed.map_or(Ok(configured), size)
}

/// A run's context; from here on Ctrl-C asks for a clean stop.
pub(super) fn context(
    root: &Path,
    memory: u64,
    parallel: usize,
    observer: Arc<dyn Observer>,
    screen: Option<Arc<Screen>>,
) -> Result<Context> {
    let clock = SystemClock;
    let run = new_run_id(&clock);
    named_context(&run, root, memory, parallel, observer, screen)
}

/// The same, for a run whose name is known.
pub(super) fn named_context(
    run: &str,
    root: &Path,
    memory: u64,
    parallel: usize,
    observer: Arc<dyn Observer>,
    screen: Option<Arc<Screen>>,
) -> Result<Context> {
    let ctx = quiet_context(run, root, memory, parallel, observer)?;
    super::allocator::fit(usize::try_from(memory).unwrap_or(usize::MAX));
    signals::heed(&ctx.cancel, move || stopping(screen.as_deref()))?;
    Ok(ctx)
}

/// The same, without heeding Ctrl-C.
fn quiet_context(run: &str, root: &Path, memory: u64, parallel: usize, observer: Arc<dyn Observer>) -> Result<Context> {
    let total = usize::try_from(memory).map_err(|_| Error::refused("this machine cannot address so much memory"))?;
    let budget = Budget::new(total, parallel)?;
    let (root, clock): (_, Arc<dyn Clock>) = (Arc::new(root.to_path_buf()), Arc::new(SystemClock));
    Ok(Context { run: run.into(), root, budget, cancel: Cancellation::default(), clock, observer })
}
