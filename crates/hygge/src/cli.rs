//! The command line: what was typed, and what it means.

mod allocator;
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

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser as _;
use hygge_core::Error;

use self::args::{Command, LowArgs};
use self::stop::Stop;
use crate::extend::Registry;
use crate::project::Overrides;
use crate::report;

/// Runs the command line and answers with its exit code: 0 settled or up to date, 1 a flow failed or was skipped, 2
/// refused before anything started, 70 our bug, 130 interrupted.
#[must_use]
pub fn main() -> ExitCode {
    run(Registry::default())
}

/// The same with types of homes and stores beside hygge's own.
#[must_use]
pub fn run(registry: Registry) -> ExitCode {
    stop::quiet_panics();
    let began = Instant::now();
    if let Err(error) = registry.check() {
        return ExitCode::from(Stop::Error(error).tell());
    }
    let args = match LowArgs::try_parse() {
        Ok(mut args) => {
            args.everywhere.registry = Arc::new(registry);
            args
        }
        Err(error) if error.use_stderr() && typed_json(std::env::args_os()) => {
            let refused = mistyped(&error.render().to_string());
            return ExitCode::from(told(Stop::Error(refused).tell_json(began)));
        }
        Err(error) => {
            // Whoever asked for help and went away needs no error.
            report::printed(error.print());
            return ExitCode::from(told(u8::try_from(error.exit_code()).unwrap_or(2)));
        }
    };
    let json = args.command.is_told_in_json();
    ExitCode::from(told(stop::guarded(json, || match obey(&args) {
        Ok(code) => code,
        Err(stop) if json => stop.tell_json(began),
        Err(stop) => stop.tell(),
    })))
}

/// Whether a command line that cannot be read asked for lines of JSON.
fn typed_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let typed: Vec<OsString> = arguments.collect();
    typed.iter().any(|one| one == "--log=json") || typed.windows(2).any(|two| two[0] == "--log" && two[1] == "json")
}

/// What is wrong with a command line, of the text that a person would be shown: what was found, then a tip or the usage.
fn mistyped(text: &str) -> Error {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let found = lines.next().map_or("the command line cannot be read", |line| line.trim_start_matches("error: "));
    // `error: the following required arguments were not provided:` goes on in the next lines.
    let (told, rest): (Vec<&str>, Vec<&str>) = lines.partition(|line| {
        found.ends_with(':')
            && !line.starts_with("Usage:")
            && !line.starts_with("tip:")
            && !line.starts_with("For more")
    });
    let found = [&[found][..], &told].concat().join(" ");
    let tip = rest.iter().find_map(|line| line.strip_prefix("tip: "));
    let usage = rest.iter().find_map(|line| line.strip_prefix("Usage: "));
    match (tip, usage) {
        (Some(tip), _) => Error::refused(found).next(tip),
        (None, Some(usage)) => Error::refused(found).next(format!("write  {usage}")),
        (None, None) => Error::refused(found).next("see  hygge --help"),
    }
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
        Command::Go(typed) if typed.dry_run => go::plan(everywhere, &typed.select, go::overrides(typed)),
        Command::Go(typed) => go::run(everywhere, typed),
        Command::Plan(typed) => {
            let overrides = Overrides { full: typed.full_drop, ..Overrides::default() };
            go::plan(everywhere, &typed.select, overrides)
        }
        Command::Check(typed) => check::run(everywhere, typed),
        Command::Ls(typed) => status::ls(everywhere, typed),
        Command::Status(typed) => status::run(everywhere, typed),
        Command::Preview(typed) => preview::run(everywhere, typed),
        Command::Copy(typed) => copy::run(everywhere, typed),
        Command::Verify(typed) => verify::run(everywhere, typed),
        Command::Sweep(typed) => sweep::run(everywhere, typed),
        Command::Schema => {
            report::out(&crate::config::schema_json_with(&everywhere.registry));
            Ok(0)
        }
    }
}
