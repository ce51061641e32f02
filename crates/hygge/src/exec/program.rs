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

/// A program as it is configured, for one entity.
#[derive(Clone)]
pub struct Program {
    root: PathBuf,
    arguments: Vec<String>,
    shown: String,
    env: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
}

impl Program {
    /// The program of `config`; `{entity}` in its arguments is filled in. It runs in the project's root.
    #[must_use]
    pub fn new(root: &Path, config: &Exec, entity: Option<&str>) -> Self {
        let fill = |text: &str| entity.map_or_else(|| text.to_owned(), |entity| text.replace("{entity}", entity));
        let shown: Vec<String> =
            config.command.iter().map(|one| hygge_core::shell::argument(&fill(&one.shown()))).collect();
        let all = config.command.iter().chain(config.env.iter().map(|(_, value)| value));
        let secret = |one: &Argument| Some((one.text.clone(), one.written.clone()?));
        let mut secrets: Vec<_> = all.filter_map(secret).filter(|(text, _)| text.len() >= SHORTEST_SECRET).collect();
        // One that holds another goes first, so that no rest of it stays.
        secrets.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self {
            root: root.to_path_buf(),
            arguments: config.command.iter().map(|one| fill(&one.text)).collect(),
            shown: shown.join(" "),
            env: config.env.iter().map(|(name, value)| (name.clone(), value.text.clone())).collect(),
            secrets,
        }
    }

    /// The command as people may see it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// A text that is equal for equal commands, and tells nothing of them.
    #[must_use]
    pub fn digest(&self) -> String {
        Question::digest(&self.arguments.join("\0"))
    }

    /// A text of the program without the values of variables and what else looks like a secret.
    pub(super) fn masked(&self, text: &str) -> String {
        let hidden = self.secrets.iter().fold(text.to_owned(), |text, (value, written)| text.replace(value, written));
        crate::config::mask(&hidden)
    }

    /// The file that would be run: at the path that is given, from the project's root, or in one of the folders of `PATH`.
    ///
    /// # Errors
    /// Refused, if there is none that this user may run.
    pub fn find(&self) -> Result<PathBuf> {
        let program = self.arguments.first().map_or("", String::as_str);
        let refused = |found: String| Error::refused(found).at(&self.shown);
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
        let found = std::env::split_paths(&folders).map(|folder| folder.join(program));
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
