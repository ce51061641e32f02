//! The `hygge` command.

mod allocator;

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::keep_what_is_given_back();
    hygge::cli::main()
}
