//! The command line: what was typed, and what it means.

use std::process::ExitCode;

/// Runs the command line and answers with its exit code.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
