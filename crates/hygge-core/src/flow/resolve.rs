//! From what a flow asks and what its place remembers to what will be read and how it will settle.

use arrow_schema::Schema;

use super::{EntitySpec, Settling, Verify};
use crate::event::Note;
use crate::home::{ReadRequest, Since, Source};
use crate::place::PlaceId;
use crate::receipt::{Mode, Question, Receipt, changed};
use crate::store::{Coverage, LoadSpec};
use crate::tally::HASH_VERSION;
use crate::watermark::Bound;
use crate::yaml::word;
use crate::{Error, Part, Result};

/// What one attempt at a flow has decided before it opens the home.
pub(super) struct Resolved {
    pub mode: Mode,
    pub coverage: Coverage,
    pub request: ReadRequest,
    /// What the plan should say of the decision.
    pub notes: Vec<Note>,
}

/// Decides mode and coverage from the flow and the place's last receipt.
///
/// # Errors
/// Refused when the place belongs to another flow, or remembers by hashes that this version cannot compare.
pub(super) fn resolve(spec: &EntitySpec, place: &PlaceId, last: Option<&Receipt>, reload: bool) -> Result<Resolved> {
    if let Some(last) = last {
        check_owner(spec, place, last)?;
    }
    check_receipts(spec, place)?;
    let mode = match spec.settling {
        _ if spec.full => Mode::Replace,
        Settling::Replace => Mode::Replace,
        Settling::Append => Mode::Append,
        Settling::Merge => Mode::Merge { key: spec.key.clone() },
    };
    let remembered = last.filter(|_| !spec.full);
    let follows_cursor = spec.incremental && spec.cursor.is_some() && mode != Mode::Replace;
    let skip_settled = spec.skips_settled();
    let mut notes = Vec::new();
    let knows = match remembered {
        Some(last) => same_question(spec, place, &mode, last, &mut notes)?,
        None => false,
    };
    let mut rewritten = match remembered.and_then(|last| last.writing.as_ref()) {
        Some(before) => changed(before, &spec.store.writing()),
        None => Vec::new(),
    };
    if mode != Mode::Replace {
        check_agreement(place, &rewritten, spec.store.agreeing())?;
        rewritten.clear();
    }
    let since = remembered.map(|last| Since {
        watermark: last.watermark.clone().filter(|_| follows_cursor),
        state: last.home_state.clone().filter(|_| knows && !spec.every_run),
    });
    if let Some(watermark) = since.as_ref().and_then(|s| s.watermark.as_ref())
        && watermark.edge.hash_version != HASH_VERSION
    {
        return Err(Error::refused(format!(
            "{place} remembers rows by hash version {}, this version of hygge hashes by {HASH_VERSION}",
            watermark.edge.hash_version
        ))
        .next_anew("to settle everything anew"));
    }
    // What was added bit by bit may have come from what is no longer there.
    let added = |last: &&Receipt| spec.settling != Settling::Replace || last.mode != Mode::Replace;
    let dropped = last.filter(|_| mode == Mode::Replace).filter(added).and_then(|last| last.home_state.clone());
    if !rewritten.is_empty() {
        notes.push(format!("the store's {} changed: all rows are written anew", rewritten.join(" and ")).into());
    }
    let request = ReadRequest {
        source: spec.source.clone(),
        columns: spec.columns.clone(),
        filter: spec.filter.clone(),
        cursor: spec.cursor.clone(),
        since,
        dropped,
        may_be_empty: false,
        skip_settled,
        // A load that replaces reads everything; what later runs do decides whether each row must be remembered.
        exact_edge: spec.settling == Settling::Append,
        force: spec.force || spec.every_run || reload || !rewritten.is_empty(),
        readers: 1,
        plan_only: false,
        split_bytes: 0,
        like: None,
    };
    let coverage = if request.continues() { Coverage::Since } else { Coverage::Full };
    Ok(Resolved { mode, coverage, request, notes })
}

/// Whether what the home remembers for the last receipt answers this flow's question too. A cursor that the flow does not
/// name is left out: the home itself chooses it when it opens. So is the spelling of one.
///
/// # Errors
/// Refused, where rows would join rows that answered another question.
fn same_question(
    spec: &EntitySpec,
    place: &PlaceId,
    mode: &Mode,
    last: &Receipt,
    notes: &mut Vec<Note>,
) -> Result<bool> {
    let mut asked = question(spec, None);
    let same = |named: &String| last.question.cursor.as_ref().is_some_and(|last| last.eq_ignore_ascii_case(named));
    if *mode == Mode::Replace || asked.cursor.as_ref().is_none_or(same) {
        asked.cursor.clone_from(&last.question.cursor);
    }
    if *mode == Mode::Replace {
        return Ok(last.mode == Mode::Replace && last.question.differences(&asked).is_empty());
    }
    notes.extend(check_question(spec, place, mode, last, &asked)?);
    Ok(true)
}

