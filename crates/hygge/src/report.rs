//! The only place that prints: the live screen, the closing screen, plain lines, JSON lines, the run's log.
//!
//! What is shown on request goes to standard output, what tells of progress and of refusals to standard error. Everything
//! is written with colours; they are taken out where nobody would see them (`NO_COLOR`, `CLICOLOR`, no terminal).

pub mod advisor;
pub mod blocks;
pub mod checked;
pub mod closing;
pub mod fault;
pub mod json;
pub mod log;
pub mod memory;
pub mod plan;
pub mod screen;
pub mod standing;
pub mod style;
pub mod table;
pub mod verified;
pub mod words;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use hygge_core::Error;
use hygge_core::event::{Event, Observer};

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// Only errors and the last line.
    Quiet,
    /// What a person wants to see.
    #[default]
    Normal,
    /// Also plans, splits, retries and notes.
    Verbose,
}

/// Why the first text that standard output did not take was not taken.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints to standard output. A reader that went away is no error: nobody is left to be told. Any other is kept for
/// [`lost`].
pub fn out(text: &str) {
    let mut stream = anstream::stdout().lock();
    if let Err(error) = stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
        keep(error);
    }
}

/// Keeps the error of what others printed on standard output.
pub fn printed(result: io::Result<()>) {
    if let Err(error) = result {
        keep(error);
    }
}

fn keep(error: io::Error) {
    if error.kind() != io::ErrorKind::BrokenPipe {
        LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// An error, if something that was to be printed on standard output was lost.
#[must_use]
pub fn lost() -> Option<Error> {
    let error = LOST.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    let path = std::path::Path::new("to standard output");
    let advised = "send the output where there is room; what had settled stays settled";
    Some(Error::io("write", path, error).next(advised))
}

/// Prints to standard error.
pub fn err(text: &str) {
    let mut stream = anstream::stderr().lock();
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

/// The width of the terminal that standard output is, or none.
#[must_use]
pub fn width() -> Option<usize> {
    terminal_width(&io::stdout())
}

fn terminal_width(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    if !rustix::termios::isatty(stream) {
        return None;
    }
    rustix::termios::tcgetwinsize(stream).ok().map(|size| usize::from(size.ws_col)).filter(|&width| width >= 40)
}

/// Tells several listeners, in order.
pub struct Everyone(pub Vec<Arc<dyn Observer>>);

impl Observer for Everyone {
    fn event(&self, event: &Event<'_>) {
        for one in &self.0 {
            one.event(event);
        }
    }
}
