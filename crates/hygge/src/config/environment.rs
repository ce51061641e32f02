//! `${VAR}` and `${VAR:-default}`: where their values come from, and how they enter single values after parsing.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use hygge_core::{Error, Result};

use super::problem::{Problem, Problems, nearest};
use super::yaml::{Node, Value};

/// The variables that a configuration may name: the process's own, and those of an env file. The process's own win.
///
/// Its `Debug` shows names, never values.
#[derive(Clone, Default)]
pub struct Environment {
    process: HashMap<String, String>,
    file: HashMap<String, String>,
}

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 count as unset.
    #[must_use]
    pub fn of_process() -> Self {
        let process =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        Self { process, file: HashMap::new() }
    }

    /// Only these variables.
    #[must_use]
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let process = variables.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Self { process, file: HashMap::new() }
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.process.get(name).or_else(|| self.file.get(name)).map(String::as_str)
    }

    /// Adds the variables of an env file; those of the process stay.
    ///
    /// # Errors
    /// If the file cannot be read, or a line of it is no `NAME=value`. The message names the line and never shows it.
    pub fn add_file(&mut self, path: &Path) -> Result<()> {
        let bytes = std::fs::read(path).map_err(|error| Error::io("read", path, error).as_refusal())?;
        let shown = path.display().to_string();
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::refused("this file is not UTF-8 text").at(&shown).next("save it as UTF-8"))?;
        self.add_text(&text)
            .map_err(|(line, found, advice)| Error::refused(found).at(format!("{shown}:{line}")).next(advice))
    }

    /// Adds the lines of an env file. The error is the number of a line, what is wrong with it and what to do.
    pub(super) fn add_text(&mut self, text: &str) -> std::result::Result<(), (usize, &'static str, &'static str)> {
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line.strip_prefix("export ").map_or(line, str::trim_start);
            let fail = |found, advice| (number + 1, found, advice);
            let (name, value) =
                line.split_once('=').ok_or_else(|| fail("this line has no `=`", "write it as  NAME=value"))?;
            let name = name.trim_end();
            if !is_name(name) {
                return Err(fail(
                    "the name before `=` is none that a variable can have",
                    "use letters, digits and _, and no digit first",
                ));
            }
            let value = env_value(value.trim_start())
                .ok_or_else(|| fail("the quote of this value is not closed on its line", "close it"))?;
            self.file.insert(name.to_owned(), value);
        }
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.process.keys().chain(self.file.keys()).map(String::as_str)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.process.len() + self.file.len())
    }
}

/// A value of an env file: bare up to a comment, literal in single quotes, with escapes in double quotes.
fn env_value(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('\'') {
        let (value, after) = rest.split_once('\'')?;
        return ends_here(after).then(|| value.to_owned());
    }
    let Some(rest) = text.strip_prefix('"') else {
        let end = text.find(" #").or_else(|| text.find("\t#")).unwrap_or(text.len());
        return Some(text[..end].trim_end().to_owned());
    };
    let mut value = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return ends_here(chars.as_str()).then_some(value),
            '\\' => match chars.next()? {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                c @ ('"' | '\\' | '$') => value.push(c),
                other => {
                    value.push('\\');
                    value.push(other);
                }
            },
            c => value.push(c),
        }
    }
    None
}

fn ends_here(after: &str) -> bool {
    let after = after.trim();
    after.is_empty() || after.starts_with('#')
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Expands every value below a node. Keys and the text of the file stay as they are.
pub(crate) fn expand(node: &mut Node, environment: &Environment, problems: &mut Problems) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| expand(item, environment, problems)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, node)| expand(node, environment, problems)),
        Value::Scalar(scalar) => {
            if !scalar.text.contains("${") {
                return;
            }
            match expanded(&scalar.text, environment, problems) {
                Ok(text) => scalar.written = Some(std::mem::replace(&mut scalar.text, text)),
                Err((found, advice)) => {
                    problems.add(Problem::at(&node.at, found).next(advice));
                    scalar.lost = true;
                }
            }
        }
    }
}

fn expanded(
    text: &str,
    environment: &Environment,
    problems: &mut Problems,
) -> std::result::Result<String, (String, String)> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            // `$${` is a written `${`.
            out.push_str(&rest[..at - 1]);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = inside.find('}').ok_or_else(|| {
            ("`${` is not closed".to_owned(), "write ${NAME}, or $${ for the two characters".to_owned())
        })?;
        let (name, default) = match inside[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inside[..end], None),
        };
        if !is_name(name) || default.is_some_and(|d| d.contains("${")) {
            return Err((
                format!("${{{}}} names no variable", &inside[..end]),
                "write ${NAME} or ${NAME:-default}, without another ${ inside; $${ writes the two characters"
                    .to_owned(),
            ));
        }
        if let Some(value) = environment.get(name) {
            problems.hide(value, format!("${{{name}}}"));
        }
        match (environment.get(name), default) {
            (Some(value), None) => out.push_str(value),
            (Some(value), Some(_)) if !value.is_empty() => out.push_str(value),
            (_, Some(default)) => out.push_str(default),
            (None, None) => {
                let near = nearest(name, environment.names()).filter(|_| name.len() > 3);
                let meant = near.map(|near| format!("; {near} is set, if that was meant")).unwrap_or_default();
                return Err((
                    format!("the variable {name} is not set{meant}"),
                    format!(
                        "set it (export {name}=…, or a line {name}=… in .env beside hygge.yml), or give a default: ${{{name}:-…}}"
                    ),
                ));
            }
        }
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_expand_and_escapes_stay() {
        let env = Environment::of([("A", "1"), ("EMPTY", "")]);
        let ok = |text: &str| expanded(text, &env, &mut Problems::default()).expect("expands");
        assert_eq!(ok("x${A}y${A}"), "x1y1");
        assert_eq!(ok("${NONE:-d:-e}"), "d:-e");
        assert_eq!(ok("${EMPTY:-d}|${EMPTY}|"), "d||");
        assert_eq!(ok("$${A} $A ${A}"), "${A} $A 1");
        let fails = |text: &str| expanded(text, &env, &mut Problems::default()).expect_err("is refused").0;
        assert_eq!(fails("${A"), "`${` is not closed");
        assert_eq!(fails("${}"), "${} names no variable");
        assert_eq!(fails("${A:-${A}}"), "${A:-${A} names no variable");
        assert_eq!(fails("${LONGNAME}"), "the variable LONGNAME is not set");
    }

    #[test]
    fn env_files_take_comments_quotes_and_export_and_the_process_wins() {
        let mut env = Environment::of([("A", "process")]);
        env.add_text(
            "\u{feff}# c\nA=file\nexport B = \"x\\n\\\"y\\\" #no\" # yes\nC='a $b \\n'\nD=a b # c\nE=\nF=a#b\r\n",
        )
        .expect("reads");
        assert_eq!(env.get("A"), Some("process"));
        assert_eq!(env.get("B"), Some("x\n\"y\" #no"));
        assert_eq!(env.get("C"), Some("a $b \\n"));
        assert_eq!(env.get("D"), Some("a b"));
        assert_eq!(env.get("E"), Some(""));
        assert_eq!(env.get("F"), Some("a#b"));
        assert_eq!(env.get("G"), None);
        assert_eq!(env.add_text("A=1\nnonsense\n").unwrap_err().0, 2);
        assert_eq!(env.add_text("1A=1\n").unwrap_err().0, 1);
        assert_eq!(env.add_text("A='x\n").unwrap_err().0, 1);
    }
}
