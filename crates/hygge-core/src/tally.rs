//! Counting and hashing rows, so that two ends of a flow can be compared without comparing their bytes.
//!
//! A tally is a row count and a wrapping sum of one 128-bit hash a row. The sum does not depend on the order of rows
//! nor on how they are cut into batches. A row's hash mixes its cells, each keyed by its column's position and taken by
//! its [`Kind`]: the same value hashes alike whether it travels as `Int32` or `Int64`, in milliseconds or microseconds.
//! It guards against mistakes, not against an enemy.

mod cells;
mod decimal;
mod hash;
mod kind;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::kind::Kind;
use crate::{Error, Result};

/// The version of the row hash. Hashes of different versions are never compared.
pub const HASH_VERSION: u32 = 1;

/// How many rows are hashed at once: their lanes stay in the nearest cache while column after column is added.
const BLOCK_ROWS: usize = 1_024;

/// The hash of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RowHash(pub u128);

impl Serialize for RowHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:032x}", self.0))
    }
}

impl<'de> Deserialize<'de> for RowHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// How many rows, and the wrapping sum of their hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Rows.
    pub rows: u64,
    /// [`HASH_VERSION`] of the sum.
    pub version: u32,
    /// Wrapping sum of the rows' hashes.
    pub sum: RowHash,
}

impl Default for Tally {
    fn default() -> Self {
        Self { rows: 0, version: HASH_VERSION, sum: RowHash(0) }
    }
}

impl Tally {
    /// Adds one row.
    pub fn add_row(&mut self, hash: RowHash) {
        self.rows += 1;
        self.sum.0 = self.sum.0.wrapping_add(hash.0);
    }

    /// The tally of both sets of rows.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { rows: self.rows + other.rows, version: self.version, sum: RowHash(self.sum.0.wrapping_add(other.sum.0)) }
    }

    /// The tally of these rows without those of another, which are among them.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            rows: self.rows.saturating_sub(other.rows),
            version: self.version,
            sum: RowHash(self.sum.0.wrapping_sub(other.sum.0)),
        }
    }
}

/// Hashes rows of one schema and sums them.
///
/// Each end of a flow owns one: a hash is never compared with a copy of itself.
pub struct Tallier {
    kinds: Vec<Kind>,
    /// Whether hashing a slice costs no more than its rows (a slice of lists or of a dictionary drags all values along).
    sliceable: bool,
    lanes: Vec<[u64; 2]>,
    tally: Tally,
}

impl Tallier {
    /// For rows of `schema`.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let whole_only = |f: &std::sync::Arc<arrow_schema::Field>| {
            use arrow_schema::DataType as T;
            f.data_type().is_nested() || matches!(f.data_type(), T::Dictionary(..) | T::RunEndEncoded(..))
        };
        Self {
            kinds: schema.fields().iter().map(|f| Kind::of(f.data_type())).collect(),
            sliceable: !schema.fields().iter().any(whole_only),
            lanes: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// Adds all rows of a batch.
    ///
    /// # Errors
    /// A bug, if the batch has not the columns the tallier was made for.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let whole = batch.num_rows();
        let step = if self.sliceable { BLOCK_ROWS } else { whole.max(1) };
        for from in (0..whole).step_by(step) {
            self.hash(&batch.slice(from, step.min(whole - from)))?;
            let mut sum = self.tally.sum.0;
            for &lanes in &self.lanes {
                sum = sum.wrapping_add(hash::finish(lanes).0);
            }
            self.tally.sum.0 = sum;
        }
        self.tally.rows += whole as u64;
        Ok(())
    }

    /// The hash of each row, without adding it.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn row_hashes(&mut self, batch: &RecordBatch) -> Result<Vec<RowHash>> {
        self.hash(batch)?;
        Ok(self.lanes.iter().map(|&lanes| hash::finish(lanes)).collect())
    }

    /// What was added so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    fn hash(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_columns() != self.kinds.len() {
            return Err(Error::bug(format!(
                "a batch of {} columns came where {} were planned",
                batch.num_columns(),
                self.kinds.len()
            )));
        }
        self.lanes.clear();
        self.lanes.resize(batch.num_rows(), [0; 2]);
        for (ordinal, (kind, column)) in self.kinds.iter().zip(batch.columns()).enumerate() {
            cells::add_column(&mut self.lanes, hash::ColumnKey::new(ordinal), *kind, column.as_ref())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
