//! `hygge go` and `hygge plan`.

use std::sync::Arc;
use std::time::Instant;

use hygge_core::context::{Clock, Context, SystemClock, new_run_id};
use hygge_core::coordinator::{Preflight, RunOptions, RunReport, preflight};
use hygge_core::event::Observer;
use hygge_core::flow::FlowSpec;
use hygge_core::home::Source;
use hygge_core::journal::Journal;
use hygge_core::{Error, Result};

use super::args::{Everywhere, Go, LogFormat, Select};
use super::session::{self, Session};
use super::stop::{Stop, last_panic};
use crate::config::{self, LogLevel};
use crate::project::Overrides;
use crate::report::advisor::Advisor;
use crate::report::closing::Facts;
use crate::report::json::JsonLines;
use crate::report::log::RunLog;
use crate::report::screen::Screen;
use crate::report::{self, Everyone, Verbosity};

/// What the command line changes in the flows.
pub(super) fn overrides(typed: &Go) -> Overrides {
    Overrides { incremental: typed.incremental, full: typed.full_drop, force: typed.force }
}

/// Shows what would be done.
pub(super) fn plan(everywhere: &Everywhere, select: &Select, overrides: Overrides) -> Result<u8, Stop> {
    let session = Session::open(everywhere, select, overrides)?;
    let ctx = session.looking()?;
    let preflight = preflight(&ctx, &session.flows);
    ctx.cancel.check()?;
    let verbosity = session::verbosity(everywhere);
    report::out(&report::plan::screen(&preflight, &session.advisor, session.unnamed(), verbosity, report::width()));
    let refused = preflight.refusals().next().is_some();
    let failed = preflight.flows.iter().any(|(_, planned)| matches!(planned, hygge_core::coordinator::Planned::Not(_)));
    Ok(if refused { 2 } else { u8::from(failed) })
}

/// Runs the flows of a project.
pub(super) fn run(everywhere: &Everywhere, typed: &Go) -> Result<u8, Stop> {
    let began = Instant::now();
    let session = Session::open(everywhere, &typed.select, overrides(typed))?;
    let options = &session.project.options;
    let concurrency = typed.concurrency.map_or(options.concurrency, |n| n as usize).max(1);
    let run = Run {
        root: session.project.root.clone(),
        memory: session::memory(typed.memory.as_deref(), options.memory)?,
        options: RunOptions { concurrency, fail_fast: typed.fail_fast || !options.continue_on_error },
        verbosity: session::verbosity(everywhere),
        json: typed.log == LogFormat::Json,
        unnamed: session.unnamed().map(str::to_owned),
        keeping: Some(Keeping {
            journal: session.journal(),
            logs: session.project.root.join(".hygge").join("logs"),
            level: options.log_level,
            keep_days: options.keep,
            about: about(&session, typed),
        }),
        began,
    };
    Ok(run.go(&session.flows, &session.advisor)?)
}

