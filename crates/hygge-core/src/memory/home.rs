//! Rows in memory, read in splits, with a cursor over a column of whole numbers.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, BooleanArray, RecordBatch};
use arrow_schema::{DataType, SchemaRef};

use crate::context::{Cancellation, Context, SplitContext};
use crate::cut::Cut;
use crate::event::Note;
use crate::home::{
    Batch, BatchStream, CursorSpec, Home, NullCursor, Opened, ReadRequest, Repeat, Rewound, Scan, Source, TableInfo,
};
use crate::place::PlaceId;
use crate::receipt::Options;
use crate::split::Split;
use crate::watermark::{Bound, EDGE_LIMIT, Watermark};
use crate::{Error, Result};

/// A table in memory that can grow between runs.
#[derive(Clone)]
pub struct MemoryHome {
    name: String,
    rows: Arc<Mutex<RecordBatch>>,
    split_rows: usize,
}

impl MemoryHome {
    /// A home of `rows`, read in splits of at most `split_rows`.
    #[must_use]
    pub fn new(name: &str, rows: RecordBatch, split_rows: usize) -> Self {
        Self { name: name.to_owned(), rows: Arc::new(Mutex::new(rows)), split_rows: split_rows.max(1) }
    }

    /// What it holds now.
    #[must_use]
    pub fn rows(&self) -> RecordBatch {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what it holds; scans that are open go on seeing what they saw.
    pub fn set(&self, rows: RecordBatch) {
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = rows;
    }
}

impl Home for MemoryHome {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn shown(&self, _: &Source) -> String {
        self.name.clone()
    }

    fn identity(&self) -> String {
        format!("memory:{}", self.name)
    }

    fn reading(&self) -> Options {
        Options::new()
    }

    fn location(&self, _: &Source) -> Option<PlaceId> {
        None
    }

    fn max_readers(&self) -> usize {
        4
    }

    fn check(&self, _: &Context, _: &Source, _: bool) -> Result<Vec<String>> {
        Ok(vec![format!("{} rows in memory", self.rows().num_rows())])
    }

    fn tables(&self, _: &Context, pattern: &str) -> Result<Vec<TableInfo>> {
        if pattern != "*" && pattern != self.name {
            return Ok(Vec::new());
        }
        let rows = self.rows();
        let columns = rows.schema().fields().iter().map(|f| (f.name().clone(), f.data_type().to_string())).collect();
        Ok(vec![TableInfo { name: self.name.clone(), rows: Some(rows.num_rows() as u64), key: Vec::new(), columns }])
    }

    fn open(&self, _: &Context, request: &ReadRequest) -> Result<Opened> {
        if request.filter.is_some() {
            return Err(Error::refused("a memory home has no language for `where`"));
        }
        if request.skip_settled && request.cursor.is_none() {
            return Err(Error::refused("a memory home cannot tell which rows have settled"));
        }
        let rows = self.rows();
        let digest = state_of(&rows)?;
        let known = request.since.as_ref().and_then(|since| since.state.as_ref());
        if request.cursor.is_none() && !request.force && known == Some(&digest) {
            return Ok(Opened::Unchanged(format!("{} is as it was", self.name).into()));
        }
        let rows = match &request.columns {
            None => rows,
            Some(names) => rows.project(&positions(&rows, names)?)?,
        };
        let since = request.since.as_ref().and_then(|since| since.watermark.as_ref());
        let scan = match &request.cursor {
            None => MemoryScan::whole(rows, self.split_rows, digest),
            Some(spec) => MemoryScan::by_cursor(&rows, spec, since, request.exact_edge, self.split_rows, digest)?,
        };
        Ok(Opened::Scan(Box::new(scan)))
    }
}

fn positions(rows: &RecordBatch, names: &[String]) -> Result<Vec<usize>> {
    names
        .iter()
        .map(|name| rows.schema().index_of(name).map_err(|_| Error::refused(format!("there is no column {name}"))))
        .collect()
}

/// The content, hashed: equal states hold equal rows.
fn state_of(rows: &RecordBatch) -> Result<serde_json::Value> {
    let mut tallier = crate::tally::Tallier::new(&rows.schema());
    tallier.add(rows)?;
    serde_json::to_value(tallier.tally()).map_err(|e| Error::bug("a tally could not be written").because(e))
}

struct MemoryScan {
    rows: RecordBatch,
    cursor: Option<Cursor>,
    splits: Vec<Split>,
    state: serde_json::Value,
    notes: Vec<String>,
}

struct Cursor {
    column: usize,
    bound: Bound,
    low: i64,
    old_upper: Option<i64>,
}

impl MemoryScan {
    fn whole(rows: RecordBatch, split_rows: usize, state: serde_json::Value) -> Self {
        let splits = cut(rows.num_rows(), split_rows, false);
        Self { rows, cursor: None, splits, state, notes: Vec::new() }
    }

