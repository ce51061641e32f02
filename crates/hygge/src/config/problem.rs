//! What is wrong with a configuration, told so that a person can mend it.

use std::fmt;

use hygge_core::{Advice, Error, Result};

use super::source::Pos;

/// One thing that is wrong, with the place, the line it stands in, and what to write instead.
pub struct Problem {
    error: Error,
    shots: Vec<Pos>,
}

impl Problem {
    /// A problem at a position.
    pub(crate) fn at(at: &Pos, found: impl Into<String>) -> Self {
        Self { error: Error::refused(found).at(at.to_string()), shots: vec![at.clone()] }
    }

    /// A problem with something that has no position: a file that is not there, say.
    pub(crate) fn somewhere(found: impl Into<String>) -> Self {
        Self { error: Error::refused(found), shots: Vec::new() }
    }

    /// What to do.
    #[must_use]
    pub(crate) fn next(mut self, advice: impl Into<String>) -> Self {
        self.error = self.error.next(advice);
        self
    }

    /// Shows another line, too.
    #[must_use]
    pub(crate) fn also(mut self, at: &Pos) -> Self {
        self.shots.push(at.clone());
        self
    }

    /// The problem as an error of the contract: place, what was found, advice.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// The lines it stands in, with a caret under what is meant; none for what has no line.
    #[must_use]
    pub fn snippet(&self) -> Option<String> {
        let shots: Vec<_> = self.shots.iter().filter_map(Pos::snippet).collect();
        (!shots.is_empty()).then(|| shots.join("\n"))
    }

    /// Only the error; the snippet is lost.
    #[must_use]
    pub fn into_error(self) -> Error {
        self.error
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self { error: error.as_refusal(), shots: Vec::new() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        if let Some(snippet) = self.snippet() {
            write!(f, "\n{snippet}")?;
        }
        match self.error.advice() {
            Some(Advice::Do(advice)) => write!(f, "\n  next: {advice}"),
            Some(Advice::Set { line, .. }) => write!(f, "\n  next: add  {line}"),
            Some(Advice::Anew(more)) => write!(f, "\n  next: run once with --full-drop {more}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes problems as they are found, so that all of them can be told at once.
#[derive(Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    told: usize,
    /// The values of variables with the way they were written, so that no message shows one.
    values: Vec<(String, String)>,
}

/// Shorter values are no secrets, and would be found by chance in the words of a message.
const SHORTEST_VALUE: usize = 3;

/// More than a person will read; a file with more is broken in one way, not in many.
const MOST: usize = 50;

impl Problems {
    /// Hides a value from every message that follows.
    pub(crate) fn hide(&mut self, value: &str, written: String) {
        let words_of_ours = super::keys::is_word(value);
        if value.len() >= SHORTEST_VALUE && !words_of_ours && !self.values.iter().any(|(known, _)| known == value) {
            self.values.push((value.to_owned(), written));
            // A value that holds another goes first, so that no rest of it stays.
            self.values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        }
    }

    fn redacted(&self, problem: Problem) -> Problem {
        let advice = match problem.error.advice() {
            Some(Advice::Do(advice)) => advice.as_str(),
            _ => "",
        };
        let found = problem.error.found();
        if !self.values.iter().any(|(value, _)| found.contains(value.as_str()) || advice.contains(value.as_str())) {
            return problem;
        }
        let hidden = |text: &str| {
            self.values.iter().fold(text.to_owned(), |text, (value, written)| text.replace(value, written))
        };
        let mut error = Error::refused(hidden(found));
        if let Some(place) = problem.error.place() {
            error = error.at(place);
        }
        if !advice.is_empty() {
            error = error.next(hidden(advice));
        }
        Problem { error, shots: problem.shots }
    }

    /// Remembers one. The same words at the same place are said once, however often an anchor repeats them.
    pub(crate) fn add(&mut self, problem: Problem) {
        self.told += 1;
        let problem = self.redacted(problem);
        let same = |p: &Problem| p.error.place() == problem.error.place() && p.error.found() == problem.error.found();
        if self.found.len() < MOST && !self.found.iter().any(same) {
            self.found.push(problem);
        }
    }

    /// The value, or nothing and the problem remembered.
    pub(crate) fn keep<T>(&mut self, result: std::result::Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// Whether all is well so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How often one was added, the same ones too: greater than before means that what was read since is not sound.
    pub(crate) fn told(&self) -> usize {
        self.told
    }

    /// All of them: first those without a line, then file by file from top to bottom.
    pub(crate) fn into_vec(self) -> Vec<Problem> {
        let mut files: Vec<String> = Vec::new();
        let mut places = Vec::with_capacity(self.found.len());
        for problem in self.found {
            let place = problem.shots.first().map(|at| {
                let known = files.iter().position(|file| file == at.file());
                let file = known.unwrap_or_else(|| {
                    files.push(at.file().to_owned());
                    files.len() - 1
                });
                (file, at.line(), at.column())
            });
            places.push((place, problem));
        }
        places.sort_by_key(|(place, _)| *place);
        places.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// The name meant by a misspelt one, if one is near enough.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody misspells that much; and the distance of long words takes long.
    if word.len() > 64 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = match word.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        length => length / 3,
    };
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= allowed || (word.len() >= 4 && name.to_lowercase().starts_with(&word)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A list of names for a sentence: `a, b or c`.
pub(crate) fn any_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// The first problem as an error, for callers that take one.
pub(crate) fn first<T>(result: std::result::Result<T, Vec<Problem>>) -> Result<T> {
    result.map_err(|problems| {
        problems
            .into_iter()
            .next()
            .map_or_else(|| Error::bug("a configuration was refused without a reason"), Problem::into_error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_the_nearest_and_a_strange_one_none() {
        let known = ["table", "query", "separator", "batch_size"];
        assert_eq!(nearest("tabel", known), Some("table"));
        assert_eq!(nearest("seperator", known), Some("separator"));
        assert_eq!(nearest("batchsize", known), Some("batch_size"));
        assert_eq!(nearest("Table", known), Some("table"));
        assert_eq!(nearest("banana", known), None);
        assert_eq!(nearest("sepa", known), Some("separator"));
    }

    #[test]
    fn names_are_listed_as_a_sentence_lists_them() {
        assert_eq!(any_of(["a"]), "a");
        assert_eq!(any_of(["a", "b", "c"]), "a, b or c");
    }
}
