//! How a command ends that cannot do what it was asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hygge_core::context::{Clock, SystemClock, new_run_id};
use hygge_core::{Error, ErrorKind};

use crate::config::Problem;
use crate::report;
use crate::report::advisor::advice_alone;
use crate::report::closing::Facts;
use crate::report::json::JsonLines;

/// A refused, failed or interrupted command that was told of by nobody yet.
pub(super) enum Stop {
    /// The configuration is wrong.
    Problems(Vec<Problem>),
    /// One thing is wrong.
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Vec<Problem>> for Stop {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Problems(problems)
    }
}

impl Stop {
    /// Tells in the lines of `--log json` what is wrong, and answers with the exit code.
    pub(super) fn tell_json(&self, began: Instant) -> u8 {
        let (errors, code) = match self {
            Self::Problems(problems) => (problems.iter().map(Problem::error).collect(), 2),
            Self::Error(error) if error.kind() == ErrorKind::Cancelled => (Vec::new(), 130),
            Self::Error(error) => (vec![error], exit_code(error)),
        };
        told_in_json(&errors, began, code);
        code
    }

    /// Tells on standard error what is wrong, and answers with the exit code.
    pub(super) fn tell(&self) -> u8 {
        let width = report::width();
        match self {
            Self::Problems(problems) => {
                report::err(&report::fault::problems(problems, width));
                2
            }
            Self::Error(error) if error.kind() == ErrorKind::Cancelled => 130,
            Self::Error(error) => {
                report::err(&report::fault::error(error, None, width));
                exit_code(error)
            }
        }
    }
}

/// The lines of a run with `--log json` that ended before it began: what is wrong, and that it is over.
pub(super) fn told_in_json(errors: &[&Error], began: Instant, code: u8) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let lines = JsonLines::new(&new_run_id(clock.as_ref()), clock, Arc::default());
    for error in errors {
        lines.refused(None, error, advice_alone(error).as_deref());
    }
    let facts = Facts { took: began.elapsed(), memory: report::memory::peak(), details: None };
    lines.finished(&[], &facts, code);
}

/// The exit code that one error means.
pub(super) fn exit_code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::Refused => 2,
        ErrorKind::Failed | ErrorKind::CommitUnknown => 1,
        ErrorKind::Cancelled => 130,
        ErrorKind::Bug => 70,
    }
}

/// What the last panic said, and where in our code.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// A panic is our bug. It is told calmly once its thread has ended, not in the middle of somebody's screen.
pub(super) fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let what = info.payload_as_str().unwrap_or("no message");
        let at = info.location().map(|at| format!(" ({}:{})", at.file(), at.line())).unwrap_or_default();
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{what}{at}"));
    }));
}

/// What the last panic of any thread said.
pub(super) fn last_panic() -> Option<String> {
    LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Runs a command; a panic ends it with 70 and a calm word.
pub(super) fn guarded(json: bool, work: impl FnOnce() -> u8) -> u8 {
    let began = Instant::now();
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let bug = Error::bug(last_panic().unwrap_or_else(|| "no message".to_owned()));
        if json {
            return Stop::Error(bug).tell_json(began);
        }
        Stop::Error(bug).tell()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_codes() {
        assert_eq!(exit_code(&Error::refused("x")), 2);
        assert_eq!(exit_code(&Error::failed("x")), 1);
        assert_eq!(exit_code(&Error::cancelled("x")), 130);
        assert_eq!(exit_code(&Error::bug("x")), 70);
    }

    #[test]
    fn a_panic_is_seventy() {
        assert_eq!(guarded(false, || panic!("boom")), 70);
        assert_eq!(guarded(false, || 3), 3);
    }
}