    /// Keeps the rows from the old `low` to the new upper bound, sorted, so that the window comes first.
    fn by_cursor(
        rows: &RecordBatch,
        spec: &CursorSpec,
        since: Option<&Watermark>,
        exact_edge: bool,
        split_rows: usize,
        state: serde_json::Value,
    ) -> Result<Self> {
        let name = spec
            .column
            .clone()
            .ok_or_else(|| Error::refused("a memory home has no key to follow").next("set `watermark:`"))?;
        let column = rows
            .schema()
            .index_of(&name)
            .map_err(|_| Error::refused(format!("the watermark names column {name}, which is not there")))?;
        if rows.column(column).data_type() != &DataType::Int64 {
            return Err(Error::refused("a memory home follows columns of 64-bit whole numbers only"));
        }
        let values = rows.column(column).as_primitive::<Int64Type>().clone();
        let mut notes = Vec::new();
        if values.null_count() > 0 {
            if spec.nulls == NullCursor::Error {
                return Err(Error::failed(format!(
                    "{} rows have no {name}, and would never be seen",
                    values.null_count()
                )));
            }
            notes.push(format!("{} rows without {name} are left out", values.null_count()));
        }
        let lookback: i64 = match &spec.lookback {
            None => 0,
            Some(text) => text.parse().map_err(|_| Error::refused(format!("lookback {text} is no whole number")))?,
        };
        let old = since.map(old_end).transpose()?;
        let from = old.map(|(low, _)| low);
        let Some(upper) = values.iter().flatten().max() else {
            if let Some(since) = since.filter(|_| spec.rewound == Rewound::Error) {
                return Err(rewound(&since.bound));
            }
            return Ok(Self { rows: rows.slice(0, 0), cursor: None, splits: Vec::new(), state, notes });
        };
        if let Some(since) = since
            && old.is_some_and(|(_, old_upper)| upper < old_upper)
            && spec.rewound == Rewound::Error
        {
            return Err(rewound(&since.bound));
        }
        let (upper, inclusive) = close(&values, upper, lookback, exact_edge)?;
        let takes = |v: i64| from.is_none_or(|low| v >= low) && (v < upper || (inclusive && v == upper));
        let mut picked: Vec<(i64, u32)> = values
            .iter()
            .enumerate()
            .filter_map(|(i, v)| Some((v?, u32::try_from(i).ok()?)))
            .filter(|(v, _)| takes(*v))
            .collect();
        picked.sort_unstable();
        let old_upper = old.map(|(_, upper)| upper).filter(|_| since.is_some_and(|w| w.bound.inclusive));
        let window = picked.iter().filter(|(v, _)| old_upper.is_some_and(|upper| *v <= upper)).count();
        let indices: arrow_array::UInt32Array = picked.iter().map(|(_, i)| *i).collect();
        let rows = arrow_select::take::take_record_batch(rows, &indices)?;
        let mut splits = cut(window, usize::MAX, true);
        for mut split in cut(picked.len() - window, split_rows, false) {
            split.ordinal += u32::from(window > 0);
            split.payload = payload(range(&split)?.0 + window, range(&split)?.1 + window);
            splits.push(split);
        }
        let low = upper.saturating_sub(lookback);
        let bound = Bound {
            column: name,
            home_type: "int64".to_owned(),
            upper: upper.to_string(),
            low: low.to_string(),
            inclusive,
            unique: false,
        };
        Ok(Self { rows, cursor: Some(Cursor { column, bound, low, old_upper }), splits, state, notes })
    }
}

fn old_end(watermark: &Watermark) -> Result<(i64, i64)> {
    let number = |text: &str| {
        text.parse::<i64>().map_err(|_| {
            Error::refused("the receipt's watermark is no whole number").next_anew("to settle everything anew")
        })
    };
    let upper = number(&watermark.bound.upper)?;
    Ok(if watermark.bound.inclusive { (number(&watermark.bound.low)?, upper) } else { (upper, upper) })
}

fn rewound(bound: &Bound) -> Error {
    Error::failed(format!("the source ends before {} {}, which was read already", bound.column, bound.upper))
        .next_anew("to settle everything anew, or set `rewound: ignore` under watermark:")
}

/// Leaves the greatest value for the next run when its rows are too many to remember.
fn close(values: &arrow_array::Int64Array, upper: i64, lookback: i64, exact_edge: bool) -> Result<(i64, bool)> {
    let low = upper.saturating_sub(lookback);
    if !exact_edge || values.iter().flatten().filter(|v| *v >= low).count() <= EDGE_LIMIT {
        return Ok((upper, true));
    }
    if lookback > 0 {
        return Err(
            Error::refused("the lookback holds more rows than can be remembered").next("shorten it, or set `key:`")
        );
    }
    Ok((upper, false))
}

fn payload(from: usize, to: usize) -> serde_json::Value {
    serde_json::json!([from, to])
}

fn range(split: &Split) -> Result<(usize, usize)> {
    serde_json::from_value(split.payload.clone()).map_err(|e| Error::bug("a split of another home").because(e))
}

fn cut(rows: usize, size: usize, window: bool) -> Vec<Split> {
    (0..rows)
        .step_by(size.min(rows.max(1)))
        .enumerate()
        .map(|(ordinal, from)| {
            let to = from.saturating_add(size).min(rows);
            Split {
                ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
                label: format!("rows {} to {to}", from + 1),
                payload: payload(from, to),
                rows: Some((to - from) as u64),
                bytes: None,
                window,
            }
        })
        .collect()
}

impl Scan for MemoryScan {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn bound(&self) -> Option<&Bound> {
        self.cursor.as_ref().map(|c| &c.bound)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Snapshot
    }

