//! What is run: the program, its arguments, its variables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hygge_core::context::Context;
use hygge_core::receipt::Question;
use hygge_core::{Error, Result};
use rustix::fs::Access;

use super::child::Running;
use crate::config::{Argument, Exec};

/// Shorter values are no secrets, and would be found by chance in what a program says.
const SHORTEST_SECRET: usize = 3;

/// The same of a line of a value of several.
const SHORTEST_LINE: usize = 8;

/// What stands for the name of an entity.
const ENTITY: &str = "{entity}";

/// A program as it is configured, for one entity.
#[derive(Clone)]
pub struct Program {
    root: PathBuf,
    arguments: Vec<String>,
    shown: String,
    identity: String,
    env: Vec<(String, String)>,
    /// What is not to be told, with what is told instead; the longest first.
    secrets: Vec<(String, String)>,
    /// Whether it wants the name of an entity and was given none.
    wants_entity: bool,
}

/// What of a value that came from variables is a secret: the value, and where it has several lines (a key, a list of
/// credentials) each of them, for that is how a program would tell it.
fn secrets(argument: &Argument) -> Vec<(String, String)> {
    let Some(written) = &argument.written else { return Vec::new() };
    let whole = argument.text.trim();
    let lines = whole.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
    let all = std::iter::once(whole).chain(lines.filter(|line| *line != whole));
    all.filter(|text| text.len() >= SHORTEST_SECRET).map(|text| (text.to_owned(), written.clone())).collect()
}

impl Program {
    /// The program of `config`; `{entity}` in its arguments is filled in. It runs in the project's root.
    #[must_use]
    pub fn new(root: &Path, config: &Exec, entity: Option<&str>) -> Self {
        let fill = |text: &str| entity.map_or_else(|| text.to_owned(), |entity| text.replace(ENTITY, entity));
        let shown: Vec<String> =
            config.command.iter().map(|one| hygge_core::shell::argument(&fill(&one.shown()))).collect();
        let written = |one: &Argument| fill(one.written.as_deref().unwrap_or(&one.text));
        let arguments = config.command.iter().map(written);
        let variables = config.env.iter().map(|(name, value)| format!("{name}={}", written(value)));
        let identity: Vec<String> =
            arguments.chain((!config.env.is_empty()).then(String::new)).chain(variables).collect();
        let all = config.command.iter().chain(config.env.iter().map(|(_, value)| value));
        let mut secrets: Vec<_> = all.flat_map(secrets).collect();
        // One that holds another goes first, so that no rest of it stays.
        secrets.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self {
            root: root.to_path_buf(),
            arguments: config.command.iter().map(|one| fill(&one.text)).collect(),
            shown: shown.join(" "),
            identity: identity.join("\0"),
            env: config.env.iter().map(|(name, value)| (name.clone(), value.text.clone())).collect(),
            secrets,
            wants_entity: entity.is_none() && config.holds(ENTITY),
        }
    }

    /// The command as people may see it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// A text that is equal for equal commands with equal variables, and tells nothing of them. What came from variables
    /// counts by their names: a day that is passed on, or a password, makes no other program.
    #[must_use]
    pub fn digest(&self) -> String {
        Question::digest(&self.identity)
    }

    /// A text of the program without the values of variables and what else looks like a secret.
    pub(super) fn masked(&self, text: &str) -> String {
        let hidden = self.secrets.iter().fold(text.to_owned(), |text, (value, written)| text.replace(value, written));
        crate::config::mask(&hidden)
    }

    /// The beginning of a text that goes on, without the part of a secret that it may end in.
    pub(super) fn without_half_a_secret<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let half = |secret: &[u8]| (1..secret.len()).rev().find(|n| text.ends_with(&secret[..*n]));
        let longest = self.secrets.iter().filter_map(|(secret, _)| half(secret.as_bytes())).max().unwrap_or(0);
        &text[..text.len() - longest]
    }

    /// The length of the longest secret, in bytes.
    pub(super) fn longest_secret(&self) -> usize {
        self.secrets.first().map_or(0, |(secret, _)| secret.len())
    }

    /// What is known of it without running it.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn check(&self) -> Result<Vec<String>> {
        let path = self.find()?.display().to_string();
        Ok(vec![format!("runs {}; it was not run", self.masked(&path))])
    }

    /// The file that would be run: at the path that is given, from the project's root, or in one of the folders of `PATH`.
    ///
    /// # Errors
    /// Refused, if there is none that this user may run.
    pub fn find(&self) -> Result<PathBuf> {
        let program = self.arguments.first().map_or("", String::as_str);
        let refused = |found: String| Error::refused(found).at(&self.shown);
        if self.wants_entity {
            return Err(refused("the command speaks of an entity, and none is named".to_owned())
                .next("name one:  --entity NAME"));
        }
        let name = self.masked(program);
        if program.contains('/') {
            let path = self.root.join(program);
            return match path.metadata() {
                Ok(meta) if meta.is_file() && runs(&path) => Ok(path),
                Ok(meta) if meta.is_file() => Err(refused(format!("{name} may not be run by this user"))
                    .next(format!("make it a program:  chmod +x {}", hygge_core::shell::argument(&name)))),
                Ok(_) => Err(refused(format!("{name} is a folder")).next("name a program")),
                Err(_) => Err(refused(format!("there is no program {name}"))
                    .next("mend the first entry of  command:  (paths start at the project's root)")),
            };
        }
        let own = self.env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| OsString::from(value));
        let folders = own.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        // It runs in the project's root, and so its folders start there.
        let found = std::env::split_paths(&folders).map(|folder| self.root.join(folder).join(program));
        found.into_iter().find(|path| path.is_file() && runs(path)).ok_or_else(|| {
            let found = refused(format!("there is no program {name} in PATH"));
            if program.contains(char::is_whitespace) {
                let words: Vec<&str> = program.split_whitespace().collect();
                return found.next(format!("part the program from its arguments:  command: [{}]", words.join(", ")));
            }
            found.next(format!("install it, or name its path:  command: [./{name}]"))
        })
    }

    /// Starts it, in a process group of its own. Its standard output comes through a pipe, its standard input too where
    /// `gives` is set; what it says on standard error goes to the run's log.
    ///
    /// # Errors
    /// Refused, if there is no such program; failed, if the system does not start it.
    pub fn start(&self, ctx: &Context, gives: bool) -> Result<Running> {
        use std::os::unix::process::CommandExt as _;

        let path = self.find()?;
        ctx.cancel.check()?;
        let mut command = Command::new(&path);
        command
            .args(&self.arguments[1..])
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.root)
            .stdin(if gives { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let child = command.spawn().map_err(|error| {
            Error::failed(format!("the system does not start it: {error}")).at(&self.shown).because(error)
        })?;
        Running::new(child, self.clone(), ctx)
    }
}

fn runs(path: &Path) -> bool {
    rustix::fs::access(path, Access::EXEC_OK).is_ok()
}