/// What the log says first: who ran what, with which settings.
fn about(session: &Session, typed: &Go) -> Vec<String> {
    let options = &session.project.options;
    let mut lines = vec![
        format!("hygge {} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH),
        format!("project {} at {}", session.project.name, session.project.file.display()),
        format!("options {options:?}"),
        format!("command line {typed:?}"),
    ];
    for flow in session.project.flows.iter().filter(|flow| session.flows.iter().any(|f| f.name == flow.name)) {
        lines.push(format!("flow {:?}", without_sql(flow)));
    }
    lines
}

/// The flow without its conditions and queries: what they compare with may be a secret.
fn without_sql(flow: &config::Flow) -> config::Flow {
    let mut flow = flow.clone();
    let hide = |entity: &mut config::Entity| {
        let hidden = |text: &mut String| "not kept".clone_into(text);
        entity.filter.iter_mut().for_each(hidden);
        if let Source::Query(text) = &mut entity.source {
            hidden(text);
        }
    };
    match &mut flow.entities {
        config::Entities::Listed(entities) => entities.iter_mut().for_each(hide),
        config::Entities::Tables { template, .. } => hide(template),
    }
    flow
}

/// What a run keeps of itself.
pub(super) struct Keeping {
    journal: std::path::PathBuf,
    logs: std::path::PathBuf,
    level: LogLevel,
    keep_days: u32,
    about: Vec<String>,
}

/// A run of flows, from the plan to the last line.
pub(super) struct Run {
    pub(super) root: std::path::PathBuf,
    pub(super) memory: u64,
    pub(super) options: RunOptions,
    pub(super) verbosity: Verbosity,
    pub(super) json: bool,
    /// The name that a project's folder gives it, where it has none of its own.
    pub(super) unnamed: Option<String>,
    /// Where history is kept; none for a run outside of a project.
    pub(super) keeping: Option<Keeping>,
    pub(super) began: Instant,
}

impl Run {
    /// Plans, runs, tells, tidies; answers with the exit code.
    pub(super) fn go(&self, flows: &[FlowSpec], advisor: &Arc<Advisor>) -> Result<u8> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let run = new_run_id(clock.as_ref());
        let json = self.json.then(|| Arc::new(JsonLines::new(&run, Arc::clone(&clock), Arc::clone(advisor))));
        let screen = (!self.json).then(|| Arc::new(Screen::new(self.verbosity, Arc::clone(advisor))));
        let parallel = self.options.concurrency.max(session::cores());
        let silent: Arc<dyn Observer> = Arc::new(Everyone(Vec::new()));
        let looking = session::named_context(&run, &self.root, self.memory, parallel, silent, screen.clone())?;

        let preflight = preflight(&looking, flows);
        if !looking.cancel.is_asked() && Self::refused(&preflight, advisor, json.as_deref()) {
            if let Some(json) = &json {
                json.finished(&[], &self.facts(None), 2);
            }
            return Ok(2);
        }
        if let Some(screen) = &screen {
            screen.expect(preflight.flows.iter().map(|(owner, _)| owner));
        }
        let mut listeners: Vec<Arc<dyn Observer>> = Vec::new();
        let log = self.log(&run, &clock, advisor);
        let now = || clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let journal = self.journal(&run, &now());
        listeners.extend(log.as_ref().ok().and_then(Option::as_ref).map(|log| Arc::clone(log) as Arc<dyn Observer>));
        listeners.extend(screen.as_ref().map(|screen| Arc::clone(screen) as Arc<dyn Observer>));
        listeners.extend(json.as_ref().map(|json| Arc::clone(json) as Arc<dyn Observer>));
        let ctx = Context { observer: Arc::new(Everyone(listeners)), ..looking };
        let tell = |text: &str| self.tell(text, screen.as_deref(), json.as_deref());
        for error in [log.as_ref().err(), journal.as_ref().err()].into_iter().flatten() {
            tell(&without_history(error));
        }
        if let Some(text) = report::plan::name_of_folder(&preflight, self.unnamed.as_deref()) {
            tell(&text);
        }
        let (log, journal) = (log.ok().flatten(), journal.ok().flatten());

        let report = hygge_core::coordinator::run(&ctx, flows, self.options, journal.as_ref());

        let code = report.exit_code();
        if let Some(screen) = &screen {
            screen.clear();
        }
        if let Some(journal) = &journal
            && let Err(error) = journal.finished(&run, &now(), code)
        {
            tell(&without_history(&error));
        }
        self.close(&report, code, advisor, log.as_deref(), json.as_deref());
        report.tidy();
        Ok(code)
    }

    /// Tells what forbids the run to start; whether anything does.
    fn refused(preflight: &Preflight, advisor: &Advisor, json: Option<&JsonLines>) -> bool {
        let mut any = false;
        let mut text = String::new();
        for (owner, error) in preflight.refusals() {
            any = true;
            let advice = advisor.advise(owner, error);
            match json {
                Some(json) => json.refused(Some(owner), error, advice.as_deref()),
                None => text.push_str(&report::plan::refusal(owner, error, advice.as_deref(), report::width())),
            }
        }
        if any && json.is_none() {
            text.push_str("Refused before anything started; nothing was written.\n");
            report::err(&text);
        }
        any
    }

    fn log(&self, run: &str, clock: &Arc<dyn Clock>, advisor: &Arc<Advisor>) -> Result<Option<Arc<RunLog>>> {
        let Some(keeping) = &self.keeping else { return Ok(None) };
        let log = RunLog::begin(
            &keeping.logs,
            run,
            keeping.level,
            keeping.keep_days,
            Arc::clone(clock),
            Arc::clone(advisor),
        )?;
        for line in &keeping.about {
            log.write(LogLevel::Info, line);
        }
        Ok(Some(Arc::new(log)))
    }

    fn journal(&self, run: &str, now: &str) -> Result<Option<Journal>> {
        let Some(keeping) = &self.keeping else { return Ok(None) };
        let journal = Journal::open(&keeping.journal)?;
        journal.began(run, now)?;
        Ok(Some(journal))
    }

    /// Says something of the run as a whole.
    fn tell(&self, text: &str, screen: Option<&Screen>, json: Option<&JsonLines>) {
        if let Some(json) = json {
            json.note(text);
        }
        if let Some(screen) = screen.filter(|_| self.verbosity != Verbosity::Quiet) {
            screen.say(&format!("  {text}"));
        }
    }

    fn facts(&self, log: Option<&RunLog>) -> Facts {
        Facts { took: self.began.elapsed(), memory: report::memory::peak(), details: log.map(|log| shown(log.path())) }
    }

    fn close(&self, report: &RunReport, code: u8, advisor: &Advisor, log: Option<&RunLog>, json: Option<&JsonLines>) {
        let facts = self.facts(log);
        let screen = report::closing::screen(&report.ended, &facts, advisor, self.verbosity, report::width());
        if let Some(log) = log {
            if let Some(panic) = last_panic() {
                log.write(LogLevel::Error, &format!("panicked: {panic}"));
            }
            log.write(LogLevel::Info, &anstream::adapter::strip_str(&screen).to_string());
            log.write(LogLevel::Info, &format!("exit code {code}"));
        }
        match json {
            Some(json) => json.finished(&report.ended, &facts, code),
            None => report::out(&screen),
        }
    }
}

/// History is no reason to leave rows where they are.
fn without_history(error: &Error) -> String {
    format!("no history of this run is kept: {error}")
}

/// A path as short as it can be typed from here.
fn shown(path: &std::path::Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