    fn notes(&self) -> Vec<Note> {
        self.notes.iter().cloned().map(Note::from).collect()
    }

    fn read(&self, split: &Split, ctx: &SplitContext) -> Result<Box<dyn BatchStream>> {
        let (from, to) = range(split)?;
        let rows = self.rows.slice(from, to - from);
        let edges = match &self.cursor {
            None => None,
            Some(cursor) => {
                let values = rows.column(cursor.column).as_primitive::<Int64Type>();
                let mask = |test: &dyn Fn(i64) -> bool| -> BooleanArray {
                    values.iter().map(|v| Some(v.is_some_and(test))).collect()
                };
                let inclusive = cursor.bound.inclusive;
                let edge = mask(&|v| inclusive && v >= cursor.low);
                let window = cursor.old_upper.filter(|_| split.window).map(|upper| mask(&|v| v <= upper));
                Some((edge, window))
            }
        };
        let by_bytes = rows.num_rows().saturating_mul(ctx.batch_bytes()) / Cut::size(&rows).max(1);
        let step = by_bytes.clamp(1, ctx.batch_rows);
        Ok(Box::new(Slices { rows, edges, at: 0, step, cancel: ctx.cancel().clone() }))
    }

    fn finish(self: Box<Self>, _: &Context) -> Result<Option<serde_json::Value>> {
        Ok(Some(self.state))
    }
}

struct Slices {
    rows: RecordBatch,
    edges: Option<(BooleanArray, Option<BooleanArray>)>,
    at: usize,
    step: usize,
    cancel: Cancellation,
}

impl BatchStream for Slices {
    fn next(&mut self) -> Result<Option<Batch>> {
        self.cancel.check()?;
        if self.at >= self.rows.num_rows() {
            return Ok(None);
        }
        let length = self.step.min(self.rows.num_rows() - self.at);
        let cut = |mask: &BooleanArray| mask.slice(self.at, length);
        let batch = Batch {
            rows: self.rows.slice(self.at, length),
            edge: self.edges.as_ref().map(|(edge, _)| cut(edge)),
            window: self.edges.as_ref().and_then(|(_, window)| window.as_ref().map(cut)),
        };
        self.at += length;
        Ok(Some(batch))
    }
}
