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

    /// Whether its line stands below a key `headers:`.
    fn is_in_headers(&self) -> bool {
        let names = |line: &str| {
            let after = line.find("headers").map(|at| &line[at + "headers".len()..]);
            after.is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        };
        let indent = |line: &str| line.len() - line.trim_start().len();
        let lines: Vec<&str> = self.source.text.lines().take(self.line).collect();
        let Some((line, above)) = lines.split_last() else { return false };
        let mut least = indent(line);
        for line in above.iter().rev().filter(|line| !line.trim().is_empty()) {
            if indent(line) < least {
                least = indent(line);
                if names(line) {
                    return true;
                }
            }
        }
        // Between braces lines may begin anywhere.
        let Some(begin) = above.iter().rposition(|line| names(line)) else { return false };
        let within = above[begin..].join("\n");
        let within = within.find("headers").map_or("", |at| &within[at..]);
        within.matches('{').count() > within.matches('}').count()
    }

    /// The line with a caret under what is meant, each line of it indented by two spaces. Secrets are hidden.
    pub(crate) fn snippet(&self) -> Option<String> {
        if !self.source.lines {
            return None;
        }
        let line = self.source.text.lines().nth(self.line.checked_sub(1)?)?;
        let start = self.column - 1;
        let before: String = line.chars().take(start).collect();
        let (line, start) = if self.is_in_headers() {
            // Any value of a header may be a secret; its name is none.
            let name = line.find(':').map_or(line.len() - line.trim_start().len(), |colon| colon + 1);
            let shown = format!("{} ***", &line[..name]);
            let most = shown.chars().count() - 3;
            (shown, start.min(most))
        } else {
            // As a whole: what comes before decides, too, whether something is a secret (`password: …`).
            let (shown, before) = (mask(line), mask(&before));
            let same = shown.chars().zip(line.chars()).take_while(|(a, b)| a == b).count();
            let start = if shown.starts_with(&before) { before.chars().count() } else { start.min(same) };
            (shown, start)
        };
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
const SECRET_WORDS: [&str; 12] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "token",
    "credential",
    "api_key",
    "access_key",
    "authorization",
    "api-key",
    "cookie",
    "headers",
];

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

fn web_scheme(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.ends_with("http") || lower.ends_with("https")
}

/// A text without passwords: those of URLs, the values of their queries, and whatever follows a key that names a secret.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let taken = if web_scheme(&before[..at]) { mask_web(after, &mut out) } else { mask_user(after, &mut out) };
        rest = &after[taken..];
    }
    out.push_str(rest);
    if let Some(start) = secret_start(&out) {
        out.truncate(start);
        out.push_str(" ***");
    }
    out
}

/// What follows the scheme of a URL without its password; how many bytes that is.
fn mask_user(after: &str, out: &mut String) -> usize {
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
    end
}

/// The same where a web server is meant: passwords and the values of queries may hold quotes and commas.
fn mask_web(after: &str, out: &mut String) -> usize {
    let blank = after.find(char::is_whitespace).unwrap_or(after.len());
    let host_ends = after.find(['/', '?', '#', '\n']).unwrap_or(after.len());
    // A password with a / in it ends no host, and what stands before it is no port.
    let odd_port =
        after[..host_ends].rsplit_once(':').is_some_and(|(_, port)| port.contains(|c: char| !c.is_ascii_digit()));
    let user = match after[..host_ends].rfind('@') {
        Some(at) => Some(at),
        None if odd_port => after[..blank].rfind('@'),
        None => None,
    };
    let begin = user.unwrap_or_default();
    if user.is_some() {
        out.push_str("***");
    }
    let end = after[begin..].find(char::is_whitespace).map_or(after.len(), |at| begin + at);
    let token = &after[begin..end];
    let Some(query) = token.find('?') else {
        out.push_str(token);
        return end;
    };
    // What closes a text around the URL is no part of it.
    let closing = token.trim_end_matches(['"', '\'', '`', ',', ')', '}', ']', ':', ';']).len().max(query + 1);
    out.push_str(&token[..query]);
    for (at, pair) in token[query + 1..closing].split('&').enumerate() {
        out.push(if at == 0 { '?' } else { '&' });
        if let Some((name, _)) = pair.split_once('=') {
            out.push_str(name);
            out.push('=');
        }
        out.push('…');
    }
    out.push_str(&token[closing..]);
    end
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
    fn nothing_that_a_url_may_hold_ends_its_secrets() {
        for (text, masked) in [
            ("path: https://ann:p,a'ss@h/x.csv", "path: https://***@h/x.csv"),
            ("Some(\"https://a:p\\\"q@h/x.csv\")", "Some(\"https://***@h/x.csv\")"),
            ("(\"HTTP://h/x.csv?key=a,b'c&flag\", 1)", "(\"HTTP://h/x.csv?key=…&…\", 1)"),
            ("{path: https://h/x.csv?sig=a}, next", "{path: https://h/x.csv?sig=…}, next"),
            ("https://ann:pa/ss@h/x", "https://***@h/x"),
            ("https://h:80/x@y.csv, and ann@b.com", "https://h:80/x@y.csv, and ann@b.com"),
            ("https://h/x?key=…", "https://h/x?key=…"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn no_snippet_shows_the_value_of_a_header() {
        let text = "home:\n  path: https://h/a.csv?k=hidden\n  headers:\n    X-Key: hidden\n    X-Long: >\n      \
                    hidden\n  nulls: [none]\nb: {headers: {X: hidden,\nY: hidden}, nulls: [none]}\n";
        let source = Source::file("f.yml", text);
        for (line, content) in text.lines().enumerate() {
            for column in 1..=content.chars().count() {
                let shot = Pos::new(&source, line + 1, column, 1).snippet().expect("a line");
                assert!(!shot.contains("hidden"), "{shot}");
                assert!(line != 6 || shot.contains("none"), "{shot}");
            }
        }
        let shot = Pos::new(&source, 4, 5, 5).snippet().expect("a line");
        assert!(shot.contains("X-Key: ***"), "{shot}");
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