/// Where no receipts are kept nobody can tell what is new.
///
/// # Errors
/// Refused, where the flow would have to know.
fn check_receipts(spec: &EntitySpec, place: &PlaceId) -> Result<()> {
    let forgetful = spec.settling == Settling::Replace || spec.every_run;
    if spec.store.capabilities().receipts || (forgetful && !spec.incremental) || spec.full {
        return Ok(());
    }
    let what = if spec.settling == Settling::Merge {
        "rows cannot be merged there"
    } else {
        "nobody can tell which rows are new"
    };
    Err(Error::refused(format!("stores of type {} keep no receipts, so {what}", spec.store.kind()))
        .at(&place.shown)
        .next_set(Part::Flow, "append: every_run"))
}

fn check_owner(spec: &EntitySpec, place: &PlaceId, last: &Receipt) -> Result<()> {
    if last.owner == spec.owner {
        return Ok(());
    }
    let renamed = last.owner.project == spec.owner.project
        && last.owner.entity == spec.owner.entity
        && spec.formerly.as_deref() == Some(&last.owner.flow);
    if renamed {
        return Ok(());
    }
    let found = Error::refused(format!(
        "{place} was settled by {}, not by {}: two flows would overwrite each other",
        last.owner, spec.owner
    ));
    let same_project = last.owner.project == spec.owner.project;
    let same_flow = last.owner.flow == spec.owner.flow && last.owner.entity == spec.owner.entity;
    Err(if same_project && last.owner.entity == spec.owner.entity {
        found.next_set(Part::Flow, format!("formerly: {}", word(&last.owner.flow)))
    } else if same_flow {
        found.next(format!(
            "if this is that project, moved or renamed, write  name: {}  at the top of hygge.yml, in place of any other name; else give this flow a place of its own",
            word(&last.owner.project)
        ))
    } else {
        found.next("give this flow a place of its own")
    })
}

/// What was asked, part by part.
pub(super) fn question(spec: &EntitySpec, bound: Option<&Bound>) -> Question {
    Question {
        home: spec.home.identity(),
        source: match &spec.source {
            Source::Table(name) => format!("table {name}"),
            Source::Query(text) => format!("query {}", Question::digest(text)),
            Source::Whole { entity } => entity.as_ref().map_or_else(|| "all".to_owned(), |e| format!("entity {e}")),
        },
        columns: spec.columns.clone(),
        filter: spec.filter.as_deref().map(Question::digest),
        cursor: bound
            .map(|b| b.column.clone())
            .or_else(|| spec.cursor.as_ref().and_then(|cursor| cursor.column.clone())),
        key: spec.key.clone(),
        reading: Some(spec.home.reading()),
    }
}

/// A load that joins rows already there must ask what was asked before, or more of the same; says what is more.
///
/// # Errors
/// Refused, naming the parts that differ.
pub(super) fn check_question(
    spec: &EntitySpec,
    place: &PlaceId,
    mode: &Mode,
    last: &Receipt,
    asked: &Question,
) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    if *mode == Mode::Replace {
        return Ok(notes);
    }
    let mut before = last.question.clone();
    if let (Some(before), Some(asked)) = (&mut before.reading, &asked.reading) {
        for (name, more) in spec.home.widened(before, &last.schema) {
            if let Some(now) = asked.get(name) {
                before.insert(name.to_owned(), now.clone());
                notes.push(more.into());
            }
        }
    }
    // An empty source names no cursor; that is no change of the question.
    if asked.cursor.is_none() || (before.cursor.is_none() && last.total.is_some_and(|t| t.rows == 0)) {
        before.cursor.clone_from(&asked.cursor);
    }
    let differences = before.differences(asked);
    if differences.is_empty() {
        return Ok(notes);
    }
    Err(Error::refused(format!(
        "{} changed since {place} last settled: new rows would not fit the old ones",
        differences.join(" and ")
    ))
    .next_anew("to settle everything anew, or take the change back"))
}

