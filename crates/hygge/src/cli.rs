//! The command line: what was typed, and what it means.

mod args;
mod check;
mod choose;
mod copy;
mod go;
mod init;
mod preview;
mod session;
mod signals;
mod status;
mod stop;
mod sweep;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use self::args::{Command, LowArgs};
use self::stop::Stop;
use crate::project::Overrides;
use crate::report;

/// Runs the command line and answers with its exit code: 0 settled or up to date, 1 a flow failed or was skipped, 2
/// refused before anything started, 70 our bug, 130 interrupted.
#[must_use]
pub fn main() -> ExitCode {
    stop::quiet_panics();
    let args = match LowArgs::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Whoever asked for help and went away needs no error.
            report::printed(error.print());
            return ExitCode::from(told(u8::try_from(error.exit_code()).unwrap_or(2)));
        }
    };
    ExitCode::from(told(stop::guarded(|| match obey(&args) {
        Ok(code) => code,
        Err(stop) => stop.tell(),
    })))
}

/// The exit code; one that means well becomes 1 where the answer was lost on its way out.
fn told(code: u8) -> u8 {
    match report::lost() {
        Some(error) => code.max(Stop::Error(error).tell()),
        None => code,
    }
}

fn obey(args: &LowArgs) -> Result<u8, Stop> {
    let everywhere = &args.everywhere;
    match &args.command {
        Command::Init(typed) => init::run(typed),
        Command::Go(typed) if typed.dry_run => go::plan(everywhere, &typed.select, &go::overrides(typed)),
        Command::Go(typed) => go::run(everywhere, typed),
        Command::Plan(typed) => {
            let overrides = Overrides { full: typed.full_drop, ..session::overrides(&typed.select) };
            go::plan(everywhere, &typed.select, &overrides)
        }
        Command::Check(typed) => check::run(everywhere, typed),
        Command::Ls(typed) => status::ls(everywhere, typed),
        Command::Status(typed) => status::run(everywhere, typed),
        Command::Preview(typed) => preview::run(everywhere, typed),
        Command::Copy(typed) => copy::run(everywhere, typed),
        Command::Verify(typed) => verify::run(everywhere, typed),
        Command::Sweep(typed) => sweep::run(everywhere, typed),
        Command::Schema => {
            report::out(&crate::config::schema_json());
            Ok(0)
        }
    }
}
