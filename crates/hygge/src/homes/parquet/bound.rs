//! The new end of what is read: from the statistics of row groups where they are exact, from the column elsewhere.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::Array as _;
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef, TimeUnit};
use hygge_core::context::{Context, SplitContext};
use hygge_core::event::Note;
use hygge_core::home::{BatchStream as _, CursorSpec, Future, NullCursor, ReadRequest, Rewound};
use hygge_core::watermark::{Bound, EDGE_LIMIT, Watermark};
use hygge_core::yaml::word;
use hygge_core::{Error, Result};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use super::range::{self, Side, Value};
use crate::files::listing::PinnedFile;
use crate::files::parquet::reader::{FileGroups, GroupStream};
use crate::homes::lookback;
use crate::homes::skipped::left_out;
use crate::homes::typed::type_word;
use crate::sqlite::names::grouped;

/// How many rows of one column are looked at at once.
const LOOK_ROWS: usize = 8_192;

/// What is known of the cursor's values in one row group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// Least and greatest; none where all are NULL.
    pub(super) extremes: Option<(Value, Value)>,
    /// Rows without a value.
    pub(super) nulls: u64,
}

/// A cursor decided: what is read, and what the next run will read on from.
#[derive(Debug, Clone)]
pub(super) struct Decided {
    /// The column.
    pub(super) field: FieldRef,
    /// The new end; none where there is nothing to name one.
    pub(super) bound: Bound,
    /// [`Bound::upper`] as a value.
    pub(super) upper: Value,
    /// [`Bound::low`] as a value.
    pub(super) low: Value,
    /// From where to where the last receipt remembers rows.
    pub(super) window: Option<(Value, Value)>,
    /// Rows up to here, this included, have been carried, window or not.
    pub(super) read_to: Option<(Value, bool)>,
}

/// Reads what the row groups of one file say of a column; what they do not say exactly is read.
pub(super) fn spans(ctx: &Context, file: &FileGroups, field: &FieldRef) -> Result<Vec<Span>> {
    let groups = file.metadata.metadata().row_groups();
    let schema = file.metadata.schema();
    let refused = |e: parquet::errors::ParquetError| {
        Error::failed("the statistics of the file cannot be read").at(&file.shown).because(e)
    };
    let converter =
        StatisticsConverter::try_new(field.name(), schema, file.metadata.parquet_schema()).map_err(refused)?;
    let converter = converter.with_missing_null_counts_as_zero(false);
    let mins = converter.row_group_mins(groups).map_err(refused)?;
    let maxes = converter.row_group_maxes(groups).map_err(refused)?;
    let nulls = converter.row_group_null_counts(groups).map_err(refused)?;
    let exact_min = converter.row_group_is_min_value_exact(groups).map_err(refused)?;
    let exact_max = converter.row_group_is_max_value_exact(groups).map_err(refused)?;
    // Only texts are ever cut short, and older writers do not say whether they were.
    let text = !matches!(range::extremes(&mins), None | Some((Value::Number(_), _)));
    let exact = |at: usize| {
        !text || (exact_min.is_valid(at) && exact_min.value(at) && exact_max.is_valid(at) && exact_max.value(at))
    };
    let mut out = Vec::with_capacity(groups.len());
    for (at, group) in groups.iter().enumerate() {
        let rows = group.num_rows().unsigned_abs();
        let known_nulls = nulls.is_valid(at).then(|| nulls.value(at));
        let known = match (range::value_at(&mins, at), range::value_at(&maxes, at), known_nulls) {
            (Some(min), Some(max), Some(nulls)) if exact(at) => Some(Span { extremes: Some((min, max)), nulls }),
            (None, None, Some(nulls)) if nulls == rows => Some(Span { extremes: None, nulls }),
            _ => None,
        };
        out.push(match known {
            Some(span) => span,
            None => look(ctx, file, at, field)?,
        });
    }
    Ok(out)
}

/// Reads the column of one row group.
fn look(ctx: &Context, file: &FileGroups, group: usize, field: &FieldRef) -> Result<Span> {
    let mut span = Span { extremes: None, nulls: 0 };
    each(ctx, file, vec![group], field, &mut |column| {
        span.nulls += column.null_count() as u64;
        if let Some((least, most)) = range::extremes(column) {
            span.extremes = Some(match span.extremes.take() {
                None => (least, most),
                Some((a, b)) => (a.min(least), b.max(most)),
            });
        }
        Ok(true)
    })?;
    Ok(span)
}

