//! The screens of `check` and `sweep`: one thing after another, and whether it is as it should be.

use std::fmt::Write as _;

use hygge_core::Error;

use super::Verbosity;
use super::style::{self, DIM, NAME, paint};
use super::words::{thousands, wrap};

/// What was looked at, and what was found.
pub struct Checked {
    /// What (`home users: shop.db`).
    pub what: String,
    /// Lines for people, or what is wrong, with the advice.
    pub found: Result<Vec<String>, (Error, Option<String>)>,
}

/// All of them, only those that need a person for who wants it quiet, and how many do.
#[must_use]
pub fn screen(all: &[Checked], done: &str, verbosity: Verbosity, width: Option<usize>) -> String {
    let mut text = String::new();
    for one in all {
        match &one.found {
            Ok(_) if verbosity == Verbosity::Quiet => {}
            Ok(lines) => {
                let _ = writeln!(text, "{} {}", style::tick(), paint(NAME, &one.what));
                for line in lines {
                    let _ = writeln!(text, "    {}", wrap(line, 4, width));
                }
            }
            Err((error, advice)) => {
                let _ = writeln!(
                    text,
                    "{} {}\n    {}",
                    style::cross(),
                    paint(NAME, &one.what),
                    wrap(&error.to_string(), 4, width)
                );
                if let Some(advice) = advice {
                    let _ = writeln!(text, "    {} {}", paint(DIM, "next:"), wrap(advice, 10, width));
                }
            }
        }
    }
    let bad = all.iter().filter(|one| one.found.is_err()).count() as u64;
    let good = all.len() as u64 - bad;
    let needs = match bad {
        0 => String::new(),
        1 => ", 1 needs you".to_owned(),
        n => format!(", {} need you", thousands(n)),
    };
    let _ = writeln!(text, "{} {done}{needs}.", thousands(good));
    text
}
