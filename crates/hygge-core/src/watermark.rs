//! How far a flow has read, and which rows at the edge it has already carried.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::tally::{HASH_VERSION, RowHash};

/// The most row hashes that a receipt remembers.
pub const EDGE_LIMIT: usize = 100_000;

/// The end of what has been read, as the home wrote it. Only the home compares its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The column that orders the rows.
    pub column: String,
    /// The home's own name of the column's type; a change makes the texts incomparable and is refused.
    pub home_type: String,
    /// The greatest value read, exact, in the home's own text.
    pub upper: String,
    /// `upper` less the lookback: rows from here on may come again and are remembered. Equal to `upper` without lookback.
    pub low: String,
    /// Whether rows at `upper` itself were read. When there are too many ties to remember, they are left for the next run.
    pub inclusive: bool,
    /// Whether the column alone identifies a row (it is the key), so that a known value with another row means a change.
    pub unique: bool,
}

/// A bound with the rows at or above `low` that have been carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// How far.
    pub bound: Bound,
    /// The rows from `low` on.
    pub edge: Edge,
}

/// A multiset of row hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Edge {
    /// The version of the row hash; hashes of another version cannot be compared.
    pub hash_version: u32,
    /// Each hash with how often it was carried, sorted.
    pub rows: Vec<(RowHash, u32)>,
}

impl Edge {
    /// An edge that remembers nothing.
    #[must_use]
    pub fn empty() -> Self {
        Self { hash_version: HASH_VERSION, rows: Vec::new() }
    }

    /// How many rows are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.iter().map(|(_, n)| *n as usize).sum()
    }

    /// What either remembers, each row as often as the one that has it more often.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut rows: HashMap<RowHash, u32> = self.rows.iter().copied().collect();
        for (hash, n) in &other.rows {
            let there = rows.entry(*hash).or_default();
            *there = (*there).max(*n);
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_unstable();
        Self { hash_version: self.hash_version, rows }
    }

    /// Whether no row is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// Collects the rows of a new edge, or drops those of an old one.
#[derive(Debug, Clone, Default)]
pub struct EdgeSet(HashMap<RowHash, u32>);

impl EdgeSet {
    /// A fresh copy of what a receipt remembers; every attempt at the window starts from one.
    #[must_use]
    pub fn of(edge: &Edge) -> Self {
        Self(edge.rows.iter().copied().collect())
    }

    /// Remembers one row.
    pub fn add(&mut self, hash: RowHash) {
        *self.0.entry(hash).or_default() += 1;
    }

    /// Whether the row was carried before; each remembered row answers once.
    pub fn take(&mut self, hash: RowHash) -> bool {
        match self.0.get_mut(&hash) {
            Some(n) if *n > 0 => {
                *n -= 1;
                true
            }
            _ => false,
        }
    }

    /// Joins the rows that another split remembered.
    pub fn absorb(&mut self, other: Self) {
        for (hash, n) in other.0 {
            *self.0.entry(hash).or_default() += n;
        }
    }

    /// How many rows are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().map(|n| *n as usize).sum()
    }

    /// How many different rows are held.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.0.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The form that a receipt keeps.
    #[must_use]
    pub fn into_edge(self) -> Edge {
        let mut rows: Vec<_> = self.0.into_iter().filter(|(_, n)| *n > 0).collect();
        rows.sort_unstable();
        Edge { hash_version: HASH_VERSION, rows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_remembered_twice_is_dropped_twice_and_no_more() {
        let mut set = EdgeSet::default();
        set.add(RowHash(7));
        set.add(RowHash(7));
        let edge = set.into_edge();
        assert_eq!(edge.len(), 2);
        let mut fresh = EdgeSet::of(&edge);
        assert!(fresh.take(RowHash(7)));
        assert!(fresh.take(RowHash(7)));
        assert!(!fresh.take(RowHash(7)));
        assert!(!fresh.take(RowHash(8)));
        assert!(EdgeSet::of(&edge).take(RowHash(7)), "another attempt starts from a fresh copy");
    }
}
