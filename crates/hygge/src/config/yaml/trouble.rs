//! What the parser complains of, in plain words and where a person would look.

use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use crate::config::problem::Problem;
use crate::config::source::{Pos, Source};

/// The innermost bracket that is open at a position. Quotes and comments are passed over; outside of brackets only one
/// that begins a value is a bracket.
fn open_bracket(source: &Arc<Source>, end: &Pos) -> Option<(char, Pos)> {
    let mut open: Vec<(char, Pos)> = Vec::new();
    let mut quote = None;
    for (number, line) in source.text().lines().enumerate().take(end.line()) {
        let mut before = ' ';
        // The last character that is no space: what follows `:` or `-` begins a value.
        let mut word = ':';
        for (column, c) in line.chars().enumerate() {
            if number + 1 == end.line() && column + 1 >= end.column() {
                break;
            }
            let begins = matches!(word, ':' | '-' | ',' | '[' | '{');
            if let Some(q) = quote {
                if c == q && before != '\\' {
                    quote = None;
                }
            } else {
                match c {
                    '"' | '\'' if begins => quote = Some(c),
                    '#' if before.is_whitespace() => break,
                    '{' | '[' if begins || !open.is_empty() => {
                        open.push((c, Pos::new(source, number + 1, column + 1, 1)));
                    }
                    '}' | ']' => drop(open.pop()),
                    _ => {}
                }
            }
            before = c;
            if !c.is_whitespace() {
                word = c;
            }
        }
    }
    open.pop()
}

/// The parser's complaint in plain words.
pub(super) fn scan_problem(source: &Arc<Source>, error: &ScanError) -> Problem {
    let mark = error.marker();
    let line = source.text().lines().nth(mark.line().saturating_sub(1)).unwrap_or_default();
    let here = Pos::new(source, mark.line().max(1), mark.col() + 1, 1);
    // The parser sees that something is missing where the next thing stands; a person looks for where it began.
    let open = open_bracket(source, &here);
    let mut at = here;
    let mut unclosed = |bracket: char| {
        let bracket = match &open {
            Some((open, pos)) => {
                at = pos.clone();
                *open
            }
            None => bracket,
        };
        match bracket {
            '{' => ("the mapping that begins with { is not closed".to_owned(), "close it with }"),
            _ => ("the list that begins with [ is not closed".to_owned(), "close it with ]"),
        }
    };
    let (found, advice) = match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => {
            ("a tab is used for indentation, and YAML takes spaces only".to_owned(), "replace the tab by spaces")
        }
        _ if line.contains("${")
            && (line.contains("{ ") || line.contains('{') && !line.trim_start().starts_with("${"))
            && line.find('{') < line.find("${") =>
        {
            (
                "inside { } and [ ] YAML reads the braces of ${…} as its own".to_owned(),
                "put the value in quotes: \"${NAME}\"",
            )
        }
        ErrorKind::UnknownAnchor | ErrorKind::MissingAnchorOrAliasName => (
            "a value that begins with * or & is an alias or an anchor in YAML, and this one names none".to_owned(),
            "to write a text or a pattern, put it in quotes: \"*\"",
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            (format!("a value cannot begin with {character} in YAML unless it is in quotes"), "put the value in quotes")
        }
        ErrorKind::MappingValueNotAllowed => (
            "a second `:` in one line makes YAML see a mapping inside a value".to_owned(),
            "put the value in quotes, or begin a new line",
        ),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => (
            "the indentation fits none of the lines above".to_owned(),
            "indent the line as far as the keys it belongs to",
        ),
        ErrorKind::SimpleKeyExpected => {
            ("this line is neither  key: value  nor part of the value above".to_owned(), "write it as  key: value")
        }
        ErrorKind::UnclosedQuotedScalar => ("the quote is never closed".to_owned(), "close it"),
        ErrorKind::UnclosedFlowCollection { open: '{' }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::ExpectedFlowMappingSeparator => unclosed('{'),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::ExpectedFlowSequenceSeparator => unclosed('['),
        ErrorKind::UnknownQuotedScalarEscape => (
            "in double quotes a backslash begins an escape, and this one is unknown".to_owned(),
            "write \\\\ for a backslash, or use single quotes",
        ),
        ErrorKind::RecursionLimitExceeded => {
            ("more than 64 levels stand inside one another".to_owned(), "flatten the configuration")
        }
        ErrorKind::DirectiveDisallowed => {
            ("a line that begins with % is a YAML directive, which means nothing here".to_owned(), "take the line out")
        }
        _ => (format!("this is not YAML: {}", error.info()), "mend the line, or put the value in quotes"),
    };
    Problem::at(&at, found).next(advice)
}
