//! A program that runs: it ends by itself, or it is ended with all that it started.

use std::io;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hygge_core::context::{CancelGuard, Cancellation, Context};
use hygge_core::{Error, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::pipe::Pipe;
use super::program::Program;
use super::watch::Watch;
use super::words::Words;

/// How long a program that is asked to end may take for it.
const GRACE: Duration = Duration::from_secs(3);

/// The group of processes of a running program; none once the program was waited for, for then its number may be
/// another's.
#[derive(Default)]
struct Group(Mutex<Option<Pid>>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(group) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = kill_process_group(group, signal);
        }
    }
}

/// A running program. Dropped before it has ended: it is ended.
pub struct Running {
    child: Child,
    group: Arc<Group>,
    program: Program,
    words: Arc<Words>,
    cancel: Cancellation,
    /// None once the group's number may be another's.
    watch: Option<Watch>,
    ended: Option<ExitStatus>,
    /// Whether it was told to end before it had.
    stopped: bool,
    _interrupt: CancelGuard,
}

impl Running {
    pub(super) fn new(mut child: Child, program: Program, ctx: &Context) -> Result<Self> {
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Error::bug("a process without a number"))?;
        let watch = Watch::over(pid);
        let group = Arc::new(Group(Mutex::new(Some(pid))));
        let stderr = child.stderr.take().ok_or_else(|| Error::bug("standard error is no pipe"))?;
        let words = Words::listen(stderr, &program, ctx);
        let interrupt = ctx.cancel.on_cancel({
            let group = Arc::clone(&group);
            move || group.signal(Signal::TERM)
        });
        let cancel = ctx.cancel.clone();
        Ok(Self { child, group, program, words, cancel, watch, ended: None, stopped: false, _interrupt: interrupt })
    }

    /// Its standard output. To be asked for once.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn output(&mut self) -> Result<Pipe<ChildStdout>> {
        let pipe = self.child.stdout.take().ok_or_else(|| Error::bug("standard output is no pipe"))?;
        Pipe::new(pipe, &self.cancel).map_err(|error| self.io(error))
    }

    /// The same, for somebody who waits for its end whatever the run does: that comes with the program's.
    ///
    /// # Errors
    /// If it was asked for before.
    pub fn whole_output(&mut self) -> Result<ChildStdout> {
        self.child.stdout.take().ok_or_else(|| Error::bug("standard output is no pipe"))
    }

    /// Its standard input. To be asked for once.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn input(&mut self) -> Result<Pipe<ChildStdin>> {
        let pipe = self.child.stdin.take().ok_or_else(|| Error::bug("standard input is no pipe"))?;
        Pipe::new(pipe, &self.cancel).map_err(|error| self.io(error))
    }

    /// From now on it heeds this cancellation, too.
    pub fn heed(&mut self, cancel: &Cancellation) {
        self.cancel = cancel.clone();
    }

    fn io(&self, error: io::Error) -> Error {
        Error::failed(format!("the pipe to it cannot be used: {error}")).at(self.program.shown()).because(error)
    }

    /// Whether it has ended, without forgetting it: its group can still be signalled.
    fn has_ended(&self) -> bool {
        let Some(pid) = *self.group.0.lock().unwrap_or_else(PoisonError::into_inner) else { return true };
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        matches!(waitid(WaitId::Pid(pid), how), Ok(Some(_)) | Err(rustix::io::Errno::CHILD))
    }

    /// Waits until it has ended, or the moment has come, or the run is told to stop.
    fn waits(&self, until: Option<Instant>, heeds: bool) -> bool {
        let mut pause = Duration::from_millis(1);
        loop {
            if self.has_ended() {
                return true;
            }
            if until.is_some_and(|until| Instant::now() >= until) || (heeds && self.cancel.is_asked()) {
                return false;
            }
            if heeds {
                self.cancel.sleep(pause);
            } else {
                std::thread::sleep(pause);
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    fn reap(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.ended {
            return Ok(status);
        }
        self.watch = None;
        // While it is locked nobody signals; afterwards nobody has a number to signal.
        let status = {
            let mut group = self.group.0.lock().unwrap_or_else(PoisonError::into_inner);
            *group = None;
            self.child.wait()
        };
        let status = status.map_err(|error| self.io(error))?;
        self.ended = Some(status);
        Ok(status)
    }

    /// Waits for its end, as long as the run goes on. What it left running in the background goes on.
    ///
    /// # Errors
    /// If it ended with another code than 0, with its last words; or if the run is told to stop.
    pub fn end(&mut self) -> Result<()> {
        self.waits(None, true);
        // It may have ended because it was asked to; then so must all that it started.
        let asked = self.cancel.is_asked();
        if asked {
            self.stop();
        }
        let status = self.reap()?;
        if status.success() {
            return Ok(());
        }
        if asked {
            return Err(self.stopped());
        }
        Err(self.failed(&format!("the program {}", ending(status))))
    }

    /// Ends it and all that it started: it is asked to first, and has a moment to obey.
    pub fn stop(&mut self) {
        if self.ended.is_some() {
            return;
        }
        self.stopped |= !self.has_ended();
        self.group.signal(Signal::TERM);
        self.waits(Some(Instant::now() + GRACE), false);
        // Whoever of the group did not obey, whether the program did or not.
        self.group.signal(Signal::KILL);
        let _ = self.reap();
    }

    /// Why the run stops, as an error of the program.
    fn stopped(&self) -> Error {
        match self.cancel.check() {
            Err(error) => error.at(self.program.shown()),
            Ok(()) => self.failed("it was stopped"),
        }
    }

    /// An error of the program, with its last words.
    #[must_use]
    pub fn failed(&self, found: &str) -> Error {
        let last = self.words.last();
        let said = match last.as_slice() {
            [] => String::new(),
            lines => format!("; it said last:\n{}", lines.join("\n")),
        };
        Error::failed(format!("{found}{said}")).at(self.program.shown())
    }

    /// An error in talking to it. How it ended says more than what was missed of it: it has a moment to end by itself.
    #[must_use]
    pub fn broke(&mut self, found: &str) -> Error {
        if self.cancel.is_asked() {
            self.stop();
            return self.stopped();
        }
        if !self.waits(Some(Instant::now() + Duration::from_millis(500)), true) {
            self.stop();
            return self.failed(&format!("{found}, and was stopped"));
        }
        match self.reap() {
            Ok(status) => self.failed(&format!("{found}, and {}", ending(status))),
            Err(error) => error,
        }
    }

    /// Whether it did not fail by itself: it called what it did a success, or was stopped before it could say.
    #[must_use]
    pub fn meant_well(&self) -> bool {
        self.stopped || self.ended.is_none_or(|status| status.success())
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ended.is_some() || self.has_ended()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How a program ended: `ended with exit code 3`.
fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