/// Hands every batch of one column to `see`, until it has seen enough.
fn each(
    ctx: &Context,
    file: &FileGroups,
    groups: Vec<usize>,
    field: &FieldRef,
    see: &mut dyn FnMut(&dyn arrow_array::Array) -> Result<bool>,
) -> Result<()> {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Arc::clone(field)]));
    let ctx = SplitContext {
        run: ctx.clone(),
        share: ctx.budget.share(&ctx.cancel)?,
        attempt: 1,
        batch_rows: LOOK_ROWS,
        bytes_read: Arc::default(),
    };
    let mut stream = GroupStream::of(&schema, FileGroups { groups, ..file.clone() }, &ctx)?;
    while let Some(batch) = stream.next()? {
        if !see(batch.rows.column(0))? {
            break;
        }
    }
    Ok(())
}

/// A file's row groups with what is known of the cursor in them.
pub(super) struct Spanned<'a> {
    /// The file.
    pub(super) pin: &'a PinnedFile,
    /// Its row groups.
    pub(super) spans: &'a [Span],
}

/// Decides what to read and where the next run begins; none where no row has a value.
pub(super) fn decide(
    ctx: &Context,
    request: &ReadRequest,
    spec: &CursorSpec,
    field: &FieldRef,
    files: &[Spanned<'_>],
    notes: &mut Vec<Note>,
) -> Result<Option<Decided>> {
    let data_type = field.data_type();
    let name = field.name();
    let nulls: u64 = files.iter().flat_map(|f| f.spans).map(|s| s.nulls).sum();
    if nulls > 0 {
        if spec.nulls == NullCursor::Error {
            let (rows, them) = match nulls {
                1 => ("1 row has".to_owned(), "it"),
                _ => (format!("{} rows have", grouped(nulls)), "them"),
            };
            let line = format!("watermark: {{column: {}, nulls: skip}}", word(name));
            return Err(Error::failed(format!("{rows} no {name}: an incremental flow would never see {them}"))
                .next_set(hygge_core::Part::Flow, line));
        }
        notes.push(left_out(nulls, name));
    }
    let old = request.since.as_ref().and_then(|since| since.watermark.as_ref());
    let old = old.map(|watermark| old_end(watermark, field)).transpose()?;
    let most = files.iter().flat_map(|f| f.spans).filter_map(|s| s.extremes.as_ref()).map(|(_, most)| most).max();
    let went_back = match (&old, most) {
        (Some(old), Some(most)) => *most < old.upper,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if went_back && spec.rewound == Rewound::Error {
        let end = request.since.as_ref().and_then(|s| s.watermark.as_ref()).map_or("", |w| w.bound.upper.as_str());
        return Err(Error::failed(format!(
            "the files end before {name} {end}, which was read already: they went back"
        ))
        .next_anew("to settle everything anew, or set `rewound: ignore` under watermark:"));
    }
    let Some(most) = most else { return Ok(None) };
    check_future(ctx, spec, field, most)?;
    // A source that went back is followed from where it had been.
    let upper = match &old {
        Some(old) if old.upper > *most => old.upper.clone(),
        _ => most.clone(),
    };
    let mut low = match &spec.lookback {
        None => upper.clone(),
        Some(lookback) => less(&upper, lookback, data_type)?,
    };
    if let Some(old) = &old {
        // Nothing below is remembered, so nothing may come again from there: a wider lookback grows into its width.
        low = low.max(old.low.clone()).min(upper.clone());
    }
    let inclusive = !request.exact_edge || few_enough(ctx, field, files, &low)?;
    if !inclusive {
        let limit = grouped(EDGE_LIMIT as u64);
        let carried = old.as_ref().is_some_and(|old| old.inclusive && old.upper == upper);
        if spec.lookback.is_some() || carried {
            return Err(Error::refused(format!(
                "more than {limit} rows lie at the end of {name}: too many to tell apart"
            ))
            .next("choose a column with finer steps, a shorter lookback, or set `key:`"));
        }
        notes.push(
            format!("more than {limit} rows share the greatest {name}: they are left until a greater one is there")
                .into(),
        );
        low = upper.clone();
    }
    let bound = Bound {
        column: name.clone(),
        home_type: type_word(data_type),
        upper: range::text_of(&upper, data_type)?,
        low: range::text_of(&low, data_type)?,
        inclusive,
        unique: false,
    };
    let (window, read_to) = match old {
        None => (None, None),
        Some(old) if old.inclusive => (Some((old.low, old.upper.clone())), Some((old.upper, true))),
        Some(old) => (None, Some((old.upper, false))),
    };
    Ok(Some(Decided { field: Arc::clone(field), bound, upper, low, window, read_to }))
}

struct OldEnd {
    low: Value,
    upper: Value,
    inclusive: bool,
}

fn old_end(watermark: &Watermark, field: &FieldRef) -> Result<OldEnd> {
    let bound = &watermark.bound;
    let now = type_word(field.data_type());
    if bound.home_type != now {
        return Err(Error::refused(format!(
            "column {} was {} when it was last read and is {now} now: its values cannot be compared",
            bound.column, bound.home_type,
        ))
        .next_anew("to settle everything anew"));
    }
    Ok(OldEnd {
        low: range::value_of(&bound.low, field.data_type())?,
        upper: range::value_of(&bound.upper, field.data_type())?,
        inclusive: bound.inclusive,
    })
}

/// Whether the rows from `low` on can all be remembered.
fn few_enough(ctx: &Context, field: &FieldRef, files: &[Spanned<'_>], low: &Value) -> Result<bool> {
    let mut rows = 0;
    let scalar = arrow_array::Scalar::new(range::array_of(low, field.data_type())?);
    for file in files {
        let reaches = |span: &Span| span.extremes.as_ref().is_some_and(|(_, most)| most >= low);
        let groups: Vec<usize> = (0..file.spans.len()).filter(|&at| reaches(&file.spans[at])).collect();
        if groups.is_empty() {
            continue;
        }
        let opened = super::open_file(file.pin)?;
        each(ctx, &opened, groups, field, &mut |column| {
            rows += range::rows(column, Side::AtLeast, &scalar)?.count_set_bits();
            Ok(rows <= EDGE_LIMIT)
        })?;
        if rows > EDGE_LIMIT {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A value less a lookback in the unit of its column.
fn less(upper: &Value, lookback: &str, data_type: &DataType) -> Result<Value> {
    let Value::Number(number) = upper else {
        return Err(Error::refused("a text has no distance, so it has no lookback")
            .next("take out `lookback:`, or follow a column of numbers or times"));
    };
    let bad = |how: &str| {
        Error::refused(format!("the lookback {lookback:?} does not fit a column of {data_type}")).next(how.to_owned())
    };
    let step = match data_type {
        DataType::Date32 => i128::from(lookback::days(lookback)?),
        // What is finer than the column counts as one step of it.
        DataType::Timestamp(unit, _) => {
            (lookback::nanoseconds(lookback)? * i128::from(ticks(*unit)) + 999_999_999) / 1_000_000_000
        }
        DataType::Decimal128(..) => match range::value_of(lookback, data_type) {
            Ok(Value::Number(step)) => step,
            _ => return Err(bad("write a number, as in `lookback: 10.5`")),
        },
        _ => lookback.trim().parse().map_err(|_| bad("write a whole number, as in `lookback: 1000`"))?,
    };
    if step < 0 {
        return Err(bad("give a lookback that is not below zero"));
    }
    // The least value of the type is low enough.
    let low = Value::Number(number.saturating_sub(step));
    match range::array_of(&low, data_type) {
        Ok(_) => Ok(low),
        Err(_) => Ok(least(data_type)),
    }
}

fn least(data_type: &DataType) -> Value {
    Value::Number(match data_type {
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => 0,
        DataType::Int8 => i128::from(i8::MIN),
        DataType::Int16 => i128::from(i16::MIN),
        DataType::Int32 | DataType::Date32 => i128::from(i32::MIN),
        _ => i128::from(i64::MIN),
    })
}

fn ticks(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// Fails when the greatest value is a time to come: every row before it would be missed.
fn check_future(ctx: &Context, spec: &CursorSpec, field: &FieldRef, most: &Value) -> Result<()> {
    if spec.future == Future::Allow {
        return Ok(());
    }
    let now = ctx.clock.now();
    let limit = match field.data_type() {
        // Somewhere on Earth it is tomorrow already.
        DataType::Date32 => i128::from(now.timestamp()) / 86_400 + 1,
        DataType::Timestamp(unit, zone) => {
            let slack = if zone.is_some() { 0 } else { 14 * 3_600 };
            (i128::from(now.timestamp()) + slack + 60) * i128::from(ticks(*unit))
        }
        _ => return Ok(()),
    };
    if most.cmp(&Value::Number(limit)) == Ordering::Greater {
        return Err(Error::failed(format!(
            "the greatest {} is a time that has not come yet: every row before it would be missed",
            field.name()
        ))
        .next_set(hygge_core::Part::Flow, format!("watermark: {{column: {}, future: allow}}", word(field.name()))));
    }
    Ok(())
}
