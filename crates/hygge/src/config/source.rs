//! Where a value was written: the text it came from, and its line and column there.

use std::fmt;
use std::sync::Arc;

/// A text that configuration is read from.
pub(crate) struct Source {
    shown: String,
    text: String,
    /// Whether positions inside it mean something to a person (a file), or not (one argument of the command line).
    lines: bool,
}

impl Source {
    /// A file, under the name that messages give it.
    pub(crate) fn file(shown: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { shown: shown.into(), text: text.into(), lines: true })
    }

    /// An argument of the command line, or anything else that has no lines.
    pub(crate) fn argument(shown: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { shown: shown.into(), text: text.into(), lines: false })
    }

    /// The name that messages give it.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The whole of it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// A position in a configuration file, from 1; shown as `hygge.yml:12:5`.
#[derive(Clone)]
pub struct Pos {
    source: Arc<Source>,
    line: usize,
    column: usize,
    width: usize,
}

impl Pos {
    /// `line` and `column` count from 1, in characters; `width` is how many characters a caret line marks.
    pub(crate) fn new(source: &Arc<Source>, line: usize, column: usize, width: usize) -> Self {
        Self { source: Arc::clone(source), line, column, width }
    }

    /// The file as messages name it.
    #[must_use]
    pub fn file(&self) -> &str {
        self.source.shown()
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Whether it stands between braces, where a comma parts the keys.
    pub(crate) fn is_in_braces(&self) -> bool {
        let before: usize =
            self.source.text.split_inclusive('\n').take(self.line.saturating_sub(1)).map(str::len).sum();
        let line = &self.source.text[before.min(self.source.text.len())..];
        let here: usize = line.chars().take(self.column.saturating_sub(1)).map(char::len_utf8).sum();
        self.source.lines && self.source.text[..before + here].trim_end().ends_with(['{', ','])
    }

    /// The line with a caret under what is meant, each line of it indented by two spaces. Secrets are hidden.
    pub(crate) fn snippet(&self) -> Option<String> {
        if !self.source.lines {
            return None;
        }
        let line = self.source.text.lines().nth(self.line.checked_sub(1)?)?;
        let start = self.column - 1;
        let before: String = line.chars().take(start).collect();
        let marked = mask(&line.chars().skip(start).collect::<String>());
        // What comes before decides, too, whether the rest is a secret (`password: …`).
        let line = if names_secret(&before) { format!("{before}***") } else { format!("{}{marked}", mask(&before)) };
        let start = line.chars().count() - if names_secret(&before) { 3 } else { marked.chars().count() };
        let (line, start) = clip(&line.replace('\t', " "), start);
        let room = line.chars().count().saturating_sub(start).max(1);
        let gutter = self.line.to_string();
        let blank = " ".repeat(gutter.len());
        let carets = "^".repeat(self.width.clamp(1, room));
        Some(format!("  {gutter} | {}\n  {blank} | {}{carets}", line.trim_end(), " ".repeat(start)))
    }
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.lines {
            write!(f, "{}:{}:{}", self.source.shown, self.line, self.column)
        } else {
            f.write_str(&self.source.shown)
        }
    }
}

impl fmt::Debug for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The most characters of a line that a snippet shows.
const WIDEST: usize = 160;

/// Cuts a long line around the character `start`, and answers with the new start.
fn clip(line: &str, start: usize) -> (String, usize) {
    let length = line.chars().count();
    if length <= WIDEST {
        return (line.to_owned(), start);
    }
    let from = start.saturating_sub(WIDEST / 2);
    let kept: String = line.chars().skip(from).take(WIDEST).collect();
    let left = if from > 0 { "…" } else { "" };
    let right = if from + WIDEST < length { "…" } else { "" };
    (format!("{left}{kept}{right}"), start - from + left.chars().count())
}

/// Words that, in a key, say that its value is nobody's business.
const SECRET_WORDS: [&str; 8] = ["password", "passwd", "pwd", "secret", "token", "credential", "api_key", "access_key"];

/// Whether the text ends in, or has passed, a key whose value is a secret.
fn names_secret(text: &str) -> bool {
    secret_start(text).is_some()
}

/// Where the value of the first secret key of a line begins, in bytes.
fn secret_start(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let mut best: Option<usize> = None;
    for word in SECRET_WORDS {
        let mut from = 0;
        while let Some(found) = lower[from..].find(word).map(|at| at + from) {
            let after = found + word.len();
            let rest = &lower[after..];
            let tail =
                rest.len() - rest.trim_start_matches(|c: char| c.is_alphanumeric() || "_-\"' ".contains(c)).len();
            if lower[after + tail..].starts_with([':', '=']) {
                let start = after + tail + 1;
                best = Some(best.map_or(start, |b| b.min(start)));
            }
            from = after;
        }
    }
    best
}

/// A text without passwords: those of URLs, and whatever follows a key that names a secret.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "\"'`,".contains(c)).unwrap_or(after.len());
        let token = &after[..end];
        match token.rfind('@') {
            Some(host) => {
                let user = token[..host].split(':').next().unwrap_or_default();
                if token[..host].contains(':') {
                    out.push_str(user);
                    out.push(':');
                }
                out.push_str("***");
                out.push_str(&token[host..]);
            }
            None => out.push_str(token),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    if let Some(start) = secret_start(&out) {
        out.truncate(start);
        out.push_str(" ***");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_and_the_rest_is_kept() {
        assert_eq!(mask("c: postgres://ann:pa:ss@db:5432/x"), "c: postgres://ann:***@db:5432/x");
        assert_eq!(mask("c: postgres://token@db/x"), "c: postgres://***@db/x");
        assert_eq!(mask("c: sqlite:///shop.db"), "c: sqlite:///shop.db");
        assert_eq!(mask("  Password : hunter2"), "  Password : ***");
        assert_eq!(mask("{api_key: a, b: c}"), "{api_key: ***");
        assert_eq!(mask("a: pg://h/d?password=x&y=1"), "a: pg://h/d?password= ***");
        assert_eq!(mask("the tokens of a lexer"), "the tokens of a lexer");
    }

    #[test]
    fn a_snippet_marks_what_is_meant_and_never_shows_a_secret() {
        let source = Source::file("f.yml", "a:\n\tb: wörd # x\n  password: hunter2\n");
        assert_eq!(Pos::new(&source, 2, 5, 4).snippet().as_deref(), Some("  2 |  b: wörd # x\n    |     ^^^^"));
        let shot = Pos::new(&source, 3, 13, 7).snippet().expect("a line");
        assert!(!shot.contains("hunter2"), "{shot}");
        let shot = Pos::new(&source, 3, 3, 8).snippet().expect("a line");
        assert!(!shot.contains("hunter2"), "{shot}");
        assert_eq!(Pos::new(&source, 9, 1, 1).snippet(), None);
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let source = Source::file("f.yml", format!("{}X{}", "a".repeat(300), "b".repeat(300)));
        let shot = Pos::new(&source, 1, 301, 1).snippet().expect("a line");
        let (line, carets) = shot.split_once('\n').expect("two lines");
        let at = line.chars().position(|c| c == 'X').expect("the marked character is kept");
        assert_eq!(carets.chars().position(|c| c == '^'), Some(at));
    }
}
