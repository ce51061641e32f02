//! Which columns a scan has, of which types, and what a person should know of them.

use std::collections::HashSet;

use arrow_schema::{DataType, SchemaRef};
use hygge_core::event::Note;
use serde::{Deserialize, Serialize};

use crate::files::json::columns::Form;
use crate::files::json::infer::{Objects, Seen, Telling, Told, Why};

/// More names than this are not listed.
const MOST_NAMES: usize = 12;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: DataType,
    /// What the type does not say.
    pub(super) form: Form,
}

/// A column, and where its type comes from.
pub(super) struct ToldColumn {
    pub(super) column: Column,
    /// Whether the configuration gives its type.
    pub(super) declared: bool,
    /// Whether it was declared and seen nowhere.
    unseen: bool,
    /// What a person should know: the way to the values, and why they are text.
    why: Vec<(String, Why)>,
}

/// Where columns and types come from beside the values.
pub(super) struct Known<'a> {
    /// Types that the configuration gives.
    pub(super) declared: &'a [(String, DataType)],
    /// What settled before.
    pub(super) before: Vec<Column>,
    /// All of it, in its order.
    pub(super) order: Vec<String>,
    /// The columns as they settled, where rows are compared with them.
    pub(super) like: Option<&'a SchemaRef>,
    /// Whether rows join those that settled before, or are compared with them.
    pub(super) joins: bool,
    pub(super) telling: Telling,
}

impl Known<'_> {
    /// The names of all columns, in their order.
    fn names(&self, objects: &Objects) -> Vec<String> {
        let seen = || objects.keys().names().iter().map(ToString::to_string);
        let order: Vec<String> = match self.like {
            Some(like) => like.fields().iter().map(|field| field.name().clone()).collect(),
            None => self.order.clone(),
        };
        // What joins others has all of their columns; what takes their place keeps their order if it has just them.
        let same = order.len() == objects.keys().len() && order.iter().all(|name| objects.of(name).is_some());
        let before = if self.joins || same { order } else { Vec::new() };
        let declared = self.declared.iter().map(|(name, _)| name.clone());
        let mut known = HashSet::new();
        before.into_iter().chain(seen()).chain(declared).filter(|name| known.insert(name.clone())).collect()
    }

    /// The type that a column had before.
    fn before(&self, name: &str) -> Option<(DataType, Form)> {
        let remembered = self.before.iter().find(|column| column.name == name);
        let Some(like) = self.like else { return remembered.map(|c| (c.data_type.clone(), c.form.clone())) };
        let data_type = like.field_with_name(name).ok()?.data_type();
        let form = remembered.filter(|c| c.data_type == *data_type).map(|c| c.form.clone());
        Some((data_type.clone(), form.unwrap_or_default()))
    }
}

/// All columns.
pub(super) fn columns(objects: &Objects, known: &Known<'_>) -> Vec<ToldColumn> {
    let nothing = Seen::default();
    let column = |name: String| {
        let seen = objects.of(&name);
        if let Some((_, data_type)) = known.declared.iter().find(|(declared, _)| *declared == name) {
            let column = Column { name, data_type: data_type.clone(), form: Form::Values };
            return ToldColumn { column, declared: true, unseen: seen.is_none(), why: Vec::new() };
        }
        let seen = seen.unwrap_or(&nothing);
        // A replace tells types anew, but where no value tells one: an empty file is an empty table of the old form.
        let keeps = known.joins || seen.is_empty();
        let before = known.before(&name).filter(|(data_type, form)| keeps && seen.fits(data_type, form));
        let Told { data_type, form, why } = match before {
            Some((data_type, form)) => Told { data_type, form, why: Vec::new() },
            None => seen.told(known.telling),
        };
        ToldColumn { column: Column { name, data_type, form }, declared: false, unseen: false, why }
    };
    known.names(objects).into_iter().map(column).collect()
}

/// What a person should know of the columns that are `asked` for.
pub(super) fn notes(columns: &[ToldColumn], asked: &[usize]) -> Vec<Note> {
    let mut of: Vec<(Why, Vec<String>)> = Vec::new();
    let mut unseen = Vec::new();
    for told in asked.iter().map(|&at| &columns[at]) {
        let name = &told.column.name;
        if told.unseen {
            unseen.push(name.clone());
        }
        for (path, why) in &told.why {
            let shown = format!("{name}{path}");
            match of.iter_mut().find(|(known, _)| known == why) {
                Some((_, names)) => names.push(shown),
                None => of.push((*why, vec![shown])),
            }
        }
    }
    of.sort_by_key(|(why, _)| *why);
    let mut notes: Vec<Note> = of.iter().map(|(why, names)| Note::from(sentence(*why, names))).collect();
    match &unseen[..] {
        [] => {}
        [one] => notes.push(Note::from(format!(
            "column {one} stands in none of the rows that were looked at: it is NULL unless it comes later"
        ))),
        many => notes.push(Note::from(format!(
            "columns {} stand in none of the rows that were looked at: they are NULL unless they come later",
            listed(many)
        ))),
    }
    notes
}

fn sentence(why: Why, names: &[String]) -> String {
    let (column, is) = if names.len() == 1 { ("column", "is") } else { ("columns", "are") };
    let (it, was) = if names.len() == 1 { ("it", "was") } else { ("they", "were") };
    let listed = listed(names);
    let text = format!("{column} {listed} {is} taken as text, the JSON of each value");
    match why {
        Why::Empty => {
            format!("{column} {listed} {is} empty where {it} {was} looked at, and {is} taken as text")
        }
        Why::Mixed => format!("{text}, since values of several kinds stand there"),
        Why::Inexact => format!("{text}, since numbers stand there that no type keeps with all their digits"),
        Why::NoKeys => format!("{text}, since only objects without keys stand there"),
        Why::ManyKeys => format!("{text}, since the keys of the objects there are too many to be names of columns"),
        Why::Deep => format!("{text}, since they are nested very deep"),
    }
}

fn listed(names: &[String]) -> String {
    match names.len().saturating_sub(MOST_NAMES) {
        0 | 1 => names.join(", "),
        more => format!("{} and {more} others", names[..MOST_NAMES].join(", ")),
    }
}
