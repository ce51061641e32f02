//! Counting and hashing rows, so that two ends of a flow can be compared without comparing their bytes.
//!
//! A tally is a row count and a wrapping sum, in 128 bits, of one 64-bit hash a row. The sum does not depend on the order of rows
//! nor on how they are cut into batches. A row's hash mixes its cells, each keyed by its column's position and taken by
//! its [`Kind`]: the same value hashes alike whether it travels as `Int32` or `Int64`, in milliseconds or microseconds.
//! It guards against mistakes, not against an enemy.

mod cells;
mod decimal;
mod hash;
mod kind;
mod same;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::hash::{ColumnKey, LANES};
pub use self::kind::Kind;
use crate::{Error, Result};

/// The version of the row hash. Hashes of different versions are never compared.
pub const HASH_VERSION: u32 = 2;

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

/// The version of a sum that hashes of several versions went into: equal to no other.
const MIXED: u32 = 0;

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
    /// The tally of both sets of rows. Sums of different versions are not added: the rows are counted, and no sum is told.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let rows = self.rows + other.rows;
        if self.version == other.version {
            Self { rows, version: self.version, sum: RowHash(self.sum.0.wrapping_add(other.sum.0)) }
        } else {
            Self { rows, version: MIXED, sum: RowHash(0) }
        }
    }

    /// Whether its sum says anything to this version of hygge.
    #[must_use]
    pub fn is_of_this_version(&self) -> bool {
        self.version == HASH_VERSION
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
/// Each end of a flow owns one. What reaches the second end as the very arrays that the first one hashed is known to be
/// the same, and is not hashed again.
pub struct Tallier {
    columns: Vec<(Kind, [ColumnKey; LANES])>,
    /// Whether hashing a slice costs no more than its rows (a slice of lists or of a dictionary drags all values along).
    sliceable: bool,
    lanes: [Vec<u64>; LANES],
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
            columns: schema
                .fields()
                .iter()
                .enumerate()
                .map(|(ordinal, field)| {
                    (Kind::of(field.data_type()), std::array::from_fn(|lane| ColumnKey::new(ordinal, lane)))
                })
                .collect(),
            sliceable: !schema.fields().iter().any(whole_only),
            lanes: Default::default(),
            tally: Tally::default(),
        }
    }

    /// Adds all rows of a batch.
    ///
    /// # Errors
    /// A bug, if the batch has not the columns the tallier was made for.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        self.check(batch)?;
        let sum = if let Some(sum) = same::known(batch) {
            sum
        } else {
            let sum = self.sum(batch)?;
            same::remember(batch, sum);
            sum
        };
        self.tally.rows += batch.num_rows() as u64;
        self.tally.sum.0 = self.tally.sum.0.wrapping_add(sum.0);
        Ok(())
    }

    fn sum(&mut self, batch: &RecordBatch) -> Result<RowHash> {
        let whole = batch.num_rows();
        let step = if self.sliceable { BLOCK_ROWS } else { whole.max(1) };
        let mut sum = 0_u128;
        for from in (0..whole).step_by(step) {
            self.hash(&batch.slice(from, step.min(whole - from)), 0)?;
            for &lane in &self.lanes[0] {
                sum = sum.wrapping_add(u128::from(hash::finish(lane)));
            }
        }
        Ok(RowHash(sum))
    }

    /// The hash of each row by itself, of both lanes: rows can be told apart by it. It is not what [`Self::add`] sums.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn row_hashes(&mut self, batch: &RecordBatch) -> Result<Vec<RowHash>> {
        self.check(batch)?;
        for lane in 0..LANES {
            self.hash(batch, lane)?;
        }
        let [first, second] = &self.lanes;
        Ok(first.iter().zip(second).map(|(&first, &second)| hash::both(first, second)).collect())
    }

    /// What was added so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    fn check(&self, batch: &RecordBatch) -> Result<()> {
        if batch.num_columns() != self.columns.len() {
            return Err(Error::bug(format!(
                "a batch of {} columns came where {} were planned",
                batch.num_columns(),
                self.columns.len()
            )));
        }
        for ((kind, _), column) in self.columns.iter().zip(batch.columns()) {
            if Kind::of(column.data_type()) != *kind {
                return Err(Error::bug(format!("a column planned as {kind:?} came as {}", column.data_type())));
            }
        }
        Ok(())
    }

    fn hash(&mut self, batch: &RecordBatch, lane: usize) -> Result<()> {
        let sums = &mut self.lanes[lane];
        sums.clear();
        sums.resize(batch.num_rows(), 0);
        for ((_, keys), column) in self.columns.iter().zip(batch.columns()) {
            cells::add_column(sums, keys[lane], column.as_ref())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
