//! Colours and marks, used sparingly: a screen must read as well without them.

use anstyle::{AnsiColor, Style};

/// What went well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What needs a person.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// What a person may want to know.
pub const CARE: Style = AnsiColor::Yellow.on_default();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// What is being spoken of.
pub const NAME: Style = Style::new().bold();

/// Text in a style.
#[must_use]
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Settled, or as it should be.
#[must_use]
pub fn tick() -> String {
    paint(GOOD, "✓")
}

/// Nothing to do.
#[must_use]
pub fn dot() -> String {
    paint(DIM, "·")
}

/// Needs a person.
#[must_use]
pub fn cross() -> String {
    paint(BAD, "✗")
}

/// Did not begin, or was stopped.
#[must_use]
pub fn dash() -> String {
    paint(CARE, "–")
}
