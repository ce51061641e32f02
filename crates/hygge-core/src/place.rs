//! Where rows settle, named so that two names of one place are equal.

use serde::{Deserialize, Serialize};

/// The identity of a place: a folder, a file, or a table of a database.
///
/// Two places clash when they are equal or one lies in the other. What a home reads may be named by a pattern: a part of
/// its path with `*`, `?` or `[` stands for every name that it matches, in small letters or capitals; with `|` between,
/// for every name that one of several matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlaceId {
    /// What is shared: the scheme and the server or file, without user and password (`file:`, `sqlite:/var/shop.db`).
    pub resource: String,
    /// The parts below it, outermost first: folders of a real path, or schema and table. Empty means all of the resource.
    pub path: Vec<String>,
    /// How it is shown to people: the path or name as the project wrote it, without secrets.
    pub shown: String,
}

impl PlaceId {
    /// Whether the two are one place, or one lies in the other.
    #[must_use]
    pub fn clashes(&self, other: &Self) -> bool {
        self.resource == other.resource && {
            let n = self.path.len().min(other.path.len());
            self.path[..n].iter().zip(&other.path[..n]).all(|(a, b)| a == b || names(a, b) || names(b, a))
        }
    }

    /// Whether the two, both of which somebody writes, are one place, or one lies in the other. No part is a pattern: a
    /// table may be called `*`.
    #[must_use]
    pub fn shares(&self, other: &Self) -> bool {
        let n = self.path.len().min(other.path.len());
        self.resource == other.resource && self.path[..n] == other.path[..n]
    }

    /// One line that is equal for equal places and differs for different ones; fit for a file or a column.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.resource, self.path.join("/"))
    }
}

/// Whether a name is one that a part of a path means, if that is a pattern.
fn names(part: &str, name: &str) -> bool {
    if !part.contains(['*', '?', '[']) {
        return false;
    }
    let name = name.to_lowercase();
    part.to_lowercase().split('|').any(|pattern| matches(pattern, &name))
}

/// Whether a name is one that the pattern means; `[..]` is taken for any character, as a clash too many does no harm.
fn matches(pattern: &str, name: &str) -> bool {
    let Some(at) = pattern.find(['*', '?', '[']) else { return pattern == name };
    let (literal, rest) = pattern.split_at(at);
    let Some(name) = name.strip_prefix(literal) else { return false };
    let after_one = |pattern: &str| {
        let mut chars = name.chars();
        chars.next().is_some() && matches(pattern, chars.as_str())
    };
    match rest.split_at(1) {
        ("*", rest) => (0..=name.len()).filter(|&i| name.is_char_boundary(i)).any(|i| matches(rest, &name[i..])),
        ("?", rest) => after_one(rest),
        (_, rest) => after_one(rest.split_once(']').map_or("", |(_, rest)| rest)),
    }
}

impl std::fmt::Display for PlaceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(resource: &str, path: &[&str]) -> PlaceId {
        PlaceId { resource: resource.into(), path: path.iter().map(|&s| s.into()).collect(), shown: path.join("/") }
    }

    #[test]
    fn equal_and_nested_places_clash_and_neighbours_do_not() {
        let users = place("file:", &["srv", "data", "users"]);
        assert!(users.clashes(&users));
        assert!(users.clashes(&place("file:", &["srv", "data"])));
        assert!(place("file:", &["srv", "data"]).clashes(&users));
        assert!(!users.clashes(&place("file:", &["srv", "data", "users2"])));
        assert!(!users.clashes(&place("sqlite:/a", &["srv", "data", "users"])));
    }

    #[test]
    fn a_pattern_clashes_with_the_names_it_means() {
        let home = place("file:", &["srv", "in", "sales-*.csv"]);
        assert!(home.clashes(&place("file:", &["srv", "in", "sales-2024.csv"])));
        assert!(place("file:", &["srv", "in"]).clashes(&home));
        assert!(!home.clashes(&place("file:", &["srv", "in", "out"])));
        assert!(!home.clashes(&place("file:", &["srv", "out"])));
        let flat = place("file:", &["srv", "in", "*.csv|*.csv.gz"]);
        assert!(
            flat.clashes(&place("file:", &["srv", "in"])) && flat.clashes(&place("file:", &["srv", "in", "A.CSV"]))
        );
        assert!(!flat.clashes(&place("file:", &["srv", "in", "out"])));
        assert!(matches("*", "") && matches("a?[0-9]*é", "ab7xyé") && !matches("a?", "a") && !matches("*.csv", "a.gz"));
    }

    #[test]
    fn what_is_written_is_no_pattern() {
        let star = place("file:", &["srv", "lake", "*"]);
        assert!(!star.shares(&place("file:", &["srv", "lake", "users"])));
        assert!(star.shares(&star) && star.shares(&place("file:", &["srv", "lake"])));
        assert!(!star.shares(&place("sqlite:/a", &["srv", "lake", "*"])));
    }

    #[test]
    fn a_database_clashes_with_each_of_its_tables() {
        assert!(place("sqlite:/a.db", &[]).clashes(&place("sqlite:/a.db", &["t"])));
        assert!(!place("sqlite:/a.db", &["t"]).clashes(&place("sqlite:/a.db", &["u"])));
    }
}
