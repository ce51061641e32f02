//! The plain values that say which rows are read and what was staged of them.

use serde::{Deserialize, Serialize};

use crate::tally::Tally;

/// A part of a scan that is read, written, retried and staged as one.
///
/// Splits of a scan cover every row once. A split is a plain value: it holds names and ranges, never secrets or handles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Position in the scan, from 0, without gaps.
    pub ordinal: u32,
    /// What a person reads in a message: `rows 1 to 50,000`, `weather.csv.gz`.
    pub label: String,
    /// What the home needs to find the rows again; nobody else reads it.
    pub payload: serde_json::Value,
    /// The home's guess, for progress and the plan only.
    pub rows: Option<u64>,
    /// The home's guess in bytes as they will lie in memory or on the wire, for progress and the plan only.
    pub bytes: Option<u64>,
    /// Holds every row of the watermark's window `[low, upper]` of the last receipt, and maybe rows above.
    ///
    /// The engine drops from it the rows that the receipt remembers. At most one split of a scan is so marked.
    pub window: bool,
}

/// A split as a writer left it: complete, durable, and visible to nobody until the load commits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Staged {
    /// [`Split::ordinal`].
    pub split: u32,
    /// Which attempt at the split wrote it, from 1.
    pub attempt: u32,
    /// What the writer counted and hashed at its last step.
    pub tally: Tally,
    /// The row count that the store itself reports (a footer read again, a command tag), never the writer's own counter.
    pub stored_rows: u64,
    /// Bytes as they lie in the store, where that can be told.
    pub bytes: u64,
    /// What the store needs to publish it; nobody else reads it.
    pub payload: serde_json::Value,
}

/// Rows of fewer bytes in memory are one split, however many readers there are.
const WORTH_SPLITTING: u64 = 16 << 20;

/// The most splits of a scan.
const MOST_SPLITS: u64 = 4096;

/// How many splits rows of so many bytes are best cut into, for so many readers at once and splits of about `split_bytes`
/// at most.
///
/// All are taken to be equal: a whole number of rounds keeps every reader busy to the end.
#[must_use]
pub fn how_many(bytes: u64, readers: usize, split_bytes: u64) -> u64 {
    let readers = readers.max(1) as u64;
    let n = bytes.div_ceil(split_bytes.max(1)).clamp(1, MOST_SPLITS);
    if n < readers {
        return if bytes >= WORTH_SPLITTING { readers } else { n };
    }
    (n.div_ceil(readers) * readers).min(MOST_SPLITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_keeps_all_readers_busy_and_little_makes_few_splits() {
        assert_eq!(how_many(1 << 20, 4, 64 << 20), 1);
        assert_eq!(how_many(32 << 20, 4, 64 << 20), 4);
        assert_eq!(how_many(200 << 20, 2, 64 << 20), 4);
        assert_eq!(how_many(150 << 20, 2, 64 << 20), 4);
        assert_eq!(how_many(200 << 20, 1, 64 << 20), 4);
        assert_eq!(how_many(200 << 20, 2, 16 << 20), 14);
        assert_eq!(how_many(1 << 40, 3, 1), 4096);
        assert_eq!(how_many(u64::MAX, 2, 1), 4096);
    }
}
