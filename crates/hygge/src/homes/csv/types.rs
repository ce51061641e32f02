//! Which types the columns of a scan have, and what a person should know of them.

use arrow_schema::DataType;
use hygge_core::event::Note;
use hygge_core::{Advice, Part as Side};

use super::survey::Survey;
use crate::files::csv::complaint::{MARKERS, nulls_with};

/// More names than this are not listed.
const MOST_NAMES: usize = 12;

/// Where types come from beside the cells.
pub(super) struct Known<'a> {
    /// Types that the configuration gives.
    pub(super) declared: &'a [(String, DataType)],
    /// Types of what settled before.
    pub(super) before: &'a [(String, DataType)],
    /// Whether rows join those that settled before, or are compared with them.
    pub(super) joins: bool,
    /// The markers of NULL that are configured.
    pub(super) nulls: &'a [String],
}

/// The type of every column, and notes on those that are `asked` for.
pub(super) fn types(
    names: &[String],
    asked: &[usize],
    seen: &Survey<'_>,
    known: &Known<'_>,
) -> (Vec<DataType>, Vec<Note>) {
    let of = |list: &[(String, DataType)], name: &String| list.iter().find(|(n, _)| n == name).map(|(_, t)| t.clone());
    let mut empty = Vec::new();
    let mut marked = Vec::new();
    let mut types = Vec::with_capacity(names.len());
    for (at, (name, seen)) in names.iter().zip(&seen.seen).enumerate() {
        if let Some(declared) = of(known.declared, name) {
            types.push(declared);
            continue;
        }
        // A replace tells types anew, but where no value tells one: an empty file is an empty table of the old form. A
        // marker of NULL is no value, either: it is told as the cell that does not fit.
        let keeps = known.joins || seen.is_empty() || seen.has_markers();
        if let Some(before) = of(known.before, name).filter(|before| keeps && seen.fits(before)) {
            types.push(before);
            continue;
        }
        types.push(seen.data_type());
        if seen.is_empty() && asked.contains(&at) {
            empty.push(name.as_str());
        }
        if let (Some(found), true) = (seen.marked(), asked.contains(&at)) {
            marked.push((at, found));
        }
    }
    let mut notes = Vec::new();
    match empty[..] {
        [] => {}
        [one] => notes.push(Note::from(format!("column {one} is empty where it was looked at, and is taken as text"))),
        ref many => notes.push(Note::from(format!(
            "columns {} are empty where they were looked at, and are taken as text",
            listed(many)
        ))),
    }
    notes.extend(text_by_markers(names, seen, &marked, known.nulls));
    (types, notes)
}

/// Columns that the same words of the same file made text.
struct Marked<'a> {
    file: Option<&'a str>,
    markers: u32,
    among: Vec<&'static str>,
    columns: Vec<&'a str>,
}

impl Marked<'_> {
    fn sentence(&self) -> String {
        let at = self.file.map(|file| format!("{file}, ")).unwrap_or_default();
        let (column, are) = if self.columns.len() == 1 { ("column", "is") } else { ("columns", "are") };
        let (found, among) = (words_of(self.markers).join(" and "), self.among.join(" and "));
        format!("{at}{column} {} {are} taken as text, since {found} stands among {among}", listed(&self.columns))
    }
}

/// Of columns that are text only because of words that stand for "no value".
fn text_by_markers(
    names: &[String],
    seen: &Survey<'_>,
    found: &[(usize, (u32, DataType))],
    nulls: &[String],
) -> Option<Note> {
    let mut groups: Vec<Marked<'_>> = Vec::new();
    for (at, (markers, data_type)) in found {
        let file = seen.marked_in.get(*at).and_then(Option::as_deref);
        let word = in_words(data_type);
        match groups.iter_mut().find(|group| group.file == file && group.markers == *markers) {
            Some(group) => {
                if !group.among.contains(&word) {
                    group.among.push(word);
                }
                group.columns.push(&names[*at]);
            }
            None => groups.push(Marked { file, markers: *markers, among: vec![word], columns: vec![&names[*at]] }),
        }
    }
    let all = groups.iter().fold(0, |all, group| all | group.markers);
    let line = nulls_with(nulls, &words_of(all));
    let text = groups.iter().map(Marked::sentence).collect::<Vec<_>>().join("; ");
    if groups.is_empty() {
        return None;
    }
    Some(Note { next: Some(Advice::Set { part: Side::Home, line }), ..text.into() })
}

fn words_of(markers: u32) -> Vec<&'static str> {
    MARKERS.iter().enumerate().filter(|(bit, _)| markers >> bit & 1 != 0).map(|(_, word)| *word).collect()
}

fn in_words(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "true and false",
        DataType::Date32 => "dates",
        DataType::Timestamp(..) => "times",
        _ => "numbers",
    }
}

fn listed(names: &[&str]) -> String {
    match names.len().saturating_sub(MOST_NAMES) {
        0 | 1 => names.join(", "),
        more => format!("{} and {more} others", names[..MOST_NAMES].join(", ")),
    }
}
