//! Errors that end a command before a screen was due.

use std::fmt::Write as _;

use hygge_core::{Error, ErrorKind};

use super::advisor::advice_alone;
use super::style::{BAD, DIM, cross, paint};
use super::words::wrap;
use crate::config::Problem;

/// Where to tell us of a bug of ours.
pub const REPORT_AT: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/issues");

/// What is wrong with a configuration: every problem with its place, its line and its advice.
#[must_use]
pub fn problems(problems: &[Problem], width: Option<usize>) -> String {
    let mut text = String::new();
    for problem in problems {
        text.push_str(&headed(problem.error(), width));
        if let Some(snippet) = problem.snippet() {
            for line in snippet.lines() {
                let _ = writeln!(text, "  {}", paint(DIM, line));
            }
        }
        if let Some(advice) = advice_alone(problem.error()) {
            text.push_str(&next(&advice, width));
        }
    }
    text
}

/// One error with its advice.
#[must_use]
pub fn error(error: &Error, advice: Option<&str>, width: Option<usize>) -> String {
    if error.kind() == ErrorKind::Bug {
        return bug(&error.to_string(), width);
    }
    let mut text = headed(error, width);
    if let Some(advice) = advice.map(ToOwned::to_owned).or_else(|| advice_alone(error)) {
        text.push_str(&next(&advice, width));
    }
    text
}

fn headed(error: &Error, width: Option<usize>) -> String {
    format!("{} {}\n", cross(), wrap(&error.to_string(), 2, width))
}

fn next(advice: &str, width: Option<usize>) -> String {
    format!("  {} {}\n", paint(DIM, "next:"), wrap(advice, 8, width))
}

/// A broken promise of our own code: calm, and where to tell us.
#[must_use]
pub fn bug(what: &str, width: Option<usize>) -> String {
    let what = what.strip_prefix("hygge itself failed: ").unwrap_or(what);
    format!(
        "{} {}\n  {}\n  {} {}\n",
        paint(BAD, "✗"),
        wrap(&format!("hygge itself went wrong, and it is our fault: {what}"), 2, width),
        wrap("What had settled before is untouched, and nothing is half visible.", 2, width),
        paint(DIM, "next:"),
        wrap(&format!("tell us at {REPORT_AT}; running again does no harm"), 8, width),
    )
}
