//! Where rows settle, named so that two names of one place are equal.

use serde::{Deserialize, Serialize};

/// The identity of a place: a folder, a file, or a table of a database.
///
/// Two places clash when they are equal or one lies in the other.
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
            self.path[..n] == other.path[..n]
        }
    }

    /// One line that is equal for equal places and differs for different ones; fit for a file or a column.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.resource, self.path.join("/"))
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
    fn a_database_clashes_with_each_of_its_tables() {
        assert!(place("sqlite:/a.db", &[]).clashes(&place("sqlite:/a.db", &["t"])));
        assert!(!place("sqlite:/a.db", &["t"]).clashes(&place("sqlite:/a.db", &["u"])));
    }
}