/// Rows must not join rows that are written in another way, where nobody could read both as one table.
///
/// # Errors
/// Refused, naming the options that changed.
fn check_agreement(place: &PlaceId, changed: &[String], agreeing: &[&str]) -> Result<()> {
    let names: Vec<&str> = changed.iter().map(String::as_str).filter(|name| agreeing.contains(name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!(
        "the store's {} changed since it last settled: nobody could read the new rows and the old ones as one table",
        names.join(" and ")
    ))
    .at(&place.shown)
    .next_anew("to write all rows in the new way, or take the change back"))
}

/// The home's columns must be those of the receipt.
///
/// # Errors
/// Refused, with the difference.
pub(super) fn check_schema(place: &PlaceId, before: &Schema, now: &Schema) -> Result<()> {
    let differences = schema_differences(before, now);
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!("the home's columns are not those that {place} holds: {}", differences.join("; ")))
        .next_anew("to settle everything in the new form"))
}

/// What differs between two schemas, a phrase a column; order counts, nullability and metadata do not.
#[must_use]
pub fn schema_differences(before: &Schema, now: &Schema) -> Vec<String> {
    let mut out = Vec::new();
    for field in before.fields() {
        match now.column_with_name(field.name()) {
            None => out.push(format!("column {} is gone", field.name())),
            Some((_, other)) if other.data_type() != field.data_type() => {
                out.push(format!("column {} was {} and is {}", field.name(), field.data_type(), other.data_type()));
            }
            Some(_) => {}
        }
    }
    for field in now.fields() {
        if before.column_with_name(field.name()).is_none() {
            out.push(format!("column {} ({}) is new", field.name(), field.data_type()));
        }
    }
    if out.is_empty() && before.fields().iter().zip(now.fields()).any(|(a, b)| a.name() != b.name()) {
        out.push("the columns stand in another order".to_owned());
    }
    out
}

/// What the store is asked to do.
pub(super) fn load_spec(
    spec: &EntitySpec,
    place: &PlaceId,
    resolved: &Resolved,
    schema: &arrow_schema::SchemaRef,
) -> LoadSpec {
    LoadSpec {
        place: place.clone(),
        owner: spec.owner.clone(),
        schema: schema.clone(),
        mode: resolved.mode.clone(),
        key: spec.key.clone(),
        coverage: resolved.coverage,
        adopt: spec.adopt,
        // Files that are merged are told one after the other; what one says of a key, a later one may correct.
        last_wins: spec.settling == Settling::Merge
            && spec.cursor.is_none()
            && matches!(spec.source, Source::Whole { .. }),
    }
}

/// What holds whatever the store is asked: names must be usable, and the store must know the mode.
///
/// # Errors
/// Refused, naming the column or the mode.
pub(super) fn check_load(spec: &EntitySpec, load: &LoadSpec) -> Result<()> {
    let fields = load.schema.fields();
    if fields.is_empty() {
        return Err(Error::refused(format!("{} has no columns", spec.home.shown(&spec.source))));
    }
    let mut seen = std::collections::HashMap::new();
    for (i, field) in fields.iter().enumerate() {
        if field.name().is_empty() {
            return Err(Error::refused(format!("column {} of {} has no name", i + 1, spec.home.shown(&spec.source)))
                .next("name it in the source or in a query"));
        }
        if let Some(first) = seen.insert(field.name(), i) {
            return Err(Error::refused(format!(
                "{} has two columns named {}, the columns {} and {}; a table can have one",
                spec.home.shown(&spec.source),
                field.name(),
                first + 1,
                i + 1
            ))
            .next("rename one in the source or in a query"));
        }
    }
    check_ways(spec, load)?;
    for column in &spec.key {
        if load.schema.column_with_name(column).is_none() {
            return Err(Error::refused(format!(
                "the key names column {column}, which {} does not have",
                spec.home.shown(&spec.source)
            ))
            .next("name existing columns under key:"));
        }
    }
    Ok(())
}

/// The store must know the mode, and be able to prove what it is asked to prove.
///
/// # Errors
/// Refused, naming the option.
pub(super) fn check_ways(spec: &EntitySpec, load: &LoadSpec) -> Result<()> {
    let can = spec.store.capabilities();
    let able = match &load.mode {
        Mode::Append => can.append,
        Mode::Merge { .. } => can.merge,
        Mode::Replace => true,
    };
    if !able {
        return Err(Error::refused(format!("stores of type {} cannot {}", spec.store.kind(), load.mode.word()))
            .next_set(Part::Flow, "mode: replace"));
    }
    if spec.verify == Verify::Contents && !can.staging {
        return Err(Error::refused(format!("what stores of type {} are given cannot be read back", spec.store.kind()))
            .next_set(Part::Flow, "verify: counted"));
    }
    Ok(())
}
